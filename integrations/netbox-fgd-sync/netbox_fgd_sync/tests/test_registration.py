"""How FGD Sync is told of links, and when."""

from datetime import timedelta
from unittest import mock
from uuid import uuid4

from core.models import Job
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.test import TransactionTestCase
from django.utils import timezone
from django_pg_utils.locks._lock import resolve_lock_id
from utilities.testing.mixins import RQQueueTestMixin

from .. import jobs, registration
from ..client import AwayError, FGDSyncError
from ..models import FabricLink
from .base import TestCase, WithService, fabric, link, registered, resource
from .service import Answer, Asked, created, refusal


class RegisterTest(TestCase):
    """A fabric that FGD Sync does not know."""

    def test_what_is_told(self) -> None:
        """All that the link says, and that its record is shown by this NetBox."""
        self.service.on("POST", "fabrics", created)
        made = link(credentials_ref="file:git", direction="git_to_netbox", conflict_winner="git_wins", branch="b")
        registration.apply(made, self.user)
        (asked,) = self.service.asked
        self.assertEqual(
            asked.body,
            {
                "fabric_id": made.object_id,
                "name": str(made.record),
                "repository_url": "https://git.example.com/fabrics.git",
                "branch": "b",
                "gitops_directory": "one",
                "credentials": {"ref": "file:git"},
                "netbox": {"direction": "git_to_netbox", "conflict_winner": "git_wins"},
            },
        )
        self.assertEqual(asked.headers["x-requested-by"], self.user.username)
        made.refresh_from_db()
        self.assertEqual((made.fabric_id, made.sync_id, made.state), (made.object_id, "first", "syncing"))
        self.assertEqual(made.applied, made.wanted())
        registration.apply(made)
        self.assertEqual(len(self.service.asked), 1)

    def test_another_number(self) -> None:
        """A number that is not the record's makes FGD Sync be told of the record."""
        self.service.on("POST", "fabrics", created)
        made = link(requested_fabric_id=4711)
        registration.apply(made)
        (asked,) = self.service.asked
        self.assertEqual(asked.body["fabric_id"], 4711)
        self.assertEqual(asked.body["netbox"]["fabric"], made.object_id)
        self.assertNotIn("credentials", asked.body)

    def test_the_number_of_another_record(self) -> None:
        """It is kept for that one's fabric, unless whoever asked for it may adopt."""
        self.service.on("POST", "fabrics", created)
        made = link(requested_fabric_id=fabric().pk, requested_by=self.user)
        with self.assertRaisesMessage(FGDSyncError, "the number of another record"):
            registration.apply(made)
        self.assertEqual(self.service.asked, [])
        self.allow("adopt")
        registration.apply(made)
        self.assertEqual(made.fabric_id, made.requested_fabric_id)

    def test_no_two_at_once(self) -> None:
        """While FGD Sync is told of a fabric a lock is held, and none afterwards."""
        held = []

        def look(asked: Asked) -> Answer:
            held.append(locks())
            connection.close()  # of the service's own thread
            return created(asked)

        def locks() -> int:
            with connection.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted")
                return int(cursor.fetchone()[0])

        self.service.on("POST", "fabrics", look)
        before = locks()
        registration.apply(link())
        self.assertEqual((held, locks()), ([before + 1], before))

    def test_another_worker(self) -> None:
        """What one tells just now, another leaves to it that does not wait."""
        made = link()
        other = connection.copy()
        try:
            with other.cursor() as cursor:
                number = resolve_lock_id(f"netbox_fgd_sync.register.{made.pk}")
                cursor.execute("SELECT pg_advisory_lock(%s)", [number])
            registration.apply(made, wait=False)
        finally:
            other.close()
        self.assertEqual((self.service.asked, made.error), ([], ""))

    def test_the_address_of_netbox(self) -> None:
        """Where FGD Sync has another NetBox for its own, it is told which one this is."""
        self.configure(netbox_url="https://staging.example.com/")
        self.service.on("POST", "fabrics", created)
        registration.apply(link())
        self.assertEqual(self.service.asked[0].body["netbox"]["url"], "https://staging.example.com")

    def test_not_enabled(self) -> None:
        """It is registered suspended: nothing is written into its repository."""
        self.service.on("POST", "fabrics", created)
        made = link(enabled=False)
        registration.apply(made)
        self.assertEqual(self.service.asked[0].body["suspend_reason"], registration.WHY_SUSPENDED)
        self.assertEqual(made.state, "suspended")

    def test_a_refusal_is_kept_and_not_repeated(self) -> None:
        """Its words are on the link, and the job of each minute leaves it alone until the link changes."""
        self.service.on("POST", "fabrics", refusal(400, "FGD_2001", "There is no such repository.", "Mend it."))
        made = link()
        with self.assertRaises(FGDSyncError):
            registration.apply(made)
        made.refresh_from_db()
        self.assertEqual(made.error, "There is no such repository. Mend it.")
        self.assertEqual((made.state, made.applied), ("attention", {}))
        self.assertFalse(registration.waits(made))
        for changed in ({"branch": "other"}, {"requested_fabric_id": 4711}, {"requested_by": self.user}):
            for name, value in changed.items():
                setattr(made, name, value)
            self.assertTrue(registration.waits(made), changed)
            made.refresh_from_db()
            self.assertFalse(registration.waits(made))

    def test_what_passes_is_repeated(self) -> None:
        """A token that is not taken, too many requests, a failure, and a service that is away."""
        made = link()
        for status in (401, 403, 429, 500):
            self.service.on("POST", "fabrics", refusal(status))
            with self.assertRaises(FGDSyncError):
                registration.apply(made)
            self.assertTrue(registration.waits(made))
        self.service.refuse()
        with self.assertRaises(AwayError):
            registration.apply(made)
        self.assertTrue(registration.waits(made))
        self.service.mend()
        self.service.on("POST", "fabrics", created)
        cache.clear()
        registration.apply(made)
        self.assertEqual(made.error, "")

    def test_without_the_record(self) -> None:
        """A link whose record is gone registers nothing."""
        made = link()
        FabricLink.objects.filter(pk=made.pk).update(object_id=999999)
        with self.assertRaisesMessage(FGDSyncError, "not in NetBox"):
            registration.apply(made)
        self.assertEqual(self.service.asked, [])

    def test_a_long_number(self) -> None:
        """What can't be the number of a sync is none."""
        self.service.on("POST", "fabrics", Answer({"sync_id": "x" * 65}))
        made = link()
        registration.apply(made)
        self.assertEqual((made.sync_id, made.state), ("", "syncing"))

    def test_hostile_answers(self) -> None:
        """An answer that is of another form breaks nothing."""
        self.service.on("POST", "fabrics", Answer({"fabric": 7, "sync_id": None}))
        made = link()
        registration.apply(made)
        self.assertEqual((made.fabric_id, made.sync_id), (made.object_id, ""))


