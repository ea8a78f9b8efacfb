"""What event rules can have done."""

import logging
from typing import Any

from django.core.exceptions import ValidationError
from netbox.event_rules import EventRuleAction

logger = logging.getLogger("netbox.plugins.netbox_fgd_sync")


class SyncFabricAction(EventRuleAction):
    """Starts a sync of the fabric that a record is in."""

    slug = "netbox_fgd_sync.sync_fabric"
    label = "Sync the fabric"
    description = 'Has FGD Sync sync the fabric that the object belongs to; with {"dry_run": true} as data, a dry run'

    def validate(self, *, action_data: Any, **_: Any) -> None:
        """Refuse data that means nothing."""
        if not action_data:
            return
        if not isinstance(action_data, dict) or set(action_data) - {"dry_run"}:
            raise ValidationError({"action_data": 'It takes {"dry_run": true} or nothing.'})
        if not isinstance(action_data["dry_run"], bool):
            raise ValidationError({"action_data": "dry_run is either true or false."})

    def enqueue(self, *, event_rule: Any, event_context: Any, **_: Any) -> None:
        """Have the worker do it, in the name of whoever caused the event. One job of several alike is enough."""
        from . import fabrics, jobs

        instance = event_context.get("object")
        link = fabrics.link_of(instance) if instance is not None else None
        # What the rule says, and not a field of the record that has the same name.
        dry_run = bool((event_rule.action_data or {}).get("dry_run"))
        if link is None or not (link.enabled or dry_run):
            logger.info("Event rule %s: %s has no fabric that is synced", event_rule, instance)
            return
        name = f"{jobs.SyncFabricJob.name}{' (dry run)' if dry_run else ''}"
        jobs.enqueue(jobs.SyncFabricJob, link, event_context.get("user"), name=name, dry_run=dry_run)


event_rule_actions = [SyncFabricAction]
