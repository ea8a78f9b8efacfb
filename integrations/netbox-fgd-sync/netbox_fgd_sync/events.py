"""Types of events, and how they are fired.

They go the way of NetBox's own: event rules run for them, with webhooks, scripts and groups of people to notify, and
whoever is subscribed to a link is notified.

Rules run behind the commit of what happened. That they are to run is committed with it: what a process that dies then
does not run, the job of the next minute does. A rule runs at least once, and twice where a process dies in the midst.
"""

import logging
from collections.abc import Callable
from functools import partial

from core.models import ObjectType
from django.db import transaction
from django.db.models import QuerySet
from django_pg_utils import advisory_lock
from extras.events import EventContext, flush_events
from extras.models import Notification, Subscription
from netbox.events import (
    EVENT_TYPE_KIND_DANGER,
    EVENT_TYPE_KIND_SUCCESS,
    EVENT_TYPE_KIND_WARNING,
    EventType,
)
from redis.exceptions import RedisError

from .models import FabricLink

SYNC_COMPLETED = "fgd_sync_completed"
SYNC_FAILED = "fgd_sync_failed"
CONFLICT = "fgd_conflict"
QUARANTINED = "fgd_quarantined"
RECOVERED = "fgd_recovered"

TYPES = (
    EventType(SYNC_COMPLETED, "Fabric sync has changed something", EVENT_TYPE_KIND_SUCCESS),
    EventType(SYNC_FAILED, "Fabric sync failed", EVENT_TYPE_KIND_DANGER),
    EventType(CONFLICT, "Fabric has conflicts", EVENT_TYPE_KIND_WARNING),
    EventType(QUARANTINED, "Fabric has files in quarantine", EVENT_TYPE_KIND_WARNING),
    EventType(RECOVERED, "Fabric has recovered", EVENT_TYPE_KIND_SUCCESS),
)

logger = logging.getLogger("netbox.plugins.netbox_fgd_sync")


def register() -> None:
    """Have NetBox know the types."""
    for event_type in TYPES:
        event_type.register()


def fire(link: FabricLink, event_type: str) -> None:
    """Let NetBox do what people want done when something happens to a link, once what happened is committed."""
    _notify(link, ObjectType.objects.get_for_model(link), event_type)
    _owe(link.pk, lambda owed: [*owed, event_type])
    transaction.on_commit(partial(run_rules, link.pk))


def owing() -> QuerySet[FabricLink, int]:
    """Return the numbers of links with events whose rules did not run yet."""
    return FabricLink.objects.exclude(owed_events=[]).values_list("pk", flat=True)


def run_rules(number: int) -> None:
    """Run the event rules that are owed to a link. Of several processes one does."""
    with advisory_lock(f"netbox_fgd_sync.events.{number}"):
        link = FabricLink.objects.filter(pk=number).first()
        for event_type in link.owed_events if link else ():
            if not _ran(link, event_type):
                return
            _owe(number, lambda owed: owed[1:])


def _owe(number: int, change: Callable[[list[str]], list[str]]) -> None:
    """Change what is owed to a link, while nobody else does."""
    with transaction.atomic():
        link = FabricLink.objects.select_for_update().only("owed_events").filter(pk=number).first()
        if link:
            FabricLink.objects.filter(pk=number).update(owed_events=change(link.owed_events))


def _ran(link: FabricLink, event_type: str) -> bool:
    """Run event rules, and report whether nobody has to do so again. One that can't be run keeps no other event."""
    object_type = ObjectType.objects.get_for_model(link)
    context = EventContext(
        object_type=object_type, object_id=link.pk, object=link, event_type=event_type, snapshots=None, user=None
    )
    try:
        flush_events([context])
    except RedisError as error:
        logger.warning("The queue of NetBox is away (%s): event rules wait for it", type(error).__name__)
        return False
    except Exception:
        logger.exception("Event rules did not run for an event of a fabric: %s of %s", event_type, link)
    return True


def _notify(link: FabricLink, object_type: ObjectType, event_type: str) -> None:
    """Notify whoever is subscribed. NetBox has one notification for a user and an object, which is the last."""
    subscribed = Subscription.objects.filter(object_type=object_type, object_id=link.pk).values_list("user", flat=True)
    about = {"object_type": object_type, "object_id": link.pk}
    if not subscribed:
        return
    Notification.objects.filter(**about, user__in=subscribed).delete()
    Notification.objects.bulk_create(
        (
            Notification(**about, user_id=user, object_repr=Notification.get_object_repr(link), event_type=event_type)
            for user in subscribed
        ),
        ignore_conflicts=True,  # somebody notifies the same user of the same link just now
    )