class ChangeTest(TestCase):
    """A fabric that FGD Sync was told of."""

    def setUp(self) -> None:
        """Have one."""
        super().setUp()
        self.link = registered()
        self.path = f"fabrics/{self.link.fabric_id}"
        self.service.on("PATCH", self.path, {}).on("POST", f"{self.path}:suspend", {})
        self.service.on("POST", f"{self.path}:resume", {"sync_id": "again"})

    def test_what_differs_is_told(self) -> None:
        """And nothing else."""
        self.link.branch, self.link.credentials_ref, self.link.conflict_winner = "b", "file:new", "hnp_wins"
        self.link.save()
        registration.apply(self.link)
        (asked,) = self.service.asked
        self.assertEqual(
            asked.body,
            {"branch": "b", "credentials": {"ref": "file:new"}, "netbox": {"conflict_winner": "hnp_wins"}},
        )
        self.link.refresh_from_db()
        self.assertEqual(self.link.applied, self.link.wanted())

    def test_suspend_and_resume(self) -> None:
        """A link that is not enabled has its fabric suspended."""
        self.link.enabled = False
        self.link.save()
        registration.apply(self.link)
        self.assertEqual(self.link.state, "suspended")
        self.link.enabled = True
        self.link.save()
        registration.apply(self.link)
        self.assertEqual((self.link.state, self.link.sync_id), ("syncing", "again"))
        self.assertEqual([a.path for a in self.service.asked], [f"{self.path}:suspend", f"{self.path}:resume"])

    def test_resumed_already(self) -> None:
        """Where nothing is started, the link stays as it is."""
        self.service.on("POST", f"{self.path}:resume", {})
        FabricLink.objects.filter(pk=self.link.pk).update(applied={**self.link.applied, "enabled": False})
        self.link.refresh_from_db()
        registration.apply(self.link)
        self.assertEqual(self.link.state, "in_sync")

    def test_what_is_emptied(self) -> None:
        """FGD Sync would keep what it has: that is an error, and does not look as if it were told."""
        self.link.repository_url = ""
        with self.assertRaisesMessage(ValidationError, "would keep it"):
            self.link.full_clean()
        self.link.save()
        with self.assertRaisesMessage(FGDSyncError, "can't be emptied"):
            registration.apply(self.link)
        self.assertEqual(self.service.asked, [])
        self.assertNotEqual(self.link.applied, self.link.wanted())

    def test_one_after_the_other(self) -> None:
        """What another worker has told meanwhile is not told again."""
        self.link.branch = "b"
        self.link.save()
        stale = FabricLink.objects.get(pk=self.link.pk)
        registration.apply(self.link)
        registration.apply(stale)
        self.assertEqual(len(self.service.asked), 1)

    def test_a_link_that_is_gone(self) -> None:
        """One that was deleted meanwhile is told to nobody."""
        self.link.branch = "b"
        self.link.save()
        FabricLink.objects.filter(pk=self.link.pk)._raw_delete("default")
        registration.apply(self.link)
        self.assertEqual(self.service.asked, [])

    def test_a_refusal(self) -> None:
        """The link keeps what it says, and is told again when it changes."""
        self.service.on("PATCH", self.path, refusal(400, "FGD_1", "No such branch.", "Make it."))
        self.link.branch = "b"
        self.link.save()
        with self.assertRaises(FGDSyncError):
            registration.apply(self.link)
        self.link.refresh_from_db()
        self.assertEqual((self.link.error, self.link.branch), ("No such branch. Make it.", "b"))
        self.assertNotEqual(self.link.applied, self.link.wanted())


