"""Tests of what other pages of NetBox have of the plugin: those of fabrics, the dashboard, and the menu."""

import json
import re
from typing import Any

from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from extras.dashboard.utils import get_widget_class

from ..client import AwayError, client
from ..dashboard import FabricsWidget
from ..models import FabricLink
from ..template_content import FabricExtension
from .answers import HOSTILE
from .base import TestCase, fabric, link


def state(made: FabricLink, name: str, **values: Any) -> FabricLink:
    """Give a link a state."""
    FabricLink.objects.filter(pk=made.pk).update(state=name, **values)
    made.refresh_from_db()
    return made


class FabricPageTest(TestCase):
    """The page of a fabric."""

    def setUp(self) -> None:
        """Let the user see fabrics."""
        super().setUp()
        self.record = fabric(name=HOSTILE)
        self.allow("view", model=type(self.record))

    def destination(self, record: Any = None) -> Any:
        """Return what the script of the page of a fabric is told."""
        page = self.client.get((record or self.record).get_absolute_url()).content.decode()
        found = re.search(r'<script id="fgd-sync-fabric" type="application/json">(.*?)</script>', page)
        self.assertEqual("netbox_fgd_sync/fabric.js" in page, found is not None)
        return json.loads(found[1]) if found else None

    def test_a_fabric_leads_to_its_link(self) -> None:
        """A fabric leads to its link."""
        made = link(self.record)
        self.assertIsNone(self.destination())
        self.allow("view", constraints={"pk": made.pk + 1})
        self.assertIsNone(self.destination())
        self.allow("view")
        self.assertEqual(self.destination()["url"], made.get_absolute_url())

    def test_a_fabric_without_a_link_leads_to_the_form(self) -> None:
        """A fabric without a link leads to the form."""
        self.allow("view")
        self.assertIsNone(self.destination())
        self.allow("add")
        add = reverse("plugins:netbox_fgd_sync:fabriclink_add")
        self.assertEqual(self.destination(), {"url": f"{add}?record={self.record.pk}", "text": "Link to a repository"})

    def test_other_pages_have_no_script(self) -> None:
        """Other pages have no script."""
        self.allow("view", "add")
        self.assertNotContains(self.client.get(reverse("home")), "fgd-sync-fabric")
        self.assertNotContains(self.client.get(reverse("plugins:netbox_fgd_sync:fabriclink_list")), "fgd-sync-fabric")

    def extension(self) -> FabricExtension:
        """Return what a page with NetBox's places shows."""
        request = RequestFactory().get("/")
        request.user = type(self.user).objects.get(pk=self.user.pk)  # permissions are kept by the object
        return FabricExtension({"request": request, "object": self.record})

    def test_a_page_with_places_shows_the_link(self) -> None:
        """A page with places shows the link."""
        shown = self.extension()
        self.assertEqual((shown.buttons(), shown.alerts(), shown.right_page()), ("", "", ""))
        self.allow("add")
        self.assertIn(f"?record={self.record.pk}", self.extension().buttons())
        made = state(link(self.record), "failed", error=HOSTILE)
        self.allow("view")
        shown = self.extension()
        self.assertIn(made.get_absolute_url(), shown.buttons())
        self.assertIn("Failed", shown.alerts())
        self.assertIn("Failed", shown.right_page())
        self.assertNotIn("<script>", shown.buttons() + shown.alerts() + shown.right_page())
        state(made, "in_sync")
        self.assertEqual(self.extension().alerts(), "")


class WidgetTest(TestCase):
    """The widget of the dashboard."""

    def shown(self) -> str:
        """Return it as the user sees it."""
        request = RequestFactory().get("/")
        request.user = type(self.user).objects.get(pk=self.user.pk)  # permissions are kept by the object
        return FabricsWidget().render(request)

    def test_it_is_there_to_be_chosen(self) -> None:
        """It is there to be chosen."""
        self.assertIs(get_widget_class("netbox_fgd_sync.FabricsWidget"), FabricsWidget)

    def test_it_shows_what_the_user_may_view(self) -> None:
        """It shows what the user may view."""
        good = state(link(fabric(name="a-good-one")), "in_sync")
        bad = state(link(fabric(name=f"z-bad-one {HOSTILE}")), "failed")
        self.assertIn("No permission", self.shown())
        granted = self.allow("view", constraints={"pk": good.pk})
        self.assertIn("a-good-one", self.shown())
        self.assertNotIn("z-bad-one", self.shown())
        granted.constraints = None
        granted.save()
        shown = self.shown()
        self.assertLess(shown.index("z-bad-one"), shown.index("a-good-one"))
        self.assertNotIn("<script>", shown)
        self.assertIn(bad.get_absolute_url(), shown)

    def test_it_says_that_fgd_sync_is_away(self) -> None:
        """As soon as somebody has found that, and without asking by itself."""
        self.allow("view")
        link()
        self.service.refuse()
        self.assertNotIn("does not answer", self.shown())
        with self.assertRaises(AwayError):
            client().get("fabrics")
        self.service.mend()
        self.assertIn("does not answer", self.shown())
        self.assertEqual(self.service.asked, [])

    def test_it_shows_that_there_are_more(self) -> None:
        """It shows that there are more."""
        self.allow("view")
        self.assertIn("No fabric links", self.shown())
        for _ in range(12):
            link()
        with CaptureQueriesContext(connection) as queries:
            self.assertIn("2 more", self.shown())
        said = [query["sql"] for query in queries if 'FROM "netbox_fgd_sync_fabriclink"' in query["sql"]]
        self.assertTrue(all("COUNT" in sql or "LIMIT 10" in sql for sql in said), "all links were read for ten")


class MenuTest(TestCase):
    """The menu."""

    def test_it_shows_what_the_user_may_do(self) -> None:
        """It shows what the user may do."""
        home = reverse("home")
        self.assertNotContains(self.client.get(home), "/plugins/fgd-sync/")
        self.allow("view")
        self.assertContains(self.client.get(home), "/plugins/fgd-sync/links/")
        self.assertNotContains(self.client.get(home), "/plugins/fgd-sync/links/add/")
        self.allow("add")
        self.assertContains(self.client.get(home), "/plugins/fgd-sync/links/import/")
