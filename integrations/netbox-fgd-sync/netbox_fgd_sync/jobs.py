"""What NetBox's worker does by itself."""

from datetime import timedelta
from typing import Any

from core.choices import JobIntervalChoices
from netbox.jobs import JobRunner, system_job
from netbox.plugins import get_plugin_config

from . import feed


@system_job(interval=JobIntervalChoices.INTERVAL_DAILY)
class PruneChangesJob(JobRunner):
    """Deletes changes that are kept no longer."""

    class Meta:
        """How NetBox shows it."""

        name = "FGD Sync: prune changes"

    def run(self, *_args: Any, **_kwargs: Any) -> None:
        """Do it."""
        days = get_plugin_config("netbox_fgd_sync", "retention_days")
        self.logger.info(f"{feed.prune(feed.clock() - timedelta(days=days))} changes were deleted")