class SavedTest(RQQueueTestMixin, TestCase):
    """What saving a link does by itself."""

    def jobs(self) -> list[Job]:
        """Return the jobs that register fabrics."""
        return list(Job.objects.filter(name="FGD Sync: register the fabric"))

    def test_after_the_commit(self) -> None:
        """The fabric is registered by NetBox's worker, once the link is there."""
        self.service.on("POST", "fabrics", created)
        with self.captureOnCommitCallbacks() as callbacks:
            made = link()
        self.assertEqual(self.jobs(), [])
        for callback in callbacks:
            with self.captureOnCommitCallbacks(execute=True):
                callback()
        self.run_rq_jobs()
        made.refresh_from_db()
        self.assertEqual((made.state, made.sync_id), ("syncing", "first"))
        (job,) = self.jobs()
        self.assertEqual((job.status, job.object_id), ("completed", made.pk))

    def test_never_when_it_rolls_back(self) -> None:
        """A link that is not there is told to nobody."""
        with self.captureOnCommitCallbacks(execute=True) as callbacks:
            try:
                with transaction.atomic():
                    link()
                    raise RuntimeError
            except RuntimeError:
                pass
        self.assertEqual((callbacks, self.jobs(), self.service.asked), ([], [], []))

    def test_only_what_fgd_sync_has_to_know(self) -> None:
        """A description is for people. Without an address there is nobody to tell."""
        known = registered()
        with self.captureOnCommitCallbacks(execute=True) as callbacks:
            known.description = "Another."
            known.save()
        self.assertEqual(callbacks, [])
        self.configure(url="")
        with self.captureOnCommitCallbacks(execute=True) as callbacks:
            link()
        self.assertEqual(callbacks, [])

    def test_in_the_name_of_the_user(self) -> None:
        """A link that is made by a request is registered in the name of whoever made it."""
        self.service.on("POST", "fabrics", created)
        self.allow("add", "view")
        self.allow("view", model=type(fabric()))
        body = {
            "object_type": "netbox_hedgehog.hedgehogfabric",
            "object_id": fabric().pk,
            "repository_url": "https://git.example.com/a.git",
            "gitops_directory": "a",
        }
        with self.captureOnCommitCallbacks(execute=True):
            answer = self.client.post("/api/plugins/fgd-sync/links/", body, content_type="application/json")
        self.assertHttpStatus(answer, 201)
        self.run_rq_jobs()
        self.assertEqual(self.service.asked[0].headers["x-requested-by"], self.user.username)

    def test_a_job_that_fails(self) -> None:
        """What FGD Sync says is in its log, without a traceback, and who saved the link is told."""
        self.service.on("POST", "fabrics", refusal(400, "FGD_1", "No such repository.", "Mend it."))
        with self.captureOnCommitCallbacks(execute=True):
            link()
        self.run_rq_jobs()
        (job,) = self.jobs()
        self.assertEqual(job.status, "failed")
        self.assertEqual([entry["message"] for entry in job.log_entries], ["No such repository. Mend it."])

    def test_a_link_that_is_gone(self) -> None:
        """The job of a link that was deleted meanwhile does nothing."""
        with self.captureOnCommitCallbacks(execute=True):
            made = link()
        FabricLink.objects.filter(pk=made.pk)._raw_delete("default")
        self.run_rq_jobs()
        self.assertEqual(self.service.asked, [])


