"""What pages show while FGD Sync does not answer, or says something that nobody has thought of."""

from http import HTTPStatus
from typing import Any
from unittest import mock

from django.core.cache import cache
from django.urls import reverse

from ..models import FabricLink
from ..views import base
from . import answers
from .test_pages import ACTIONS, ALL, HTMX, JSON, PANELS, PageTestCase

# What people are told that did not happen.
UNDONE = {
    "sync": "The sync was not started.",
    "dry_run": "The dry run was not started.",
    "sync_cancel": "The sync was not asked to end.",
    "quarantine_retry": "No file is tried again.",
    "quarantine_release": "No file was put back.",
    "conflict_preview": "There is no preview.",
    "conflict_resolve": "The conflict was not settled.",
}


class AwayTest(PageTestCase):
    """What is shown while FGD Sync does not answer."""

    def setUp(self) -> None:
        """Let the user do all."""
        super().setUp()
        self.allow(*ALL)

    def test_pages_render(self) -> None:
        """Pages render."""
        self.service.refuse()
        for name, kwargs in PANELS.items():
            self.assertContains(self.client.get(self.address(name, **kwargs)), "Asking FGD Sync…")
            self.assertContains(self.client.get(self.address(name, **kwargs), **HTMX), "does not answer")

    def test_a_panel_waits_once(self) -> None:
        """However many questions it has, it has one time for all of them."""
        FabricLink.objects.filter(pk=self.link.pk).update(counts={})  # so that there is something to count anew
        with mock.patch.object(base, "PATIENCE", 0):
            for name, kwargs in PANELS.items():
                self.assertIn("has not answered", self.panel(name, **kwargs), name)
        self.assertEqual(self.service.requests(), [])

    def test_the_list_says_so(self) -> None:
        """As soon as somebody has found that, and without asking by itself."""
        address = reverse("plugins:netbox_fgd_sync:fabriclink_list")
        self.service.refuse()
        self.assertNotContains(self.client.get(address), "does not answer")
        self.panel("syncs")
        self.service.mend()
        self.assertContains(self.client.get(address), "does not answer")
        self.configure(url="")
        self.assertNotContains(self.client.get(address), "does not answer")
        self.assertEqual(self.service.asked, [])

    def test_panels_say_what_to_do(self) -> None:
        """Panels say what to do."""
        self.service.fail()
        for name, kwargs in PANELS.items():
            self.assertIn("Look at the log of FGD Sync.", self.panel(name, **kwargs), name)

    def test_something_else_at_the_address_is_no_fgd_sync(self) -> None:
        """Something else at the address is no FGD Sync."""
        self.service.speak_html()
        for name, kwargs in PANELS.items():
            self.assertIn("Compare the setting url", self.panel(name, **kwargs), name)

    def test_no_address_is_known(self) -> None:
        """No address is known."""
        self.configure(url="")
        for name, kwargs in PANELS.items():
            self.assertIn("Set url and token_ref", self.panel(name, **kwargs), name)

    def test_a_fabric_that_is_not_registered(self) -> None:
        """A fabric that is not registered."""
        FabricLink.objects.filter(pk=self.link.pk).update(fabric_id=None, state="unregistered")
        for name in ("syncs", "quarantine", "conflicts", "drift", "changes"):
            self.assertIn("does not know the fabric yet", self.panel(name))

    def test_actions_lead_back_and_say_why(self) -> None:
        """Actions lead back and say why."""
        self.service.refuse()
        for name, (_, kwargs, sent) in ACTIONS.items():
            answer = self.client.post(self.address(name, **kwargs), sent, follow=True)
            self.assertContains(answer, "does not answer", msg_prefix=name)

    def test_people_are_told_that_nothing_was_done(self) -> None:
        """Where that is known. A change whose answer is lost may have been made."""

        def told(name: str) -> str:
            _, kwargs, sent = ACTIONS[name]
            (said,) = self.client.post(self.address(name, **kwargs), sent, follow=True).context["messages"]
            return str(said)

        self.service.hang_up()
        self.assertIn("has not answered", told("sync"))
        for name, words in UNDONE.items():
            self.assertTrue(told(name).startswith(words), name)  # it is known to be away
        cache.clear()
        self.service.mend()
        self.service.fail(HTTPStatus.CONFLICT)
        self.assertEqual(told("sync"), f"{UNDONE['sync']} Something went wrong. Look at the log of FGD Sync.")
        self.service.fail(HTTPStatus.SERVICE_UNAVAILABLE)
        self.assertEqual(told("sync"), "Something went wrong. Look at the log of FGD Sync.")

    def test_programs_are_told_why(self) -> None:
        """Programs are told why."""
        self.service.fail(HTTPStatus.CONFLICT)
        for name, (_, kwargs, sent) in ACTIONS.items():
            answer = self.client.post(self.address(name, **kwargs), sent, **JSON)
            self.assertEqual(answer.status_code, HTTPStatus.CONFLICT, name)
            self.assertEqual(answer.json()["error"]["remedy"], "Look at the log of FGD Sync.", name)

    def test_programs_are_not_told_to_log_in_elsewhere(self) -> None:
        """Programs are not told to log in elsewhere."""
        for code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.INTERNAL_SERVER_ERROR):
            self.service.fail(code)
            self.assertEqual(self.client.post(self.address("sync"), **JSON).status_code, HTTPStatus.BAD_GATEWAY)

    def test_answers_of_other_shapes_are_shown(self) -> None:
        """Answers of other shapes are shown."""
        odd = {"state": ["x"], "sync_id": 7, "fabric_id": self.link.fabric_id, "result": [1], "progress": "x"}
        values: tuple[Any, ...] = ("x", ["x", odd], [{}])
        names = {"syncs": "syncs", "quarantine": "files", "conflicts": "conflicts", "drift": "receipts"}
        for page, name in names.items():
            path = f"fabrics/{self.link.fabric_id}/{'receipts' if page == 'drift' else page}"
            for value in values:
                self.service.on("GET", path, {name: value, "total": "x"})
                self.panel(page)
        self.service.on("GET", f"syncs/{answers.SYNC}", odd)
        self.service.on("GET", f"fabrics/{self.link.fabric_id}/commits", {"commits": [odd, 7]})
        self.panel("sync_detail", sync_id=answers.SYNC)
        self.panel("changes")

    def test_empty_answers_are_shown(self) -> None:
        """Empty answers are shown."""
        number = self.link.fabric_id or 0
        for path in ("syncs", "quarantine", "conflicts", "receipts", "commits", f"quarantine/{answers.FILE}"):
            self.service.on("GET", f"fabrics/{number}/{path}", {})
        self.service.on("GET", f"fabrics/{number}/conflicts/{answers.CONFLICT}", {"conflict_id": answers.CONFLICT})
        self.service.on("GET", f"syncs/{answers.SYNC}", {"sync_id": answers.SYNC, "fabric_id": number})
        self.service.on("GET", f"syncs/{answers.SYNC}/plan", {})
        self.service.on("GET", f"syncs/{answers.SYNC}/diff", {})
        for name, kwargs in PANELS.items():
            self.panel(name, **kwargs)
