"""FGD Sync's side of NetBox: a feed of what changes in the records of the Hedgehog NetBox Plugin."""

from typing import Any, ClassVar

from netbox.plugins import PluginConfig

__version__ = "0.1.0"


class FGDSyncConfig(PluginConfig):
    """How NetBox knows the plugin."""

    name = "netbox_fgd_sync"
    verbose_name = "FGD Sync"
    description = "A feed of what changes in the records of the Hedgehog NetBox Plugin"
    version = __version__
    author = "The authors of FGD Sync"
    base_url = "fgd-sync"
    min_version = "4.7.0"
    max_version = "4.7.99"
    default_settings: ClassVar[dict[str, Any]] = {
        # How long a change stays in the feed. A reader that was away for longer compares everything.
        "retention_days": 90,
    }

    def ready(self) -> None:
        """Begin to record changes, and have NetBox know of the job and the checks."""
        super().ready()
        from . import checks, jobs, recording  # noqa: F401

        recording.begin()


config = FGDSyncConfig