class QueueAwayTest(WithService, TransactionTestCase):
    """Links that are saved while NetBox's queue is away, in transactions of their own."""

    def setUp(self) -> None:
        """Have nobody listen where the queue is."""
        super().setUp()
        away = {name: {"URL": "redis://127.0.0.1:1/0"} for name in ("high", "default", "low")}
        patch = mock.patch.dict("django_rq.settings.QUEUES", away)
        patch.start()
        self.addCleanup(patch.stop)

    def test_the_link_is_saved(self) -> None:
        """That is logged, and no job is left that waits for nobody."""
        with self.assertLogs("netbox.plugins.netbox_fgd_sync", "WARNING") as logs:
            made = link()
        self.assertIn("The queue of NetBox is away (ConnectionError)", logs.output[0])
        self.assertTrue(FabricLink.objects.filter(pk=made.pk).exists())
        self.assertFalse(Job.objects.exists())

    def test_jobs_of_others_stay(self) -> None:
        """Also one that is queued at the same moment."""
        with self.assertLogs("netbox.plugins.netbox_fgd_sync", "WARNING"):
            made = link()
            other = Job.objects.create(object=made, name=jobs.SyncFabricJob.name, job_id=uuid4())
            Job.objects.update(created=timezone.now() + timedelta(hours=1))
            jobs.enqueue(jobs.RegisterFabricJob, made)
        self.assertEqual(list(Job.objects.all()), [other])


class DeletedTest(TestCase):
    """What becomes of links whose fabrics go."""

    def test_it_goes_with_its_fabric(self) -> None:
        """In the same transaction; FGD Sync is asked for nothing."""
        record = fabric()
        resource("Server", record)
        gone, other = registered(record), registered()
        with self.assertLogs("netbox.plugins.netbox_fgd_sync", "INFO") as logs:
            record.delete()
        self.assertEqual(list(FabricLink.objects.all()), [other])
        self.assertIn(f"FGD Sync keeps fabric {gone.fabric_id}", logs.output[0])
        self.assertEqual(self.service.asked, [])

    def test_it_stays_where_the_fabric_does(self) -> None:
        """A deletion that is rolled back leaves both."""
        made = registered()
        try:
            with transaction.atomic():
                made.record.delete()
                raise RuntimeError
        except RuntimeError:
            pass
        self.assertTrue(FabricLink.objects.filter(pk=made.pk).exists())

    def test_deleting_a_link(self) -> None:
        """FGD Sync goes on with its fabric."""
        made = registered()
        made.delete()
        self.assertEqual(self.service.asked, [])
