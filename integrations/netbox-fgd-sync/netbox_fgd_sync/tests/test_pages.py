"""Tests of pages: who may see what, and that no page waits for FGD Sync."""

import re
from http import HTTPStatus
from typing import Any, ClassVar
from unittest import mock

from django.test import Client
from django.urls import reverse

from .. import status
from ..models import FabricLink
from . import answers
from .base import TestCase, link, registered, resource

HTMX = {"HTTP_HX_REQUEST": "true"}
JSON = {"HTTP_ACCEPT": "application/json"}

# Pages of a link with a panel that FGD Sync fills, and what they are named by.
PANELS: dict[str, dict[str, str]] = {
    "syncs": {},
    "sync_detail": {"sync_id": answers.SYNC},
    "sync_plan": {"sync_id": answers.SYNC},
    "sync_diff": {"sync_id": answers.SYNC},
    "quarantine": {},
    "quarantined_file": {},
    "conflicts": {},
    "conflict": {"conflict_id": answers.CONFLICT},
    "drift": {},
    "changes": {},
    "status": {},
}

# What has something done: its permission, and what is sent.
CHOICES = {"version": "v-1", "path": ["spec.vlan", "spec.x"], "take-0": "git", "take-1": "value", "value-1": '"x"'}
ACTIONS: dict[str, tuple[str, dict[str, str], dict[str, Any]]] = {
    "sync": ("sync", {}, {}),
    "dry_run": ("sync", {}, {}),
    "sync_cancel": ("sync", {"sync_id": answers.SYNC}, {}),
    "quarantine_retry": ("release", {}, {"path": [answers.FILE]}),
    "quarantine_release": ("release", {}, {"path": [answers.FILE]}),
    "conflict_preview": ("resolve", {"conflict_id": answers.CONFLICT}, CHOICES),
    "conflict_resolve": ("resolve", {"conflict_id": answers.CONFLICT}, CHOICES),
}
ALL = ("view", "add", "change", "delete", "sync", "resolve", "release")


class PageTestCase(TestCase):
    """A test with a link that FGD Sync knows all of."""

    def setUp(self) -> None:
        """Make it."""
        super().setUp()
        self.link = registered()
        answers.tell(self.service, self.link)

    def address(self, name: str = "", **kwargs: str) -> str:
        """Return the address of a page of the link."""
        view = f"fabriclink_{name}" if name else "fabriclink"
        path = reverse(f"plugins:netbox_fgd_sync:{view}", kwargs={"pk": self.link.pk, **kwargs})
        return f"{path}?path={answers.FILE}" if name == "quarantined_file" else path

    def panel(self, name: str, **kwargs: str) -> str:
        """Return a panel as it is loaded into its page."""
        answer = self.client.get(self.address(name, **kwargs), **HTMX)
        self.assertEqual(answer.status_code, HTTPStatus.OK, name)
        text = answer.content.decode()
        self.assertNotIn("<html", text, name)
        return text


