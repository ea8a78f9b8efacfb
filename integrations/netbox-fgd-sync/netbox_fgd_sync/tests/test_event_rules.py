"""Event rules that start syncs."""

from typing import Any

from core.events import OBJECT_DELETED, OBJECT_UPDATED
from core.models import Job, ObjectType
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.test import RequestFactory
from extras.events import enqueue_event, flush_events
from extras.models import EventRule
from utilities.testing.mixins import RQQueueTestMixin

from .. import fabrics, signals
from ..models import FabricLink
from .base import TestCase, link, registered, resource

ACTION = "netbox_fgd_sync.sync_fabric"


class SyncFabricActionTest(RQQueueTestMixin, TestCase):
    """What happens on an event."""

    def setUp(self) -> None:
        """Have a fabric with a record, and a rule."""
        super().setUp()
        self.link = registered()
        self.record = resource("Server", self.link.record)
        self.path = f"fabrics/{self.link.fabric_id}/syncs"
        self.service.on("POST", self.path, {"sync_id": "s", "status": "started"})
        self.rule = self.make([type(self.record), type(self.link.record), FabricLink])

    def make(self, models: list[type[Model]], **fields: Any) -> EventRule:
        """Make a rule."""
        rule = EventRule(name="sync", event_types=[OBJECT_UPDATED, OBJECT_DELETED], action_type=ACTION, **fields)
        rule.full_clean()
        rule.save()
        rule.object_types.set(ObjectType.objects.get_for_model(model) for model in models)
        return rule

    def happens(self, *instances: Model, event_type: str = OBJECT_UPDATED) -> None:
        """Have something happen to records in a request of the user."""
        request = RequestFactory().get("/")
        request.user, request.id = self.user, None
        queue: dict[str, Any] = {}
        for instance in instances:
            enqueue_event(queue, instance, request, event_type)
        with self.captureOnCommitCallbacks(execute=True):
            flush_events(list(queue.values()))

    def test_in_the_background(self) -> None:
        """The request starts nothing itself; the job does, in the name of who made the change."""
        self.happens(self.record)
        self.assertEqual(self.service.asked, [])
        self.run_rq_jobs()
        (asked,) = self.service.asked
        self.assertEqual((asked.path, asked.headers["x-requested-by"]), (self.path, self.user.username))
        self.assertEqual(asked.body, {"options": {"validate_only": False}})

    def test_one_for_many(self) -> None:
        """Many records that change at once are one sync."""
        self.happens(*(resource("Server", self.link.record) for _ in range(5)))
        self.assertEqual(Job.objects.filter(object_id=self.link.pk).count(), 1)
        self.run_rq_jobs()
        self.happens(self.record)
        self.assertEqual(Job.objects.filter(object_id=self.link.pk).count(), 2)

    def test_of_fabrics_links_and_what_is_deleted(self) -> None:
        """The fabric is found from each of them."""
        self.assertEqual(fabrics.link_of(self.link.record), self.link)
        self.happens(self.link)
        self.run_rq_jobs()
        self.happens(self.record, event_type=OBJECT_DELETED)
        self.run_rq_jobs()
        self.assertEqual(len(self.service.asked), 2)

    def test_fabrics_of_others(self) -> None:
        """A record of another plugin is in another fabric, though that has the same number."""
        user = self.user  # a model that has no fabric
        user.fabric_id = self.link.object_id
        self.assertIsNone(fabrics.link_of(user))
        self.assertEqual(fabrics.link_of(self.record), self.link)
        self.configure(fabric_model="dcim.Site")
        self.assertIsNone(fabrics.link_of(self.record))

    def test_wrong_settings(self) -> None:
        """NetBox starts, and a check says what is wrong."""
        for wrong in ("", "x", "a.b.c", "netbox_hedgehog.NoSuchModel", None, 7):
            self.configure(fabric_model=wrong)
            self.assertIsNone(fabrics.model())
            signals.begin()

    def test_dry_run(self) -> None:
        """What the rule says counts, and not a field of the record."""
        self.rule.action_data = {"dry_run": True}
        self.rule.save()
        self.happens(self.record)
        self.run_rq_jobs()
        self.assertEqual(self.service.asked[0].body, {"options": {"validate_only": True}})

    def test_no_link(self) -> None:
        """A record of a fabric that has none, or one that is not enabled, is left alone, and that is said."""
        other = resource("Server", link().record)
        FabricLink.objects.exclude(pk=self.link.pk).delete()
        with self.assertLogs("netbox.plugins.netbox_fgd_sync", "INFO"):
            self.happens(other)
        FabricLink.objects.update(enabled=False)
        with self.assertLogs("netbox.plugins.netbox_fgd_sync", "INFO"):
            self.happens(self.record)
        FabricLink.objects.update(enabled=True)
        self.configure(fabric_model="netbox_hedgehog.NoSuchModel")
        with self.assertLogs("netbox.plugins.netbox_fgd_sync", "INFO"):
            self.happens(self.record)
        self.assertEqual(Job.objects.filter(name__startswith="FGD Sync: sync").count(), 0)

    def test_what_makes_no_sense(self) -> None:
        """Data that means nothing, and an object to act on, are refused."""
        for data in ({"dry-run": True}, {"dry_run": "yes"}, {"dry_run": True, "force": True}):
            with self.assertRaises(ValidationError):
                self.make([FabricLink], action_data=data)
        with self.assertRaises(ValidationError):
            self.make(
                [FabricLink],
                action_object_type=ObjectType.objects.get_for_model(FabricLink),
                action_object_id=self.link.pk,
            )
