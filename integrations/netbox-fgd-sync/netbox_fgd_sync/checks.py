"""What `netbox check` says of the plugin."""

from typing import Any

from django.apps import apps
from django.core import checks

from . import recording


@checks.register()
def hedgehog(app_configs: Any = None, **_: Any) -> list[checks.CheckMessage]:  # noqa: ARG001
    """Say which kinds are not recorded."""
    if not apps.is_installed(recording.PLUGIN):
        return [
            checks.Warning(
                "The Hedgehog NetBox Plugin is not installed: nothing is recorded.",
                hint="Add netbox_hedgehog to PLUGINS.",
                id="netbox_fgd_sync.W001",
            )
        ]
    without = sorted({recording.FABRIC, *recording.KINDS} - set(recording.models()))
    return [
        checks.Warning(
            f"Changes of {kind} are not recorded: the model is not there, or not as it is known.",
            hint="Look for a newer version of netbox-fgd-sync. FGD Sync finds these changes when it compares all.",
            id="netbox_fgd_sync.W002",
        )
        for kind in without
    ]
