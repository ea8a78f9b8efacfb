"""The job of each minute."""

from datetime import timedelta
from typing import Any
from unittest import mock
from uuid import UUID

from core.models import Job
from django.utils import timezone
from netbox.registry import registry
from users.models import User
from utilities.testing.mixins import RQQueueTestMixin

from .. import jobs, transport
from ..models import FabricLink
from .base import TestCase, link, registered
from .service import Answer, refusal


class RefreshTest(TestCase):
    """Registers what waits, and learns how fabrics are."""

    def setUp(self) -> None:
        """Have FGD Sync know no fabric."""
        super().setUp()
        self.service.on("GET", "fabrics", {"fabrics": [], "total": 0})

    def run_job(self) -> list[str]:
        """Run it as NetBox's worker does, and return its log."""
        job = Job.objects.create(name=jobs.RefreshFabricsJob.name, job_id="00000000-0000-0000-0000-000000000001")
        jobs.RefreshFabricsJob.handle(job)
        job.refresh_from_db()
        self.assertEqual(job.status, "completed")
        messages = [entry["message"] for entry in job.log_entries]
        job.delete()
        return messages

    def serve(self, of: FabricLink) -> None:
        """Have FGD Sync know a fabric that was never synced."""
        self.service.on("GET", f"fabrics/{of.fabric_id or of.object_id}/syncs", {"syncs": []})
        self.service.on("GET", f"fabrics/{of.fabric_id or of.object_id}", {"fabric_id": of.fabric_id})

    def test_netbox_runs_it(self) -> None:
        """Each minute."""
        self.assertEqual(registry["system_jobs"][jobs.RefreshFabricsJob], {"interval": 1})

    def test_registers_what_waits(self) -> None:
        """A link that was made past all signals, as by bulk_create, is found."""
        self.service.on("POST", "fabrics", {"sync_id": "s"})
        made = link()
        self.serve(made)
        self.assertEqual(self.run_job(), [])
        made.refresh_from_db()
        self.assertEqual(made.applied, made.wanted())

    def test_a_refusal_is_not_repeated(self) -> None:
        """Each link is its own: one that is refused keeps no other, and is left alone after that."""
        refused, other = link(), registered()
        self.serve(other)
        self.service.on("POST", "fabrics", refusal(400, "FGD_1", "No such repository.", "Mend it."))
        (said,) = self.run_job()
        self.assertEqual(said, f"{refused}: No such repository. Mend it.")
        self.assertEqual(self.run_job(), [])
        self.assertEqual(len(self.service.requests("POST")), 1)
        other.refresh_from_db()
        self.assertEqual(other.state, "never_synced")

    def test_what_can_not_be_told_keeps_nobody_from_looking(self) -> None:
        """A fabric whose link can't be told is looked at all the same."""
        one = registered(state="in_sync", sync_id="s", counts={"quarantined": 0})
        FabricLink.objects.filter(pk=one.pk).update(branch="other")
        path = f"fabrics/{one.fabric_id}"
        self.service.on("GET", "fabrics", {"fabrics": [{"fabric_id": one.fabric_id}]})
        self.service.on("GET", path, {"fabric_id": one.fabric_id})
        self.service.on("PATCH", path, refusal(403, "FGD_1051", "An operator may not.", "Ask an admin."))
        self.service.on("GET", f"{path}/syncs", {"syncs": [{"sync_id": "t", "state": "failed"}]})
        self.service.on("GET", "syncs/t", {"errors": []})
        self.run_job()
        one.refresh_from_db()
        self.assertEqual((one.state, one.sync_id), ("failed", "t"))
        self.assertIn("An operator may not.", one.error)

    def test_all_fabrics_are_asked_for_at_once(self) -> None:
        """A fabric that is as it was costs two requests, and its row is not written."""
        known = [registered(counts={"quarantined": 0}, sync_id="s") for _ in range(3)]
        fabrics = [{"fabric_id": one.fabric_id, "netbox": {"fabric": one.object_id}} for one in known]
        self.service.on("GET", "fabrics", {"fabrics": fabrics, "total": 3})
        for one in known:
            syncs = {"syncs": [{"sync_id": "s", "state": "completed"}]}
            self.service.on("GET", f"fabrics/{one.fabric_id}/syncs", syncs)
            self.service.on("GET", f"fabrics/{one.fabric_id}/receipts", {"delivery": {"proven": 47}})
        self.run_job()
        first = list(FabricLink.objects.values_list("seen_at", flat=True))
        self.service.asked.clear()
        self.run_job()
        self.assertEqual(len(self.service.asked), 1 + 2 * len(known))
        self.assertEqual(list(FabricLink.objects.values_list("seen_at", flat=True)), first)

    def test_away(self) -> None:
        """One line says so, whatever the number of links."""
        for _ in range(3):
            registered()
        self.service.refuse()
        (said,) = self.run_job()
        self.assertIn("does not answer", said)

    def test_a_token_that_is_not_taken(self) -> None:
        """It is the same for all, and is said once."""
        registered(), registered()
        self.service.on("GET", "fabrics", refusal(401, "FGD_7001", "No such token.", "Make one."))
        self.assertEqual(self.run_job(), ["No such token. Make one."])
        self.service.on("GET", "fabrics", {"fabrics": []})
        for one in FabricLink.objects.all():
            self.service.on("GET", f"fabrics/{one.fabric_id}", refusal(401, "FGD_7001", "No such token.", "Make one."))
        self.assertEqual(self.run_job(), ["No such token. Make one."])
        self.assertEqual(len(self.service.asked), 3)

    def test_hostile_answers(self) -> None:
        """Whatever comes, the job ends."""
        registered()
        self.service.on("GET", "fabrics", Answer(b"<html>"))
        self.assertIn("something else", self.run_job()[0])
        self.service.on("GET", "fabrics", {"fabrics": [None, 7, {"fabric_id": "x"}], "next_page_token": 7})
        self.assertEqual(len(self.run_job()), 1)

    def test_ends_within_a_minute(self) -> None:
        """What is left is done by the next, which begins with it."""
        first, second = registered(), registered()
        self.serve(first)
        self.serve(second)
        with mock.patch.object(jobs, "LONGEST", -1):
            (said,) = self.run_job()
            self.assertIn("too many", said)
            self.assertEqual(FabricLink.objects.filter(seen_at=None).count(), 1)
            self.run_job()
        self.assertEqual(FabricLink.objects.filter(seen_at=None).count(), 0)

    def test_a_slow_fabric_keeps_no_other(self) -> None:
        """Each minute begins behind the link that was looked at last, whatever became of that."""
        slow, second, third = registered(), registered(), registered()
        self.serve(second)
        self.serve(third)
        where = f"fabrics/{slow.fabric_id}"
        self.service.hang(where)
        with mock.patch.object(transport, "READ_TIMEOUT", 0.2):
            (said,) = self.run_job()
            self.assertIn("has not answered", said)
            self.assertEqual(set(FabricLink.objects.filter(seen_at=None)), {slow})
            FabricLink.objects.update(seen_at=None)
            with mock.patch.object(jobs, "LONGEST", -1):
                seen = []
                for _ in range(4):
                    self.service.asked.clear()
                    self.run_job()
                    seen.append(self.service.asked[1].path)
        self.assertEqual(seen, [where, f"fabrics/{second.fabric_id}", f"fabrics/{third.fabric_id}", where])

    def test_a_slow_list(self) -> None:
        """Each fabric is asked for then."""
        known = registered()
        self.serve(known)
        self.service.hang("fabrics")
        with mock.patch.object(transport, "READ_TIMEOUT", 0.2):
            (said,) = self.run_job()
        self.assertIn("has not answered", said)
        known.refresh_from_db()
        self.assertEqual(known.state, "never_synced")

    def test_a_link_that_breaks_keeps_no_other(self) -> None:
        """What nobody has thought of is logged, and said in the job."""
        broken, other = registered(), registered()
        self.serve(broken)
        self.serve(other)
        FabricLink.objects.filter(pk=broken.pk).update(counts=[])
        with self.assertLogs("netbox.plugins.netbox_fgd_sync", "ERROR"):
            (said,) = self.run_job()
        self.assertIn("AttributeError", said)
        other.refresh_from_db()
        self.assertEqual(other.state, "never_synced")

    def test_what_has_changed_meanwhile(self) -> None:
        """What FGD Sync said of a fabric before it was told something else of it counts for nothing."""
        known = registered(counts={"quarantined": 0})
        self.service.on("GET", "fabrics", {"fabrics": [{"fabric_id": known.fabric_id}], "total": 1})
        self.serve(known)
        suspended = {"fabric_id": known.fabric_id, "suspension": {"reason": "x"}}
        self.service.on("GET", f"fabrics/{known.fabric_id}", suspended)
        self.service.on("POST", f"fabrics/{known.fabric_id}:suspend", {})
        FabricLink.objects.filter(pk=known.pk).update(enabled=False)
        self.run_job()
        known.refresh_from_db()
        self.assertEqual(known.state, "suspended")

    def test_old_runs_are_forgotten(self) -> None:
        """Those that have completed, and no other job."""
        old = timezone.now() - timedelta(hours=25)
        name = jobs.RefreshFabricsJob.name
        for number, (of, status, completed) in enumerate(
            (
                (name, "completed", old),
                (name, "completed", timezone.now()),
                (name, "errored", old),
                (jobs.PruneChangesJob.name, "completed", old),
            )
        ):
            Job.objects.create(name=of, job_id=UUID(int=number + 2), status=status, completed=completed)
        self.run_job()
        self.assertEqual(sorted(job.job_id.int for job in Job.objects.all()), [3, 4, 5])

    def test_nothing_to_do(self) -> None:
        """Without links, and without an address, nobody is asked."""
        self.assertEqual(self.run_job(), [])
        registered()
        self.configure(url="")
        self.assertEqual(self.run_job(), [])
        self.assertEqual(self.service.asked, [])


