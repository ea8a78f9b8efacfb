"""What is learned of fabrics, and the events of it."""

from datetime import timedelta
from typing import Any
from unittest import mock
from uuid import uuid4

from core.models import Job, ObjectType
from django.utils import timezone
from extras.models import EventRule, Notification, NotificationGroup, Subscription, Webhook
from redis.exceptions import ConnectionError as RedisConnectionError
from utilities.testing.mixins import RQQueueTestMixin

from .. import events, jobs, status, transport
from ..client import AwayError, FGDSyncError
from ..models import FabricLink
from .base import TestCase, link, registered
from .service import Answer, refusal


class WithFabric(TestCase):
    """A fabric that FGD Sync knows, which tests have in some state."""

    def setUp(self) -> None:
        """Have one that is in sync, and was seen so."""
        super().setUp()
        self.link = registered()
        self.path = f"fabrics/{self.link.fabric_id}"
        self.fabric: dict[str, Any] = {"fabric_id": self.link.fabric_id, "netbox": {"fabric": self.link.object_id}}
        self.delivery: dict[str, Any] = {"proven": 47}
        self.syncs: list[dict[str, Any]] = [{"sync_id": "s1", "state": "completed", "result": {"commit_sha": "c1"}}]
        self.quarantined = 0
        self.service.on("GET", self.path, lambda _: Answer(self.fabric))
        self.service.on("GET", f"{self.path}/syncs", lambda _: Answer({"syncs": self.syncs}))
        self.service.on("GET", f"{self.path}/receipts", lambda _: Answer({"delivery": self.delivery}))
        self.service.on("GET", f"{self.path}/quarantine", lambda _: Answer({"total": self.quarantined}))
        status.refresh(self.link)
        self.service.asked.clear()

    def begin(self, sync_id: str, state: str, commit: str = "") -> None:
        """Have another sync, the newest."""
        self.syncs.insert(0, {"sync_id": sync_id, "state": state, "result": {"commit_sha": commit} if commit else {}})

    def refresh(self) -> FabricLink:
        """Ask how the fabric is, as the next request or job would."""
        found = FabricLink.objects.get(pk=self.link.pk)
        status.refresh(found)
        self.link.refresh_from_db()
        cached = ("state", "sync_id", "commit_sha", "error", "counts", "seen_at")
        self.assertEqual(*([getattr(one, name) for name in cached] for one in (found, self.link)))
        return self.link


