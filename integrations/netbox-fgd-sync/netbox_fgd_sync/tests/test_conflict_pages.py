"""Tests of how conflicts are settled."""

from http import HTTPStatus
from typing import Any

from . import answers
from .service import Answer, refusal
from .test_pages import ACTIONS, CHOICES, HTMX, PageTestCase

RESOLVE = ACTIONS["conflict_resolve"][1]


class ConflictTest(PageTestCase):
    """From the form of a conflict to what FGD Sync is asked for."""

    def setUp(self) -> None:
        """Let the user settle conflicts."""
        super().setUp()
        self.allow("view", "resolve")
        self.path = f"fabrics/{self.link.fabric_id}/conflicts/{answers.CONFLICT}:resolve"

    def send(self, name: str, **changed: Any) -> Any:
        """Send the form."""
        return self.client.post(self.address(f"conflict_{name}", **RESOLVE), {**CHOICES, **changed}, **HTMX)

    def test_a_preview_changes_nothing(self) -> None:
        """A preview changes nothing."""
        answer = self.send("preview")
        self.assertContains(answer, 'class="removed">-vlan: 1')
        self.assertContains(answer, "The record as a whole")
        self.assertNotContains(answer, "<script>")
        (asked,) = self.service.requests("POST", self.path)
        choices = [{"path": "spec.vlan", "take": "git"}, {"path": "spec.x", "take": "value", "value": "x"}]
        self.assertEqual(asked.body, {"version": "v-1", "choices": choices, "validate_only": True})

    def test_a_preview_shows_values(self) -> None:
        """What a field says now and would say, where the form has shown it."""
        said = {"conflict": answers.conflict(), "record_fields": ["spec.vlan", "spec.other"]}
        self.service.on("POST", self.path, said)
        for take, then in (("git", ">2</pre>"), ("netbox", "&lt;script&gt;"), ("value", "9000")):
            answer = self.send("preview", **{"take-0": take, "value-0": "9000"})
            self.assertContains(answer, "&lt;script&gt;")  # what NetBox has
            self.assertContains(answer, then, msg_prefix=take)
            self.assertContains(answer, "Not shown", 1)

    def test_a_preview_of_nothing(self) -> None:
        """A preview of nothing."""
        self.service.on("POST", self.path, {"conflict": answers.conflict()})
        answer = self.send("preview")
        self.assertContains(answer, "Git would not change")
        self.assertContains(answer, "The record would not change")

    def test_a_conflict_is_settled_with_the_version_that_was_shown(self) -> None:
        """A conflict is settled with the version that was shown."""
        answer = self.send("resolve", take="netbox")
        self.assertEqual(answer["HX-Redirect"], self.address("conflicts"))
        (asked,) = self.service.requests("POST", self.path)
        self.assertEqual((asked.body["version"], asked.body["take"]), ("v-1", "netbox"))
        self.assertNotIn("validate_only", asked.body)

    def test_values_are_json(self) -> None:
        """Values are JSON."""
        for text, value in (("12", 12), ('"a b"', "a b"), ("null", None), ('{"a": [1.5, true]}', {"a": [1.5, True]})):
            self.send("resolve", **{"value-1": text})
            self.assertEqual(self.service.requests("POST")[-1].body["choices"][1]["value"], value)

    def test_what_is_no_json_is_refused(self) -> None:
        """What is no JSON is refused."""
        for text in ("plain words", "", " ", "NaN", "1e999", "{", "[" * 100_000):
            answer = self.send("resolve", **{"value-1": text})
            self.assertContains(answer, 'href="#value-1"', msg_prefix=text[:10])
            self.assertContains(answer, "a text in quotation marks")
        self.assertEqual(self.service.requests("POST"), [])

    def test_every_path_takes_something(self) -> None:
        """Every path takes something."""
        self.assertContains(self.send("resolve", **{"take-0": ""}), "choose what is taken")
        self.assertEqual(self.service.requests("POST"), [])

    def test_a_conflict_that_has_moved_is_shown_anew(self) -> None:
        """A conflict that has moved is shown anew."""
        self.service.on("POST", self.path, refusal(HTTPStatus.CONFLICT, "FGD_1072", "It has changed meanwhile."))
        answer = self.send("resolve")
        self.assertEqual(answer["HX-Redirect"], self.address("conflict", **RESOLVE))
        self.assertContains(self.client.get(answer["HX-Redirect"]), "It has changed meanwhile.")

    def test_a_refusal_is_shown_below_the_form(self) -> None:
        """A refusal is shown below the form."""
        self.service.on("POST", self.path, refusal(HTTPStatus.BAD_REQUEST, "FGD_1001", answers.HOSTILE))
        answer = self.send("preview")
        self.assertContains(answer, answers.SHOWN)
        self.assertContains(answer, "Ask for something else.")

    def test_programs_get_the_answer(self) -> None:
        """Programs get the answer."""
        address = self.address("conflict_preview", **RESOLVE)
        answer = self.client.post(address, CHOICES, headers={"Accept": "application/json"})
        self.assertEqual(answer.json()["record_fields"], ["spec.vlan", "."])
        answer = self.client.post(address, {**CHOICES, "value-1": "x"}, headers={"Accept": "application/json"})
        self.assertEqual(answer.status_code, HTTPStatus.BAD_REQUEST)

    def test_a_conflict_that_is_settled_has_no_form(self) -> None:
        """A conflict that is settled has no form."""
        path = f"fabrics/{self.link.fabric_id}/conflicts/{answers.CONFLICT}"
        self.service.on("GET", path, answers.conflict(state="resolved", resolved_at="2026-11-30T10:00:00Z"))
        self.assertNotIn("<button", self.panel("conflict", **RESOLVE))

    def test_paths_that_are_too_many_are_taken_together(self) -> None:
        """Paths that are too many are taken together."""
        path = f"fabrics/{self.link.fabric_id}/conflicts/{answers.CONFLICT}"
        self.service.on("GET", path, Answer(answers.conflict(paths_total=5)))
        self.assertIn("3 more paths", self.panel("conflict", **RESOLVE))
