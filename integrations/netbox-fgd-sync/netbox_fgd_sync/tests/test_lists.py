"""How links and changes are found: in lists, by filters, and in GraphQL."""

from http import HTTPStatus
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from ..filtersets import ChangeRecordFilterSet, FabricLinkFilterSet
from ..models import ChangeRecord, FabricLink
from .base import APITestCase, TestCase, fabric, link, registered, resource

HTMX = {"HTTP_HX_REQUEST": "true"}
CHANGES = reverse("plugins:netbox_fgd_sync:changerecord_list")
LINKS = reverse("plugins:netbox_fgd_sync:fabriclink_list")


class LinkFilterTest(TestCase):
    """Links that a filter finds."""

    def found(self, **said: Any) -> set[FabricLink]:
        """Return them."""
        return set(FabricLinkFilterSet(said, FabricLink.objects.all()).qs)

    def test_by_the_name_of_the_fabric(self) -> None:
        """A text is looked for in it."""
        made = link(fabric(name="north-hall"))
        link()
        self.assertEqual(self.found(q="North"), {made})
        self.assertEqual(self.found(fabric="North"), {made})
        self.configure(fabric_model="netbox_hedgehog.NoSuchModel")
        self.assertEqual(self.found(q="North"), set())

    def test_by_several_words(self) -> None:
        """Of each of them, as the form lets people choose several."""
        failed, synced, other = registered(state="failed"), registered(), link(direction="git_to_netbox")
        self.assertEqual(self.found(state=["failed", "in_sync"]), {failed, synced})
        self.assertEqual(self.found(direction=["git_to_netbox"]), {other})
        self.assertEqual(len(self.found(conflict_winner=["hold"])), 3)


class ChangesTest(TestCase):
    """The feed, for people."""

    def setUp(self) -> None:
        """Have changes in two fabrics."""
        super().setUp()
        self.link = registered(fabric(name="north-hall"))
        resource("Switch", self.link.record, name="of-this-fabric")
        resource("Server", fabric(), name="of-another-fabric")

    def listed(self, **said: Any) -> Any:
        """Return the list, as it is loaded into a page."""
        return self.client.get(CHANGES, said, **HTMX)

    def test_the_tab_loads_the_list(self) -> None:
        """For who may view it. The page itself counts none of it."""
        self.allow("view")
        address = reverse("plugins:netbox_fgd_sync:fabriclink_changes", args=[self.link.pk])
        self.assertNotContains(self.client.get(address), CHANGES + "?")
        self.allow("view", model=ChangeRecord)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            answer = self.client.get(address)
        self.assertContains(answer, f"{CHANGES}?embedded=True&fabric_id={self.link.object_id}")
        self.assertEqual([query["sql"] for query in queries if "changerecord" in query["sql"]], [])

    def test_of_one_fabric(self) -> None:
        """As the tab shows it."""
        granted = self.allow("view", model=ChangeRecord)
        answer = self.listed(embedded=True, fabric_id=self.link.object_id, return_url="/")
        self.assertContains(answer, "of-this-fabric")
        self.assertNotContains(answer, "of-another-fabric")
        granted.constraints = {"name": "nothing"}
        granted.save()
        self.assertNotContains(self.listed(embedded=True, fabric_id=self.link.object_id), "of-this-fabric")

    def test_the_list(self) -> None:
        """It takes its permission, and has a form with filters."""
        self.assertEqual(self.client.get(CHANGES).status_code, HTTPStatus.FORBIDDEN)
        self.allow("view", model=ChangeRecord)
        answer = self.client.get(CHANGES)
        for text in ("of-this-fabric", "of-another-fabric", 'name="kind"', 'name="fabric"', 'name="time_after"'):
            self.assertContains(answer, text)

    def test_filters(self) -> None:
        """Each narrows the list down."""
        self.allow("view", model=ChangeRecord)
        for said in (
            {"q": "This-Fabric"},
            {"kind": ["Switch", "VPC"]},
            {"fabric": str(self.link).upper()},
            {"name": "of-this-fabric"},
            {"action": ["created"], "kind": "Switch"},
        ):
            answer = self.listed(**said)
            self.assertContains(answer, "of-this-fabric", msg_prefix=str(said))
            self.assertNotContains(answer, "of-another-fabric", msg_prefix=str(said))
        for said in ({"time_after": "2999-01-01 00:00:00"}, {"action": "deleted"}, {"user_name": "nobody"}):
            self.assertNotContains(self.listed(**said), "of-this-fabric", msg_prefix=str(said))

    def test_the_changes_of_a_fabric_have_an_index(self) -> None:
        """The last ones of one fabric are found without the changes of all others."""
        changes = ChangeRecordFilterSet({"fabric_id": [1]}, ChangeRecord.objects.order_by("-id")).qs
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_bitmapscan = off")
        plan = changes[:25].explain()
        self.assertIn("fgd_change_fabric", plan)
        self.assertNotIn("Sort", plan)


class LinkListTest(TestCase):
    """The list of links."""

    def queries(self) -> int:
        """Return how many queries it takes."""
        with CaptureQueriesContext(connection) as queries:
            self.assertEqual(self.client.get(LINKS, **HTMX).status_code, HTTPStatus.OK)
        return len(queries)

    def test_names_cost_no_query_each(self) -> None:
        """The names of all fabrics are fetched at once."""
        self.allow("view")
        link()
        self.queries()
        few = self.queries()
        for _ in range(5):
            link()
        self.assertLessEqual(self.queries(), few)


class GraphQLTest(APITestCase):
    """Links in GraphQL."""

    def asked(self) -> tuple[list[str], int]:
        """Return what all links are called, and how many queries that took."""
        with CaptureQueriesContext(connection) as queries:
            said = self.client.post(
                reverse("graphql"), {"query": "{fabric_link_list {display}}"}, format="json", **self.header
            )
        return [one["display"] for one in said.json()["data"]["fabric_link_list"]], len(queries)

    def test_names_cost_no_query_each(self) -> None:
        """The names of all fabrics are fetched at once."""
        self.allow("view")
        made = [link() for _ in range(2)]
        self.asked()
        names, few = self.asked()
        self.assertEqual(names, [str(one) for one in made])
        for _ in range(5):
            link()
        names, many = self.asked()
        self.assertEqual((len(names), many), (7, few))