class PermissionTest(PageTestCase):
    """Who may see and do what."""

    def pages(self) -> list[str]:
        """Return the addresses of all pages that show a link."""
        return [self.address(), *(self.address(name, **kwargs) for name, kwargs in PANELS.items())]

    def test_pages_take_the_permission_to_view(self) -> None:
        """Pages take the permission to view."""
        self.allow(*(action for action in ALL if action != "view"))
        for address in self.pages():
            for headers in ({}, HTMX):
                self.assertEqual(self.client.get(address, **headers).status_code, HTTPStatus.FORBIDDEN, address)
        self.assertEqual(self.service.requests(), [])

    def test_pages_are_shown_to_who_may_view_them(self) -> None:
        """Pages are shown to who may view them."""
        self.allow("view")
        for address in self.pages():
            answer = self.client.get(address)
            self.assertEqual(answer.status_code, HTTPStatus.OK, address)
            self.assertNotIn(b"Dry run</button>", answer.content)
        self.assertEqual(self.service.requests(), [], "a page asked FGD Sync")

    def test_a_constraint_hides_the_pages_of_other_links(self) -> None:
        """A constraint hides the pages of other links."""
        self.allow("view", constraints={"pk": self.link.pk + 1})
        for address in self.pages():
            for headers in ({}, HTMX):
                self.assertEqual(self.client.get(address, **headers).status_code, HTTPStatus.NOT_FOUND, address)
        self.assertEqual(self.service.requests(), [])

    def test_who_is_not_logged_in_is_led_to_the_login(self) -> None:
        """Who is not logged in is led to the login."""
        for address in self.pages():
            self.assertEqual(Client().get(address).status_code, HTTPStatus.FOUND, address)

    def test_actions_take_their_permission(self) -> None:
        """Actions take their permission."""
        for name, (permission, kwargs, sent) in ACTIONS.items():
            granted = self.allow(*(action for action in ALL if action != permission))
            answer = self.client.post(self.address(name, **kwargs), sent)
            self.assertEqual(answer.status_code, HTTPStatus.FORBIDDEN, name)
            granted.delete()
        self.assertEqual(self.service.requests("POST"), [])

    def test_a_constraint_keeps_actions_from_other_links(self) -> None:
        """A constraint keeps actions from other links."""
        for name, (permission, kwargs, sent) in ACTIONS.items():
            granted = self.allow("view")
            other = self.allow(permission, constraints={"pk": self.link.pk + 1})
            for headers in ({}, HTMX, JSON):
                answer = self.client.post(self.address(name, **kwargs), sent, **headers)
                self.assertEqual(answer.status_code, HTTPStatus.NOT_FOUND, name)
            granted.delete()
            other.delete()
        self.assertEqual(self.service.requests("POST"), [])

    def test_who_settles_a_conflict_sees_it(self) -> None:
        """What is settled is shown by that: it takes the permission to view the link, too."""
        for granted in (None, {"pk": self.link.pk + 1}):
            self.allow("resolve")
            if granted:
                self.allow("view", constraints=granted)
            for name in ("conflict_preview", "conflict_resolve"):
                for headers in ({}, HTMX):
                    answer = self.client.post(self.address(name, **ACTIONS[name][1]), CHOICES, **headers)
                    self.assertEqual(answer.status_code, HTTPStatus.NOT_FOUND if granted else HTTPStatus.FORBIDDEN)
        self.assertEqual(self.service.requests(), [])

    def test_actions_are_for_posts_alone(self) -> None:
        """Actions are for posts alone."""
        self.allow(*ALL)
        for name, (_, kwargs, _sent) in ACTIONS.items():
            answer = self.client.get(self.address(name, **kwargs))
            self.assertEqual(answer.status_code, HTTPStatus.METHOD_NOT_ALLOWED, name)

    def test_actions_are_done_in_the_name_of_the_user(self) -> None:
        """And with their e-mail address, which the commit has."""
        self.user.email = "test@example.com"
        self.user.save()
        who = (self.user.username, self.user.email)
        for name, (permission, kwargs, sent) in ACTIONS.items():
            granted = self.allow("view", permission)
            before = len(self.service.requests("POST"))
            answer = self.client.post(self.address(name, **kwargs), sent)
            self.assertEqual(answer.status_code, HTTPStatus.FOUND, name)
            asked = self.service.requests("POST")[before:]
            said = [(a.headers["x-requested-by"], a.headers["x-requested-by-email"]) for a in asked]
            self.assertEqual(said, [who], name)
            granted.delete()

    def test_buttons_are_for_who_may_press_them(self) -> None:
        """Buttons are for who may press them."""
        buttons: dict[str, list[tuple[str, dict[str, str], str]]] = {
            "sync": [("", {}, "Dry run"), ("sync_detail", {"sync_id": answers.SYNC}, "Cancel the sync")],
            "release": [("quarantine", {}, "Retry all"), ("quarantined_file", {}, "Release")],
            "resolve": [("conflict", {"conflict_id": answers.CONFLICT}, "Preview")],
        }
        self.service.on("GET", f"syncs/{answers.SYNC}", answers.running(self.link.fabric_id or 0))
        view = self.allow("view")
        for permission, places in buttons.items():
            for name, kwargs, text in places:
                headers = HTMX if name else {}
                self.assertNotIn(f"{text}</button>", self.shown(name, kwargs, headers))
                granted = self.allow(permission, constraints={"pk": self.link.pk})
                self.assertIn("<button", self.shown(name, kwargs, headers))
                self.assertIn(text, self.shown(name, kwargs, headers))
                granted.delete()
                other = self.allow(permission, constraints={"pk": self.link.pk + 1})
                self.assertNotIn(f"{text}</button>", self.shown(name, kwargs, headers))
                other.delete()
        view.delete()

    def shown(self, name: str, kwargs: dict[str, str], headers: dict[str, str]) -> str:
        """Return a page or a panel."""
        return self.client.get(self.address(name, **kwargs), **headers).content.decode()

    def test_the_list_shows_links_that_the_user_may_view(self) -> None:
        """The list shows links that the user may view."""
        other = link()
        self.allow("view", constraints={"pk": self.link.pk})
        answer = self.client.get(reverse("plugins:netbox_fgd_sync:fabriclink_list"))
        self.assertContains(answer, str(self.link))
        self.assertNotContains(answer, f">{other}<")


