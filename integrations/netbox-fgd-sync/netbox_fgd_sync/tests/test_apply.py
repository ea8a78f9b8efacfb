"""What `apply/` does with records, item by item."""

import uuid
from typing import Any

from core.models import ObjectChange
from django.apps import apps
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from users.models import Token, User

from .. import applying
from ..api.apply import name_of
from ..models import ChangeRecord, FabricLink
from .base import APITestCase, allow, fabric, link, resource

COMMIT = {"sha": "0123abcdef012345", "subject": "Name the switch"}


def model(kind: str) -> Any:
    """Return the model of a kind."""
    return apps.get_model("netbox_hedgehog", kind)


class ApplyTest(APITestCase):
    """Items, and their outcomes."""

    def setUp(self) -> None:
        """Make a fabric, and let the user do anything with switches."""
        super().setUp()
        self.fabric = fabric()
        self.allow("view", "add", "change", "delete", model=model("Switch"))

    header: dict[str, str]

    def post(self, *items: dict[str, Any], header: dict[str, str] | None = None, **more: Any) -> Any:
        """Send items."""
        shown = self.header if header is None else header
        body = {"request_key": str(uuid.uuid4()), "commit": COMMIT, "items": list(items), **more}
        return self.client.post(reverse("plugins-api:netbox_fgd_sync-api:apply"), body, format="json", **shown)

    def item(self, name: str = "s-1", op: str = "upsert", kind: str = "Switch", **more: Any) -> dict[str, Any]:
        """Return an item."""
        return {"op": op, "kind": kind, "fabric": self.fabric.pk, "namespace": "default", "name": name, **more}

    def one(self, *args: Any, **more: Any) -> dict[str, Any]:
        """Send one item, and return what became of it."""
        answer = self.post(self.item(*args, **more))
        (result,) = answer.json()["results"]
        self.assertEqual(answer.status_code, 207 if result["code"] else 200, result)
        return dict(result)

    def logged(self, record: Any) -> list[tuple[str, str, str]]:
        """Return what the change log has of a record: what was done, by whom, and why."""
        changes = ObjectChange.objects.filter(changed_object_id=record.pk).order_by("pk")
        return [(change.action, change.user_name, change.message) for change in changes]

    def test_life_of_a_record(self) -> None:
        """It is made, changed, left alone, and deleted, each with its entry in the change log."""
        made = self.one(fields={"spec": {"a": 1}, "labels": {"l": "1"}})
        self.assertEqual(made["status"], "created")
        record = model("Switch").objects.get(pk=made["id"])
        self.assertEqual((record.spec, record.labels, record.annotations), ({"a": 1}, {"l": "1"}, {}))
        self.assertEqual(made["etag"], f'W/"{record.last_updated.isoformat()}"')

        changed = self.one(fields={"spec": {"a": 2}}, if_last_updated=made["last_updated"])
        self.assertEqual(changed["status"], "updated")
        again = self.one(fields={"spec": {"a": 2.0}, "labels": {"l": "1"}}, if_last_updated=changed["last_updated"])
        self.assertEqual((again["status"], again["last_updated"]), ("unchanged", changed["last_updated"]))
        gone = self.one(op="delete", if_last_updated=changed["last_updated"])
        self.assertEqual((gone["status"], gone["id"], gone["etag"]), ("deleted", made["id"], None))
        self.assertEqual(self.one(op="delete")["status"], "unchanged")

        why = "0123abcd Name the switch"
        said = [(action, self.user.username, why) for action in ("create", "update", "delete")]
        self.assertEqual(self.logged(record), said)
        change = ObjectChange.objects.get(changed_object_id=record.pk, action="update")
        self.assertEqual((change.prechange_data["spec"], change.postchange_data["spec"]), ({"a": 1}, {"a": 2}))
        self.assertEqual(ChangeRecord.objects.filter(object_id=record.pk).count(), 3)

    def test_what_is_not_said_stays(self) -> None:
        """Fields that an item does not have are left as they are, and so is all that is not Git's."""
        record = resource("Switch", self.fabric, name="s-1", labels={"kept": "yes"}, auto_sync=False)
        self.assertEqual(self.one(fields={"annotations": {"a": "b"}})["status"], "updated")
        record.refresh_from_db()
        self.assertEqual((record.labels, record.annotations, record.auto_sync), ({"kept": "yes"}, {"a": "b"}, False))

    def test_conditions(self) -> None:
        """What is not as it was seen is left alone, and how it is now is told."""
        record = resource("Switch", self.fabric, name="s-1")
        now = self.one(fields={})
        stale = {"fields": {"spec": {"a": 9}}, "if_last_updated": "2020-01-01T00:00:00Z"}
        for status, code, more in (
            ("conflict", "changed", stale),
            ("conflict", "changed", {"op": "delete", **stale}),
            ("conflict", "exists", {**stale, "if_last_updated": None}),
        ):
            result = self.one(**more)
            self.assertEqual((result["status"], result["code"]), (status, code))
            self.assertEqual(result["last_updated"], now["last_updated"])
        gone = self.one("other", **stale)
        self.assertEqual((gone["status"], gone["code"], gone["id"]), ("conflict", "gone", None))
        self.assertEqual(self.one("other", **{**stale, "if_last_updated": None})["status"], "created")
        self.assertEqual(self.logged(record), [])

    def test_a_bad_item_takes_no_other_along(self) -> None:
        """Each has its own outcome, in the order in which they were sent."""
        answer = self.post(
            self.item("good-1", fields={"spec": {"a": 1}}),
            self.item("Bad", fields={"spec": {"a": 1}}),
            self.item("empty", fields={"spec": {}}),
            self.item("nul", fields={"spec": {"a": "\u0000"}}),
            self.item("s", kind="Unheard"),
            self.item("s", fields={"auto_sync": True}),
            {**self.item("s", fields={"spec": {"a": 1}}), "fabric": 99999},
            self.item("deep", fields={"spec": nested(100)}),
            self.item("good-2", fields={"spec": {"a": 1}}),
            self.item("good-2", fields={"spec": {"a": 2}}),
            self.item("good-2", op="delete"),
        )
        self.assertEqual(answer.status_code, 207)
        results = answer.json()["results"]
        self.assertEqual([result["index"] for result in results], list(range(11)))
        self.assertEqual(
            [result["status"] for result in results],
            ["created", *["invalid"] * 7, "created", "updated", "deleted"],
        )
        named = [sorted(result["errors"]) for result in results[1:8]]
        self.assertEqual(
            named, [["name"], ["spec"], ["__all__"], ["kind"], ["fields.auto_sync"], ["fabric"], ["fields"]]
        )
        self.assertEqual(list(model("Switch").objects.values_list("name", flat=True)), ["good-1"])

    def test_permissions(self) -> None:
        """What the user may not see, make, change or delete stays as it is."""
        record = resource("Server", self.fabric, name="s-1")
        server = {"kind": "Server", "fields": {"spec": {"a": 2}}}
        self.assertEqual(self.one(**server)["code"], "permission_denied")
        self.assertEqual(self.one("new", **server)["code"], "permission_denied")
        self.allow("view", model=model("Server"))
        for more in ({}, {"op": "delete"}):
            result = self.one(**{**server, **more})
            self.assertEqual((result["status"], result["code"]), ("error", "permission_denied"))
        self.assertEqual(self.logged(record), [])

    def test_constraints(self) -> None:
        """A permission with constraints holds for the record as it was, and for what it becomes."""
        mine = {"labels__team": "mine"}
        self.allow("view", model=model("Server"))
        self.allow("add", "change", "delete", model=model("Server"), constraints=mine)
        record = resource("Server", self.fabric, name="mine", labels={"team": "mine"})
        resource("Server", self.fabric, name="other", labels={"team": "other"})

        def code(name: str, op: str = "upsert", **fields: Any) -> str:
            return str(self.one(name, op, "Server", fields=fields)["code"])

        self.assertEqual(code("mine", spec={"a": 2}), "")
        self.assertEqual(code("other", spec={"a": 2}), "permission_denied")
        self.assertEqual(code("other", "delete"), "permission_denied")
        self.assertEqual(code("mine", labels={"team": "other"}), "permission_denied")
        self.assertEqual(code("new", spec={"a": 1}), "permission_denied")
        self.assertEqual(code("new", spec={"a": 1}, labels={"team": "mine"}), "")
        record.refresh_from_db()
        self.assertEqual((record.spec, record.labels), ({"a": 2}, {"team": "mine"}))

    def test_what_is_not_visible_is_not_there(self) -> None:
        """Nobody learns by an item whether there is a record that they may not see."""
        mine = {"labels__team": "mine"}
        self.allow("view", "change", "delete", model=model("Server"), constraints=mine)
        record = resource("Server", self.fabric, name="hidden", labels={"team": "other"})
        for more in (
            {"fields": {"spec": {"a": 2}}},
            {"fields": {"spec": {"a": 2}}, "if_last_updated": None},
            {"fields": {"spec": {"a": 2}}, "if_last_updated": "2020-01-01T00:00:00Z"},
            {"op": "delete"},
            {"op": "delete", "if_last_updated": "2020-01-01T00:00:00Z"},
        ):
            hidden, missing = (self.one(name, kind="Server", **more) for name in ("hidden", "missing"))
            self.assertEqual(hidden, missing)
        self.assertEqual(self.logged(record), [])

    def test_what_may_be_done_with_nothing_of_a_kind(self) -> None:
        """It is refused in the same words, whether there is such a record or not, and before one is looked for."""
        resource("Server", self.fabric, name="there")
        for allowed, lacking in (("add", "view"), ("view", "delete")):
            self.allow(allowed, model=model("Server"))
            there, missing = (self.one(name, "delete", "Server") for name in ("there", "missing"))
            self.assertEqual(there, missing)
            self.assertEqual(there["code"], "permission_denied")
            self.assertIn(f"may not {lacking} this server", there["errors"]["__all__"][0])

    def test_what_is_locked(self) -> None:
        """Records that are asked for, and may be written; others keep on being of whoever needs them."""
        self.allow("view", model=model("Server"))
        self.allow("change", "delete", model=model("Server"), constraints={"labels__team": "mine"})
        # The feed locks what it records, and of these it hears nothing.
        model("Switch").objects.bulk_create(
            model("Switch")(fabric=self.fabric, name=name, spec={"a": 1}) for name in ("s-1", "s-2")
        )
        for kind in ("Server", "VPC"):
            model(kind).objects.bulk_create(
                model(kind)(fabric=self.fabric, name=f"{kind.lower()}-{team}", spec={"a": 1}, labels={"team": team})
                for team in ("mine", "other")
            )
        self.post(
            self.item("s-1"),
            self.item("s-2", namespace="elsewhere"),
            *(self.item(f"server-{team}", kind="Server") for team in ("mine", "other")),
            *(self.item(f"vpc-{team}", kind="VPC") for team in ("mine", "other")),
        )
        locked = {
            name
            for kind in ("Switch", "Server", "VPC")
            for name in model(kind).objects.extra(where=["xmax::text <> '0'"]).values_list("name", flat=True)
        }
        self.assertEqual(locked, {"s-1", "server-mine"})

    def test_a_request_that_is_being_done(self) -> None:
        """Who sends it again is told at once to come back, and nothing waits."""
        other = connection.copy()
        self.addCleanup(other.close)
        name = name_of(self.user, "twice")
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '5s'")
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [name])
            busy = self.post(self.item(fields={"spec": {"a": 1}}), request_key="twice")
            self.assertEqual((busy.status_code, busy.headers["Retry-After"]), (503, "1"))
            cursor.execute("SELECT pg_advisory_unlock_all()")
        self.assertEqual(self.post(self.item(fields={"spec": {"a": 1}}), request_key="twice").status_code, 200)

    def test_who_may_ask(self) -> None:
        """Somebody whom NetBox does not know may not, nor may a token that only reads."""
        self.assertEqual(self.post(self.item(), header={}).status_code, 403)
        Token.objects.filter(user=self.user).update(write_enabled=False)
        self.assertEqual(self.post(self.item()).status_code, 403)

    def test_requests_that_are_none(self) -> None:
        """They are refused whole, with words."""
        for body, name in (
            ({"items": []}, "items"),
            ({"items": [self.item()] * 501}, "items"),
            ({"request_key": ""}, "request_key"),
            ({"commit": {"sha": "HEAD"}}, "commit"),
            ({"unheard": 1}, "unheard"),
        ):
            answer = self.post(self.item(), **body)
            self.assertEqual(answer.status_code, 400, body)
            self.assertIn(name, answer.json())
        large = self.post(self.item(fields={"spec": {"a": "x" * (1 << 20)}}))
        self.assertEqual(large.status_code, 413)

    def test_a_request_that_is_too_deep_to_read(self) -> None:
        """It is refused, and nothing fails."""
        url = reverse("plugins-api:netbox_fgd_sync-api:apply")
        answer = self.client.generic("POST", url, "[" * 200_000, content_type="application/json", **self.header)
        self.assertEqual(answer.status_code, 400)

    def test_acting_as_the_author(self) -> None:
        """The change is the author's, where the user of the token may act as somebody at the link of the fabric."""
        author = User.objects.create_user(username="author", email="Author@example.com")
        said = {"name": "An\r\nAuthor", "email": "author@example.com"}

        def by(name: str, **more: Any) -> tuple[str, str]:
            answer = self.post(self.item(name, fields={"spec": {"a": 1}}), author=said, **more).json()
            ((_, user, why),) = self.logged(model("Switch").objects.get(pk=answer["results"][0]["id"]))
            self.assertEqual(user, answer["user"])
            return user, why

        own = self.user.username
        why = "0123abcd An  Author: Name the switch"
        self.assertEqual(by("no-permission"), (own, why))
        self.allow("act_as", constraints={"object_id": self.fabric.pk})
        self.assertEqual(by("no-link"), (own, why))
        link(self.fabric)
        for_author = f"0123abcd {own} for An  Author: Name the switch"
        self.assertEqual(by("act-as"), (author.username, for_author))
        recorded = ChangeRecord.objects.get(name="act-as")
        self.assertEqual(recorded.user_name, own)
        self.assertEqual(by("long", commit={**COMMIT, "subject": "x" * 300})[1][-1], "…")
        User.objects.create_user(username="twin", email="author@example.com")
        self.assertEqual(by("two-of-them"), (own, why))
        FabricLink.objects.all().delete()
        link(fabric())
        self.assertEqual(by("another-fabric"), (own, why))
        self.configure(fabric_model="netbox_hedgehog.Unheard")
        self.assertEqual(by("no-model"), (own, why))

    def test_an_author_who_may_do_everything(self) -> None:
        """Nobody becomes one by an address that anybody can give a commit."""
        User.objects.create_superuser(username="boss", email="boss@example.com")
        self.allow("act_as")
        link(self.fabric)
        answer = self.post(self.item(fields={"spec": {"a": 1}}), author={"name": "Boss", "email": "boss@example.com"})
        result = answer.json()
        self.assertEqual(result["user"], self.user.username)
        ((_, user, _),) = self.logged(model("Switch").objects.get(pk=result["results"][0]["id"]))
        self.assertEqual(user, self.user.username)

    def test_what_runs_for_changes_of_an_author(self) -> None:
        """What NetBox runs then is the business of the user of the token, whoever the change log names."""
        User.objects.create_user(username="author", email="author@example.com")
        self.allow("act_as")
        link(self.fabric)
        seen: list[tuple[str, str]] = []

        def pipeline(events: list[Any]) -> None:
            seen.extend((event["user"].username, event["request"].user.username) for event in events)

        globals()["pipeline"] = pipeline
        self.addCleanup(globals().pop, "pipeline")
        with override_settings(EVENTS_PIPELINE=[f"{__name__}.pipeline"]):
            answer = self.post(self.item(fields={"spec": {"a": 1}}), author={"email": "author@example.com"})
        self.assertEqual(answer.json()["user"], "author")
        self.assertEqual(seen, [(self.user.username, self.user.username)])

    def test_a_rule_that_protects(self) -> None:
        """What a rule of NetBox forbids is said in its words."""
        resource("Switch", self.fabric, name="s-1")
        rules = {"netbox_hedgehog.switch": [{"name": {"eq": "another"}}]}
        with override_settings(PROTECTION_RULES=rules):
            result = self.one(op="delete")
        self.assertEqual((result["status"], result["code"]), ("error", "refused"))
        self.assertIn("protection rule", result["errors"]["__all__"][0])

    def test_what_it_costs(self) -> None:
        """An item that is as it shall be makes no query, and one that is not some."""

        def items(count: int, number: int) -> list[dict[str, Any]]:
            return [self.item(f"s-{i}", fields={"spec": {"a": number}}) for i in range(count)]

        def queries(count: int, number: int) -> list[str]:
            with CaptureQueriesContext(connection) as captured:
                self.assertEqual(self.post(*items(count, number)).status_code, 200)
            return [query["sql"] for query in captured]

        self.post(*items(20, 1))
        self.assertEqual(len(queries(10, 1)), len(queries(20, 1)))
        first, second = queries(10, 2), queries(20, 3)
        # A savepoint and its end, the record, the change log, who is subscribed to it, the feed.
        self.assertLessEqual(len(second) - len(first), 10 * 6, "\n".join(query[:200] for query in second[-8:]))

    def test_somebody_who_does_not_exist_yet(self) -> None:
        """A user with permissions for nothing applies nothing."""
        other = User.objects.create_user(username="other")
        allow(other, "view", model=model("Switch"))
        application = applying.Application(other, "why", [])
        item = applying.Item(applying.UPSERT, model("Switch"), self.fabric.pk, "default", "s", {"spec": {"a": 1}})
        self.assertEqual(application.apply(item).code, "permission_denied")


def nested(levels: int) -> dict[str, Any]:
    """Return objects within each other."""
    value: dict[str, Any] = {}
    for _ in range(levels):
        value = {"a": value}
    return value