class WaitingTest(RQQueueTestMixin, TestCase):
    """Jobs that wait."""

    def waiting(self, of: FabricLink, user: User | None = None) -> int:
        """Have another job do something with a link, and return how many wait for that."""
        with self.captureOnCommitCallbacks(execute=True):
            jobs.enqueue(jobs.RegisterFabricJob, of, user)
        return of.jobs.filter(status="pending").count()

    def test_one_is_enough(self) -> None:
        """For a link and a user. One that has waited for long may be lost."""
        one, other = link(), link()
        self.assertEqual([self.waiting(one), self.waiting(one), self.waiting(other)], [1, 1, 1])
        self.assertEqual([self.waiting(one, self.user), self.waiting(one, self.user)], [2, 2])
        one.jobs.update(created=timezone.now() - timedelta(minutes=6))
        self.assertEqual(self.waiting(one), 3)

    def test_one_that_runs_is_not(self) -> None:
        """It may have seen the link before it was changed."""
        one = link()
        self.waiting(one)
        one.jobs.update(status="running")
        self.assertEqual(self.waiting(one), 1)


class SyncJobTest(TestCase):
    """The job that starts a sync."""

    def run_job(self, of: FabricLink, user: User | None = None, **kwargs: Any) -> Job:
        """Run it as NetBox's worker does."""
        with self.captureOnCommitCallbacks():
            job = jobs.SyncFabricJob.enqueue(instance=of, user=user)
        jobs.SyncFabricJob.handle(job, **kwargs)
        job.refresh_from_db()
        return job

    def test_starts(self) -> None:
        """In the name of who wanted it."""
        known = registered()
        self.user.email = "test@example.com"
        self.service.on("POST", f"fabrics/{known.fabric_id}/syncs", {"sync_id": "s", "status": "started"})
        job = self.run_job(known, self.user, dry_run=True)
        self.assertEqual((job.status, job.log_entries[0]["message"]), ("completed", "Dry run s is started"))
        (asked,) = self.service.asked
        self.assertEqual(asked.headers["x-requested-by"], self.user.username)
        self.assertEqual(asked.headers["x-requested-by-email"], "test@example.com")
        self.assertEqual(asked.body, {"options": {"validate_only": True}})

    def test_nobody_wanted_it(self) -> None:
        """Without a user it is that of the plugin."""
        known = registered()
        self.service.on("POST", f"fabrics/{known.fabric_id}/syncs", {"sync_id": "s", "status": "queued"})
        self.assertEqual(self.run_job(known).status, "completed")
        self.assertNotIn("x-requested-by", self.service.asked[0].headers)

    def test_refused(self) -> None:
        """The job fails with the words of FGD Sync."""
        known = registered()
        refused = refusal(400, "FGD_3011", "It is suspended.", "Resume it.")
        self.service.on("POST", f"fabrics/{known.fabric_id}/syncs", refused)
        job = self.run_job(known)
        self.assertEqual((job.status, job.log_entries[0]["message"]), ("failed", "It is suspended. Resume it."))