class StateTest(WithFabric):
    """The words for how a fabric is."""

    def test_in_sync(self) -> None:
        """All is written down."""
        self.assertEqual((self.link.state, self.link.sync_id, self.link.commit_sha), ("in_sync", "s1", "c1"))
        self.assertEqual(self.link.counts["proven"], 47)
        self.assertEqual(self.link.counts["quarantined"], 0)
        self.assertIsNotNone(self.link.seen_at)

    def test_order(self) -> None:
        """What is worse goes before what is less so."""
        self.delivery = {"undeliverable": 1}
        self.assertEqual(self.refresh().state, "attention")
        self.begin("s2", "processing")
        self.assertEqual(self.refresh().state, "syncing")
        self.fabric["suspension"] = {"reason": "works"}
        self.assertEqual(self.refresh().state, "suspended")
        self.syncs[0]["state"] = "failed"
        self.service.on("GET", "syncs/s2", {"errors": [{"message": "No such branch.", "remedy": "Make it."}]})
        self.assertEqual(self.refresh().state, "failed")
        self.assertEqual(self.link.error, "No such branch. Make it.")

    def test_attention(self) -> None:
        """People look at what is held, refused, in conflict or in quarantine, and at a delivery that stands still."""
        for name in ("held", "undeliverable", "conflicts"):
            self.delivery = {name: 2}
            self.assertEqual((self.refresh().state, self.link.counts[name]), ("attention", 2))
        self.delivery = {"problem": "NetBox takes no token.", "remedy": "Make one."}
        self.assertEqual((self.refresh().state, self.link.error), ("attention", "NetBox takes no token. Make one."))

    def test_dry_runs(self) -> None:
        """A dry run says nothing of how a fabric is, whatever became of it."""
        self.begin("s2", "failed")
        self.syncs[0]["validate_only"] = True
        self.assertEqual((self.refresh().state, self.link.sync_id), ("in_sync", "s1"))
        self.begin("s3", "failed")
        self.begin("s4", "completed", "c4")
        self.syncs[0]["validate_only"] = True
        self.service.on("GET", "syncs/s3", {"errors": []})
        self.assertEqual((self.refresh().state, self.link.sync_id, self.link.commit_sha), ("failed", "s3", "c1"))

    def test_a_fabric_of_another_record(self) -> None:
        """A fabric that FGD Sync has for another record by now is out of reach."""
        self.fabric["netbox"] = {"fabric": self.link.object_id + 1}
        self.assertEqual((self.refresh().state, self.link.fabric_id), ("attention", None))
        self.assertIn("another record", self.link.error)
        self.link.refresh_from_db()
        self.assertEqual((self.link.fabric_id, self.link.applied), (None, {}))

    def test_a_link_that_is_refused(self) -> None:
        """What FGD Sync does not take of a link is for people to look at."""
        FabricLink.objects.filter(pk=self.link.pk).update(branch="other", error="There is no such branch.")
        self.assertEqual((self.refresh().state, self.link.error), ("attention", "There is no such branch."))

    def test_records_on_their_way(self) -> None:
        """A fabric is in sync when NetBox has what the newest sync has left."""
        self.syncs[0]["result"] = {"resources_total": 47}
        for delivery in (
            {"pending": 3, "proven": 44},
            {"merging": 1, "proven": 46},
            {"proven": 47, "published_commit": "b", "proven_commit": "a"},
            {"proven": 0},  # nobody has begun
        ):
            self.delivery = delivery
            self.assertEqual((self.refresh().state, self.link.error), ("syncing", ""), delivery)
        self.delivery = {"proven": 47, "published_commit": "b", "proven_commit": "b"}
        self.assertEqual(self.refresh().state, "in_sync")

    def test_never_synced(self) -> None:
        """Before the first, and where no NetBox is to show it, there is nothing to count."""
        self.syncs.clear()
        self.fabric.pop("netbox")
        self.assertEqual(self.refresh().state, "never_synced")
        self.assertEqual(self.service.requests(path=f"{self.path}/receipts"), [])

    def test_a_cancelled_sync_says_nothing(self) -> None:
        """It is as it was before."""
        self.begin("s2", "cancelled")
        self.assertEqual((self.refresh().state, self.link.sync_id), ("in_sync", "s1"))

    def test_quarantine_is_asked_for_when_it_may_have_changed(self) -> None:
        """FGD Sync reads the repository for it."""
        where = f"{self.path}/quarantine"
        self.refresh()
        self.assertEqual(self.service.requests(path=where), [])
        self.begin("s2", "processing")
        self.refresh()
        self.assertEqual(self.service.requests(path=where), [])
        self.syncs[0]["state"] = "completed"
        self.quarantined = 3
        self.assertEqual((self.refresh().state, self.link.counts["quarantined"]), ("attention", 3))
        self.quarantined = 0
        self.assertEqual(self.refresh().state, "in_sync")
        self.assertEqual(len(self.service.requests(path=where)), 2)

    def test_the_repository_is_away(self) -> None:
        """That the sync has failed is learned all the same."""
        self.begin("s2", "failed")
        self.service.on("GET", f"{self.path}/quarantine", refusal(503))
        self.service.on("GET", "syncs/s2", {"errors": []})
        self.assertEqual((self.refresh().state, self.link.error), ("failed", "The last sync failed."))
        self.assertNotIn("quarantined", self.link.counts)
        self.refresh()
        self.assertEqual(len(self.service.requests(path="syncs/s2")), 1)
        self.assertEqual(len(self.service.requests(path=f"{self.path}/quarantine")), 2)
        self.service.on("GET", f"{self.path}/quarantine", refusal(403))
        with self.assertRaises(FGDSyncError):
            status.refresh(self.link)

    def test_the_repository_is_not_there(self) -> None:
        """What FGD Sync refuses to look for says nothing against what the sync says."""
        self.begin("s2", "failed")
        self.service.on("GET", f"{self.path}/quarantine", refusal(400, "FGD_4004", "There is no such repository."))
        self.service.on("GET", "syncs/s2", {"errors": [{"message": "There is no such repository."}]})
        self.assertEqual((self.refresh().state, self.link.error), ("failed", "There is no such repository."))

    def test_the_fabric_is_gone(self) -> None:
        """The link says so."""
        self.service.on("GET", self.path, refusal(404, "FGD_3006", "There is no fabric 7.", "Register it."))
        with self.assertRaises(FGDSyncError):
            status.refresh(self.link)
        self.link.refresh_from_db()
        self.assertEqual((self.link.state, self.link.error), ("attention", "There is no fabric 7. Register it."))

    def test_not_registered(self) -> None:
        """There is nothing to learn, and why is said."""
        waiting = link()
        with self.assertRaisesMessage(FGDSyncError, "does not know"):
            status.refresh(waiting)

    def test_what_waits_to_be_told_keeps_its_error(self) -> None:
        """The reason why FGD Sync does not take a change is not lost while all else is well."""
        FabricLink.objects.filter(pk=self.link.pk).update(branch="b", error="No such branch.")
        self.assertEqual(self.refresh().error, "No such branch.")

    def test_away(self) -> None:
        """What was known stays."""
        self.service.refuse()
        with self.assertRaises(AwayError):
            status.refresh(self.link)
        self.link.refresh_from_db()
        self.assertEqual(self.link.state, "in_sync")

    def test_hostile_answers(self) -> None:
        """Whatever is in the place of a list, an object or a number counts for nothing."""
        self.syncs = 7  # type: ignore[assignment]
        self.delivery = ["x"]  # type: ignore[assignment]
        self.assertEqual(self.refresh().state, "never_synced")
        odd: list[Any] = [None, {"state": 7}, {"sync_id": None, "state": "completed", "result": "x"}]
        self.syncs = odd
        self.delivery = {"held": "many", "problem": None}
        self.refresh()
        self.assertEqual(self.link.counts["held"], 0)

    def test_what_can_not_be_kept(self) -> None:
        """Names that are too long, and texts that PostgreSQL does not take."""
        self.begin("s" * 65, "completed", "c" * 65)
        self.delivery = {"problem": "a\0b\ud800c"}
        self.assertEqual((self.refresh().sync_id, self.link.commit_sha), ("s1", "c1"))
        self.assertEqual(self.link.error, "ab?c")

    def test_a_slow_repository(self) -> None:
        """All else of the fabric is learned."""
        self.begin("s2", "completed", "c2")
        self.service.hang(f"{self.path}/quarantine")
        with mock.patch.object(transport, "READ_TIMEOUT", 0.2):
            self.assertEqual(self.refresh().commit_sha, "c2")
        self.assertNotIn("quarantined", self.link.counts)

    def test_writes_little(self) -> None:
        """A fabric that is as it was has its row written once in some minutes, and no change is logged."""
        seen = self.link.seen_at
        self.assertEqual(self.refresh().seen_at, seen)
        FabricLink.objects.filter(pk=self.link.pk).update(seen_at=timezone.now() - timedelta(minutes=6))
        self.assertNotEqual(self.refresh().seen_at, seen)
        updated = self.link.last_updated
        self.delivery = {"held": 1}
        self.assertEqual(self.refresh().last_updated, updated)

    def test_all_fabrics(self) -> None:
        """They come in pages."""

        def page(asked: Any) -> Answer:
            if asked.query.get("page_token"):
                return Answer({"fabrics": [{"fabric_id": 2}]})
            return Answer({"fabrics": [{"fabric_id": 1}], "next_page_token": "t"})

        self.service.on("GET", "fabrics", page)
        self.assertEqual(status.fabrics(), {1: {"fabric_id": 1}, 2: {"fabric_id": 2}})