class ActionTest(PageTestCase):
    """What is done, and where that leads."""

    def setUp(self) -> None:
        """Let the user do all."""
        super().setUp()
        self.allow(*ALL)

    def test_people_are_led_to_the_sync(self) -> None:
        """People are led to the sync."""
        for name in ("sync", "dry_run", "quarantine_retry", "quarantine_release"):
            answer = self.client.post(self.address(name), ACTIONS[name][2])
            self.assertRedirects(answer, self.address("sync_detail", sync_id=answers.SYNC))

    def test_programs_are_told_where_the_sync_is(self) -> None:
        """Programs are told where the sync is."""
        for name in ("sync", "dry_run", "quarantine_retry", "quarantine_release"):
            answer = self.client.post(self.address(name), ACTIONS[name][2], **JSON).json()
            self.assertEqual(set(answer), {"sync_id", "status", "status_url", "websocket_url"})
            self.assertEqual(answer["sync_id"], answers.SYNC)

    def test_a_dry_run_changes_nothing(self) -> None:
        """A dry run changes nothing."""
        self.client.post(self.address("dry_run"))
        (asked,) = self.service.requests("POST")
        self.assertEqual(asked.body, {"options": {"validate_only": True}})
        self.link.refresh_from_db()
        self.assertEqual(self.link.state, "in_sync")

    def test_all_files_are_retried(self) -> None:
        """All files are retried."""
        self.client.post(self.address("quarantine_retry"), {"all": "1"})
        (asked,) = self.service.requests("POST")
        self.assertEqual(asked.body, {"all": True})

    def test_no_file_was_chosen(self) -> None:
        """No file was chosen."""
        for name in ("quarantine_retry", "quarantine_release"):
            self.assertContains(self.client.post(self.address(name), follow=True), "No file was chosen")
        self.assertEqual(self.service.requests("POST"), [])

    def test_a_sync_of_another_fabric_is_not_shown(self) -> None:
        """A sync of another fabric is not shown."""
        self.service.on("GET", f"syncs/{answers.SYNC}", answers.sync((self.link.fabric_id or 0) + 1))
        for name in ("sync_detail", "sync_plan", "sync_diff"):
            self.assertIn("no such sync", self.panel(name, sync_id=answers.SYNC))
        answer = self.client.post(self.address("sync_cancel", sync_id=answers.SYNC), follow=True)
        self.assertContains(answer, "no such sync")
        self.assertEqual(self.service.requests("POST"), [])

    def test_dots_lead_nowhere(self) -> None:
        """Dots lead nowhere."""
        paths = ("unmanaged/../../2/quarantine/unmanaged/a.yaml", "unmanaged/./a", "unmanaged//a", "raw/a.yaml", "")
        for path in paths:
            address = reverse("plugins:netbox_fgd_sync:fabriclink_quarantined_file", args=[self.link.pk])
            self.assertContains(self.client.get(address, {"path": path}, **HTMX), "There is no such")
        for name, kwargs in (("sync_detail", {"sync_id": ".."}), ("conflict", {"conflict_id": ".."})):
            self.assertIn("There is no such", self.panel(name, **kwargs))
        self.assertEqual(self.service.requests(), [])


