"""Deletes changes that are kept no longer, as the daily job does."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand
from netbox.plugins import get_plugin_config

from ... import feed


class Command(BaseCommand):
    """`netbox fgd_prune`."""

    help = "Delete changes from the feed of FGD Sync that are kept no longer"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take another age than that of the configuration."""
        parser.add_argument("--days", type=int, help="how old a change gets; that of the configuration by default")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Do it, and say how many there were."""
        days = options["days"]
        if days is None:
            days = get_plugin_config("netbox_fgd_sync", "retention_days")
        self.stdout.write(f"{feed.told(feed.prune(feed.clock() - timedelta(days=days)))}.")