class EventTest(RQQueueTestMixin, WithFabric):
    """What people hear of it."""

    def setUp(self) -> None:
        """Keep which events are fired."""
        super().setUp()
        self.fired: list[str] = []
        fire = events.fire

        def kept(of: FabricLink, event: str) -> None:
            self.fired.append(event)
            fire(of, event)

        patch = mock.patch.object(events, "fire", kept)
        patch.start()
        self.addCleanup(patch.stop)

    def news(self) -> list[str]:
        """Return the events of the next look."""
        self.fired.clear()
        with self.captureOnCommitCallbacks(execute=True):
            self.refresh()
        return list(self.fired)

    def test_once_until_it_is_over(self) -> None:
        """Each trouble is heard of once, and that it is over."""
        for trouble, event in (({"conflicts": 1}, events.CONFLICT),):
            self.delivery = trouble
            self.assertEqual(self.news(), [event])
            self.assertEqual(self.news(), [])
            self.delivery = {"proven": 47}
            self.assertEqual(self.news(), [events.RECOVERED])
            self.assertEqual(self.news(), [])

    def test_quarantine(self) -> None:
        """More in quarantine is no more news."""
        self.begin("s2", "completed", "c2")
        self.quarantined = 1
        self.assertEqual(self.news(), [events.SYNC_COMPLETED, events.QUARANTINED])
        self.quarantined = 2
        self.assertEqual(self.news(), [])
        self.quarantined = 0
        self.assertEqual(self.news(), [events.RECOVERED])

    def test_failed_again_and_again(self) -> None:
        """A sync that is tried again and fails again is heard of once."""
        self.begin("s2", "failed")
        self.service.on("GET", "syncs/s2", {}).on("GET", "syncs/s3", {})
        self.assertEqual(self.news(), [events.SYNC_FAILED])
        self.begin("s3", "processing")
        self.assertEqual((self.news(), self.link.state), ([], "syncing"))
        self.syncs[0]["state"] = "failed"
        self.assertEqual((self.news(), self.link.state), ([], "failed"))
        self.begin("s4", "completed")
        self.assertEqual((self.news(), self.link.state), ([events.RECOVERED], "in_sync"))

    def test_completed(self) -> None:
        """Only a sync that has made a commit is heard of, and none from before the link."""
        self.begin("s2", "completed")
        self.assertEqual(self.news(), [])
        self.begin("s3", "completed", "c3")
        self.begin("s4", "completed")
        self.assertEqual(self.news(), [events.SYNC_COMPLETED])
        FabricLink.objects.filter(pk=self.link.pk).update(seen_at=None, sync_id="", commit_sha="", counts={})
        self.assertEqual(self.news(), [])
        FabricLink.objects.filter(pk=self.link.pk).update(seen_at=None, sync_id="s4", commit_sha="", counts={})
        self.assertEqual(self.news(), [events.SYNC_COMPLETED])

    def test_one_of_several(self) -> None:
        """Of a page and a job that look at the same moment, one tells it."""
        one, other = (FabricLink.objects.get(pk=self.link.pk) for _ in range(2))
        self.delivery = {"conflicts": 1}
        status.refresh(one)
        status.refresh(other)
        self.assertEqual(self.fired, [events.CONFLICT])
        self.assertEqual((other.state, other.counts), (one.state, one.counts))

    def test_subscribers_and_groups(self) -> None:
        """Who is subscribed to the link is notified, and groups that a rule names."""
        Subscription.objects.create(user=self.user, object=self.link)
        self.delivery = {"conflicts": 1}
        self.news()
        (notification,) = Notification.objects.all()
        self.assertEqual((notification.user, notification.object), (self.user, self.link))
        self.assertEqual((notification.event_type, notification.event.kind), (events.CONFLICT, "warning"))
        Subscription.objects.all().delete()
        group = NotificationGroup.objects.create(name="Network")
        group.users.add(self.user)
        self.rule(group, "notification", events.RECOVERED)
        self.delivery = {}
        self.news()
        self.assertEqual(Notification.objects.get().event_type, events.RECOVERED)

    def test_webhooks(self) -> None:
        """A rule sends the link as the REST API shows it."""
        target = f"{self.service.url}/api/v1/hook"
        self.service.on("POST", "hook", {})
        self.rule(Webhook.objects.create(name="hook", payload_url=target), "webhook", events.CONFLICT)
        self.delivery = {"conflicts": 1}
        self.news()
        self.run_rq_jobs()
        (asked,) = self.service.requests("POST", "hook")
        self.assertEqual(
            (asked.body["event"], asked.body["object_type"]), (events.CONFLICT, "netbox_fgd_sync.fabriclink")
        )
        self.assertEqual(asked.body["data"]["state"]["value"], "attention")
        self.assertEqual(asked.body["data"]["counts"]["conflicts"], 1)

    def test_a_rule_that_breaks(self) -> None:
        """What can't be told is logged, and what was learned stays."""
        self.rule(Webhook.objects.create(name="hook", payload_url="http://127.0.0.1:1"), "webhook", events.CONFLICT)
        self.delivery = {"conflicts": 1}
        with (
            mock.patch("extras.event_rules.get_queue", side_effect=RuntimeError),
            self.assertLogs("netbox.plugins.netbox_fgd_sync", "ERROR"),
        ):
            self.news()
        self.assertEqual(self.link.state, "attention")

    def test_what_nobody_is_told_is_not_known(self) -> None:
        """Where people can't be notified, the next look finds the same again."""
        Subscription.objects.create(user=self.user, object=self.link)
        self.delivery = {"conflicts": 1}
        with (
            mock.patch.object(Notification, "get_object_repr", side_effect=RuntimeError),
            self.assertRaises(RuntimeError),
        ):
            self.refresh()
        self.link.refresh_from_db()
        self.assertEqual(self.link.state, "in_sync")
        self.assertEqual(self.news(), [events.CONFLICT])
        self.assertEqual(Notification.objects.get().event_type, events.CONFLICT)

    def test_rules_run_after_the_commit(self) -> None:
        """What was seen in a transaction that is taken back is told to nobody."""
        self.service.on("POST", "hook", {})
        target = f"{self.service.url}/api/v1/hook"
        self.rule(Webhook.objects.create(name="hook", payload_url=target), "webhook", events.CONFLICT)
        self.delivery = {"conflicts": 1}
        with self.captureOnCommitCallbacks() as callbacks:
            self.refresh()
            self.run_rq_jobs()
            self.assertEqual(self.service.requests("POST", "hook"), [])
        self.assertEqual(len(callbacks), 1)

    def test_who_dies_before_the_rules_run(self) -> None:
        """What happened is committed with what is owed: the job of the next minute runs the rules, and once."""
        self.service.on("POST", "hook", {})
        target = f"{self.service.url}/api/v1/hook"
        self.rule(Webhook.objects.create(name="hook", payload_url=target), "webhook", events.CONFLICT)
        self.delivery = {"conflicts": 1}
        with self.captureOnCommitCallbacks():  # which nobody lives to run
            self.refresh()
        for _ in range(2):
            self.minute()
        self.run_rq_jobs()
        (asked,) = self.service.requests("POST", "hook")
        self.assertEqual(asked.body["event"], events.CONFLICT)
        self.link.refresh_from_db()
        self.assertEqual(self.link.owed_events, [])

    def test_who_dies_while_the_rules_run(self) -> None:
        """The one of which that is not known is run again, and all that follow."""
        self.begin("s2", "completed", "c2")
        self.quarantined = 1
        with mock.patch.object(events, "flush_events", side_effect=SystemExit), self.assertRaises(SystemExit):
            self.news()
        self.link.refresh_from_db()
        self.assertEqual(self.link.owed_events, [events.SYNC_COMPLETED, events.QUARANTINED])
        self.minute()
        self.link.refresh_from_db()
        self.assertEqual(self.link.owed_events, [])

    def test_a_queue_that_is_away(self) -> None:
        """Rules wait for it."""
        self.rule(Webhook.objects.create(name="hook", payload_url="http://127.0.0.1:1"), "webhook", events.CONFLICT)
        self.delivery = {"conflicts": 1}
        with (
            mock.patch("extras.event_rules.get_queue", side_effect=RedisConnectionError),
            self.assertLogs("netbox.plugins.netbox_fgd_sync", "WARNING"),
        ):
            self.news()
        self.assertEqual(list(events.owing()), [self.link.pk])
        self.minute()
        self.assertEqual(list(events.owing()), [])

    def minute(self) -> None:
        """Run the job of each minute."""
        job = Job.objects.create(name=jobs.RefreshFabricsJob.name, job_id=uuid4())
        with self.captureOnCommitCallbacks(execute=True):
            jobs.RefreshFabricsJob.handle(job)
        job.refresh_from_db()
        self.assertEqual(job.status, "completed", job.error)

    def rule(self, action_object: Any, action_type: str, event_type: str) -> None:
        """Make a rule for links."""
        rule = EventRule.objects.create(
            name=f"rule of {event_type}",
            event_types=[event_type],
            action_type=action_type,
            action_object_type=ObjectType.objects.get_for_model(action_object),
            action_object_id=action_object.pk,
        )
        rule.object_types.set([ObjectType.objects.get_for_model(FabricLink)])