class PanelTest(PageTestCase):
    """What panels show of what FGD Sync says."""

    # Texts of the panels of pages.
    shown: ClassVar[dict[str, tuple[str, ...]]] = {
        "syncs": ("Showing 1-2 of 60", "?offset=25", answers.WEB, "2.5 s", "Processing"),
        "sync_detail": ("FGD_1001", ":3:7", answers.WEB, "47", "Mend the file."),
        "sync_plan": ("managed/a", "/plan/?page_token=more%26more"),
        "sync_diff": ('class="removed">-vlan: 1', 'class="added">+vlan: '),
        "quarantine": ("Invalid YAML", "line 2, column 7", "Changed since", "Open at the Git host", "Mend the file."),
        "quarantined_file": ("table-warning", 'id="line-2"', "#L2"),
        "conflicts": ("spec.vlan", "0123456789", answers.CONFLICT),
        "conflict": ("Both changed", "Nothing", "Both agreed on"),
        "drift": (
            "NetBox is away.",
            "spec.ports[0].speed",
            "4 in all",
            "undo it at the record",
            "Held (1)",
            "46 records are",
        ),
        "changes": ("0123456789", "NetBox", "alice", "older commits"),
    }

    def setUp(self) -> None:
        """Let the user see it."""
        super().setUp()
        self.allow("view")

    def test_panels(self) -> None:
        """Panels."""
        for name, texts in self.shown.items():
            panel = self.panel(name, **PANELS[name])
            for text in texts:
                self.assertIn(text, panel, name)

    def test_what_others_wrote_is_escaped(self) -> None:
        """What others wrote is escaped."""
        self.allow("sync", "release", "resolve")
        for name in self.shown:
            panel = self.panel(name, **PANELS[name])
            self.assertNotIn("<script>alert", panel, name)
            self.assertIn("&lt;script&gt;alert(1)&lt;/script&gt;", panel, name)
            self.assertNotIn('href="javascript:', panel, name)

    def test_a_sync_is_watched_until_it_has_ended(self) -> None:
        """It is asked for again each time."""
        path = f"syncs/{answers.SYNC}"
        self.service.on("GET", path, answers.running(self.link.fabric_id or 0))
        panel = self.panel("sync_detail", sync_id=answers.SYNC)
        for text in ("every 2s", "File ingestion: 3 of 12 files", 'aria-valuenow="25"'):
            self.assertIn(text, panel)
        self.service.on("GET", path, answers.sync(self.link.fabric_id or 0))
        self.assertNotIn("every 2s", self.panel("sync_detail", sync_id=answers.SYNC))

    def test_a_sync_is_watched_while_nobody_answers(self) -> None:
        """It is asked for again, and people are interrupted once."""
        self.service.fail()
        address = self.address("sync_detail", sync_id=answers.SYNC)
        self.assertNotContains(self.client.get(address, **HTMX), "hx-trigger")
        first = self.client.get(address, {"watching": 1}, **HTMX)
        again = f"{address}?watching=1&amp;told=1"
        for text in (f'hx-get="{again}"', "every 10s", 'role="alert"', f'href="{address}"'):
            self.assertContains(first, text)
        second = self.client.get(address, {"watching": 1, "told": 1}, **HTMX)
        self.assertContains(second, f'hx-get="{again}"')
        self.assertNotContains(second, 'role="alert"')

    def test_a_card_is_loaded_again_as_long_as_that_is_of_use(self) -> None:
        """Until a fabric is registered, that is refused, or nobody does it; and while it is synced."""
        links = FabricLink.objects.filter(pk=self.link.pk)
        links.update(fabric_id=None, applied={}, state="unregistered")
        address = self.address("status")
        for text in ("?tries=1&amp;told=1", "every 5s", 'role="alert"'):
            self.assertContains(self.client.get(address, **HTMX), text)
        second = self.client.get(address, {"tries": 1, "told": 1}, **HTMX)
        self.assertContains(second, "?tries=2&amp;told=1")
        self.assertNotContains(second, 'role="alert"')
        self.assertNotContains(self.client.get(address, {"tries": 23}, **HTMX), "hx-get")
        links.update(error="No such branch.")
        self.assertNotContains(self.client.get(address, **HTMX), "hx-get")
        links.update(state="syncing")
        self.assertContains(self.client.get(address, {"tries": 99}, **HTMX), "?tries=100")

    def test_a_card_that_breaks(self) -> None:
        """The page is told, and does not wait for it."""
        with mock.patch.object(status, "refresh", side_effect=KeyError), self.assertLogs("netbox.plugins", "ERROR"):
            self.assertIn("can&#x27;t be shown", self.panel("status"))

    def test_badges_are_of_what_is_known(self) -> None:
        """Badges are of what is known."""
        counts = {"quarantined": 31, "conflicts": 32, "held": 16, "undeliverable": 17}
        FabricLink.objects.filter(pk=self.link.pk).update(counts=counts)
        page = self.client.get(self.address()).content.decode()
        for count in ("31", "32", "33"):
            self.assertRegex(page, rf"badge[^>]*>{count}<")
        self.assertIn(f'<a href="{self.address("drift")}?state=held">16</a>', page)

    def test_badges_change_with_what_is_shown(self) -> None:
        """What a panel shows is counted anew where its tab counts something else, and not else."""
        self.service.on("GET", f"fabrics/{self.link.fabric_id}", {"netbox": {"fabric": self.link.object_id}})
        delivery = {"held": 1, "conflicts": 1}
        self.service.on("GET", f"fabrics/{self.link.fabric_id}/receipts", {"receipts": [], "delivery": delivery})
        for name, count in (("quarantine", "quarantined"), ("conflicts", "conflicts"), ("drift", "held")):
            FabricLink.objects.filter(pk=self.link.pk).update(counts={}, sync_id="")
            panel = self.panel(name)
            self.assertIn('id="fgd-tabs" hx-swap-oob="true"', panel, name)
            self.assertRegex(panel, r"badge[^>]*>1<")
            self.link.refresh_from_db()
            self.assertEqual(self.link.counts[count], 1)
            self.assertNotIn("hx-swap-oob", self.panel(name), name)

    def test_badges_change_when_a_sync_has_ended(self) -> None:
        """Who watches it sees what it has put into quarantine."""
        number = self.link.fabric_id or 0
        self.service.on("GET", f"fabrics/{number}/syncs", {"syncs": [answers.sync(number)]})
        address = self.address("sync_detail", sync_id=answers.SYNC)
        self.assertNotContains(self.client.get(address, **HTMX), "hx-swap-oob")
        self.assertContains(self.client.get(address, {"watching": 1}, **HTMX), "hx-swap-oob")
        FabricLink.objects.filter(pk=self.link.pk).update(state="syncing", sync_id=answers.SYNC)
        self.assertContains(self.client.get(address, **HTMX), "hx-swap-oob")

    def test_badges_change_with_the_card(self) -> None:
        """It has asked for all of them."""
        self.service.on("GET", f"fabrics/{self.link.fabric_id}/syncs", {"syncs": []})
        self.assertIn("hx-swap-oob", self.panel("status"))
        self.assertNotIn("hx-swap-oob", self.panel("status"))

    def test_a_change_is_of_a_person(self) -> None:
        """Of who asked for the sync, and of who made the edit where nobody did."""
        path = f"fabrics/{self.link.fabric_id}/commits"
        for by, origin, person, place in (
            ("alice", "git", "alice", "Git"),
            ("fgd-sync", "netbox", "admin", "NetBox"),
            ("", "api", "admin", "API"),
            (None, None, "admin", "&mdash;"),
        ):
            commit = answers.commit(author_name="admin", requested_by=by, origin=origin)
            self.service.on("GET", path, {"commits": [commit]})
            cells = re.findall(r"<td[^>]*>\s*(.*?)\s*</td>", self.panel("changes"), re.DOTALL)
            self.assertEqual(cells[2], person)
            self.assertIn(place, cells[4])

    def test_one_and_many(self) -> None:
        """Words fit numbers."""
        counts = {"creates": 1, "updates": 2, "moves": 1}
        self.service.on("GET", f"syncs/{answers.SYNC}/plan", {"plan": counts})
        panel = re.sub(r"<[^>]*>", "", self.panel("sync_plan", sync_id=answers.SYNC))
        for words in ("1 new resource\n", "2 changed resources", "1 moved file\n"):
            self.assertIn(words, panel)
        receipts = {"receipts": [], "delivery": {"proven": 1}}
        self.service.on("GET", f"fabrics/{self.link.fabric_id}/receipts", receipts)
        self.assertIn("1 record is what Git says", self.panel("drift"))

    def test_gray_is_seen(self) -> None:
        """NetBox's style sheet has no background that is called gray."""
        self.service.on("GET", f"syncs/{answers.SYNC}", answers.sync(self.link.fabric_id or 0, state="cancelled"))
        panel = self.panel("sync_detail", sync_id=answers.SYNC)
        self.assertIn("badge bg-secondary", panel)
        self.assertNotIn("bg-gray", panel)

    def test_a_number_that_is_asked_for(self) -> None:
        """It is shown while the fabric has none."""
        waiting = link(requested_fabric_id=4711)
        self.assertContains(self.client.get(waiting.get_absolute_url()), "4711 is asked for")

    def test_records_are_linked(self) -> None:
        """Records are linked."""
        switch = resource("Switch", self.link.record)
        path = f"fabrics/{self.link.fabric_id}/receipts"
        self.service.on("GET", path, {"receipts": [answers.receipt(record_id=switch.pk)]})
        self.assertIn(f'href="{switch.get_absolute_url()}"', self.panel("drift"))
        self.service.on("GET", path, {"receipts": [answers.receipt(kind="Nonsense")]})
        self.assertIn("Nonsense", self.panel("drift"))

    def test_states_of_drift(self) -> None:
        """States of drift."""
        self.panel("drift")
        FabricLink.objects.filter(pk=self.link.pk).update(counts={"pending": 3})
        self.panel("drift")
        self.client.get(self.address("drift"), {"state": "merging"}, **HTMX)
        asked = [a.query["state"] for a in self.service.requests("GET", f"fabrics/{self.link.fabric_id}/receipts")]
        self.assertEqual(asked, ["held", "pending", "merging"])
