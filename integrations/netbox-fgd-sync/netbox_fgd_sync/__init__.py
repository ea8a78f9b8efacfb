"""FGD Sync's side of NetBox: links of fabrics, their pages, and a feed of what changes in their records."""

from typing import Any, ClassVar

from netbox.plugins import PluginConfig

__version__ = "0.1.0"


class FGDSyncConfig(PluginConfig):
    """How NetBox knows the plugin."""

    name = "netbox_fgd_sync"
    verbose_name = "FGD Sync"
    description = "Fabrics of the Hedgehog NetBox Plugin and their GitOps directories, both ways"
    version = __version__
    author = "The authors of FGD Sync"
    base_url = "fgd-sync"
    min_version = "4.7.0"
    max_version = "4.7.99"
    default_settings: ClassVar[dict[str, Any]] = {
        # Address of FGD Sync, such as https://fgd.example.com. Without it there is the feed, and nothing else.
        "url": "",
        # Where its token is found: env:NAME, or file:PATH. The token itself is in no setting, and in no database.
        "token_ref": "env:FGD_SYNC_TOKEN",
        # A file with the certificates of who signs for FGD Sync, in place of those of public authorities.
        "ca_file": "",
        # Address of this NetBox as FGD Sync has it. Without it, each is that has a host of ALLOWED_HOSTS.
        "netbox_url": "",
        # The model of a fabric, as app_label.Model.
        "fabric_model": "netbox_hedgehog.HedgehogFabric",
        # auto gives HNP the names of pages that NetBox looks for and HNP lacks; off leaves HNP as it is.
        "hnp_compat": "auto",
        # How long a change stays in the feed. A reader that was away for longer compares everything.
        "retention_days": 90,
    }

    def ready(self) -> None:
        """Begin to record changes, and have NetBox know of the jobs, the events and the checks."""
        super().ready()
        from . import checks, dashboard, events, jobs, recording, signals  # noqa: F401

        events.register()
        recording.begin()
        signals.begin()


config = FGDSyncConfig
