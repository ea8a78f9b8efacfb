"""The feed of changes, as a reader has it. What several transactions do to it, the lab tries with several processes."""

from io import StringIO
from typing import Any

from core.models import Job
from django.core.management import call_command
from django.db.models.signals import pre_delete
from django.test import TransactionTestCase
from users.models import User

from .. import jobs
from ..models import ChangeRecord
from .base import fabric, resource

CHANGES = "/api/plugins/fgd-sync/changes/"
PROBE = "/api/plugins/fgd-sync/probe/"


class FeedTest(TransactionTestCase):
    """What is committed can be read."""

    def setUp(self) -> None:
        """Read as a superuser."""
        self.client.force_login(User.objects.create_superuser("reader"))

    def read(self, count: int, after: str = "") -> tuple[list[dict[str, Any]], str]:
        """Read so many changes. They come when no other transaction of the cluster is open that is older."""
        rows: list[dict[str, Any]] = []
        while len(rows) < count:
            page = self.client.get(CHANGES, {"after": after, "wait": 25, "limit": 2})
            self.assertEqual(page.status_code, 200)
            rows += page.json()["results"]
            after = page.json()["cursor"]
        return rows, after

    def test_what_was_done(self) -> None:
        """Each change is there once, and a save that changes nothing is none."""
        with_server = fabric(name="f")
        server = resource("Server", with_server, name="s")
        server.spec = {"b": 2}
        server.save()
        server.save()
        server.save(update_fields=["sync_error"])
        server.delete()
        rows, cursor = self.read(4)
        self.assertEqual(
            [(row["kind"], row["action"], row["content"].get("spec")) for row in rows],
            [
                ("HedgehogFabric", "created", None),
                ("Server", "created", {"a": 1}),
                ("Server", "updated", {"b": 2}),
                ("Server", "deleted", {"b": 2}),
            ],
        )
        self.assertEqual(str(ChangeRecord.objects.last()), "Server default/s deleted")
        again = self.client.get(CHANGES, {"after": cursor})
        self.assertEqual((again.json()["results"], again.json()["cursor"]), ([], cursor))
        waited = self.client.get(CHANGES, {"after": cursor, "wait": 1})
        self.assertEqual(waited.json()["results"], [])

    def test_probe(self) -> None:
        """A reader learns where the feed ends, and what is recorded."""
        answer = self.client.get(PROBE).json()
        self.assertIn("Server", answer["kinds"])
        self.assertEqual(answer["retention_days"], 90)
        self.assertIn("netbox_fgd_sync", answer["versions"])

    def test_what_makes_no_sense(self) -> None:
        """It is refused, with the name of the parameter."""
        for query in ({"after": "x"}, {"after": "1.99999999999999999999"}, {"limit": "-1"}, {"wait": "x"}):
            answer = self.client.get(CHANGES, query)
            self.assertEqual(answer.status_code, 400)
            self.assertEqual(list(answer.json()), list(query))

    def test_what_is_kept_no_longer(self) -> None:
        """Who has read less than what was pruned is told so, and from where to go on."""
        record = fabric()
        for number in range(3):
            record.description = f"{number}"
            record.save()
        rows, _ = self.read(4)
        said = StringIO()
        call_command("fgd_prune", stdout=said)
        self.assertIn("0 changes", said.getvalue())
        heard: list[Any] = []
        pre_delete.connect(lambda **told: heard.append(told), sender=ChangeRecord, weak=False, dispatch_uid="heard")
        self.addCleanup(pre_delete.disconnect, sender=ChangeRecord, dispatch_uid="heard")
        call_command("fgd_prune", days=0, stdout=said)
        self.assertIn("3 changes", said.getvalue())
        self.assertEqual(heard, [], "each was read before it was deleted")
        gone = self.client.get(CHANGES, {"after": rows[0]["cursor"]})
        self.assertEqual(gone.status_code, 410)
        self.assertEqual(gone.json()["cursor"], rows[-1]["cursor"])
        job = Job.objects.create(name=jobs.PruneChangesJob.name, job_id="00000000-0000-0000-0000-000000000003")
        jobs.PruneChangesJob.handle(job)
        job.refresh_from_db()
        self.assertEqual(job.log_entries[0]["message"], "0 changes were deleted")
