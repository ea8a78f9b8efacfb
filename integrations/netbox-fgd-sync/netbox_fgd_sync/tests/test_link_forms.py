"""Tests of forms: links that are made, changed, imported and deleted."""

from http import HTTPStatus
from typing import Any

from core.models import ObjectChange
from django.apps import apps
from django.urls import reverse

from ..models import FabricLink
from .base import TestCase, fabric, link

VALUES = {
    "repository_url": "https://git.example.com/fabrics.git",
    "branch": "main",
    "gitops_directory": "one",
    "direction": "both",
    "conflict_winner": "hold",
    "enabled": "on",
}


def address(name: str, *args: Any) -> str:
    """Return the address of a page."""
    return reverse(f"plugins:netbox_fgd_sync:fabriclink_{name}", args=args)


class FormTest(TestCase):
    """The form of one link."""

    def setUp(self) -> None:
        """Let the user make links of fabrics."""
        super().setUp()
        self.fabrics = apps.get_model("netbox_hedgehog", "HedgehogFabric")
        self.allow("view", "add", "change", "delete")
        self.allow("view", model=self.fabrics)

    def save(self, *args: Any, **values: Any) -> Any:
        """Send the form."""
        return self.client.post(address("edit" if args else "add", *args), {**VALUES, **values})

    def test_a_fabric_is_linked(self) -> None:
        """A fabric is linked."""
        record = fabric()
        answer = self.save(record=record.pk)
        made = FabricLink.objects.get()
        self.assertRedirects(answer, made.get_absolute_url())
        self.assertEqual((made.record, made.state), (record, "unregistered"))
        self.assertEqual(self.service.requests(), [], "the page asked FGD Sync")

    def test_a_fabric_is_made_with_its_link(self) -> None:
        """A fabric is made with its link."""
        self.allow("add", model=self.fabrics)
        self.save(new_fabric="brand-new")
        self.assertEqual(FabricLink.objects.get().record, self.fabrics.objects.get(name="brand-new"))
        self.assertTrue(ObjectChange.objects.filter(object_repr="brand-new").exists())

    def test_a_new_fabric_takes_the_permission_to_add_it(self) -> None:
        """A new fabric takes the permission to add it."""
        self.assertNotContains(self.client.get(address("add")), "new_fabric")
        self.assertContains(self.save(new_fabric="brand-new"), "Choose a fabric")
        self.assertFalse(self.fabrics.objects.exists())

    def test_a_new_fabric_meets_the_constraints_of_the_permission(self) -> None:
        """A new fabric meets the constraints of the permission."""
        self.allow("add", model=self.fabrics, constraints={"name": "allowed"})
        self.assertEqual(self.save(new_fabric="other").status_code, HTTPStatus.OK)
        self.assertFalse(self.fabrics.objects.exists())
        self.save(new_fabric="allowed")
        self.assertEqual(str(FabricLink.objects.get()), "allowed")

    def test_what_is_wrong_with_a_new_fabric_is_said(self) -> None:
        """What is wrong with a new fabric is said."""
        self.allow("add", model=self.fabrics)
        name = str(link())
        self.assertContains(self.save(new_fabric=name), "already exists")
        self.assertEqual(FabricLink.objects.count(), 1)

    def test_one_fabric_is_chosen(self) -> None:
        """One fabric is chosen."""
        self.allow("add", model=self.fabrics)
        self.assertContains(self.save(), "Choose a fabric")
        self.assertContains(self.save(record=fabric().pk, new_fabric="x"), "Choose a fabric")
        self.assertFalse(FabricLink.objects.exists())

    def test_a_refused_link_leaves_no_fabric(self) -> None:
        """A refused link leaves no fabric."""
        self.allow("add", model=self.fabrics)
        self.assertContains(self.save(new_fabric="brand-new", repository_url=""), "FGD Sync does not know yet needs it")
        self.assertFalse(self.fabrics.objects.exists())

    def test_fabrics_are_offered_that_have_no_link_and_may_be_viewed(self) -> None:
        """Fabrics are offered that have no link and may be viewed."""
        linked, hidden, free = link(), fabric(name="hidden"), fabric(name="free")
        permission = self.allow("view", model=self.fabrics)
        type(permission).objects.filter(object_types__model="hedgehogfabric").update(
            constraints={"name__in": ["free", str(linked)]}
        )
        page = self.client.get(f"{address('add')}?record={free.pk}")
        self.assertContains(page, f'<option value="{free.pk}" selected>free</option>', html=True)
        self.assertNotContains(page, f'<option value="{hidden.pk}"')
        self.assertNotContains(page, f'<option value="{linked.object_id}"')
        self.assertEqual(self.save(record=linked.object_id).status_code, HTTPStatus.OK)
        self.assertEqual(self.save(record=hidden.pk).status_code, HTTPStatus.OK)
        self.assertEqual(FabricLink.objects.count(), 1)

    def test_a_link_stays_that_of_its_fabric(self) -> None:
        """A link stays that of its fabric."""
        made = link()
        record = made.record
        self.assertNotContains(self.client.get(address("edit", made.pk)), "id_record")
        self.save(made.pk, record=fabric().pk, branch="other")
        made.refresh_from_db()
        self.assertEqual((made.branch, made.object_id), ("other", record.pk))

    def test_without_the_plugin_there_is_no_fabric(self) -> None:
        """Without the plugin there is no fabric."""
        self.configure(fabric_model="nothing.Fabric")
        self.assertEqual(self.client.get(address("add")).status_code, HTTPStatus.OK)
        self.assertContains(self.save(new_fabric="x"), "Choose a fabric")

    def test_pages_of_netbox_itself(self) -> None:
        """Pages of NetBox itself."""
        made = link(description="of a data centre")
        for name in ("changelog", "journal", "delete"):
            self.assertEqual(self.client.get(address(name, made.pk)).status_code, HTTPStatus.OK, name)
        self.assertContains(self.client.get(f"{address('list')}?q=data+centre"), str(made))
        self.assertContains(self.client.get(f"{address('list')}?export=table"), str(made))
        self.client.post(address("delete", made.pk), {"confirm": True})
        self.assertFalse(FabricLink.objects.exists())


class BulkTest(TestCase):
    """Many links at once."""

    def setUp(self) -> None:
        """Let the user do all."""
        super().setUp()
        self.allow("view", "add", "change", "delete")
        self.allow("view", model=apps.get_model("netbox_hedgehog", "HedgehogFabric"))

    def imported(self, *lines: str) -> Any:
        """Import lines of CSV."""
        sent = {"data": "\n".join(lines), "format": "csv", "csv_delimiter": ",", "import_method": "direct"}
        return self.client.post(address("bulk_import"), sent)

    def test_links_are_imported(self) -> None:
        """Links are imported."""
        one, two = fabric(), fabric()
        self.imported(
            "record,repository_url,gitops_directory,direction,enabled",
            f"{one},https://git.example.com/a.git,one,git_to_netbox,false",
            f"{two},https://git.example.com/a.git,two,,",
        )
        first, second = FabricLink.objects.order_by("object_id")
        self.assertEqual((first.record, first.direction, first.enabled), (one, "git_to_netbox", False))
        self.assertEqual((second.record, second.direction, second.enabled, second.branch), (two, "both", True, "main"))
        self.assertEqual(self.service.requests(), [])

    def test_a_wrong_line_imports_nothing(self) -> None:
        """A wrong line imports nothing."""
        one = fabric()
        heads = "record,repository_url,gitops_directory"
        for line in (f"{one},https://git.example.com/a.git,two", "nothing,https://git.example.com/a.git,two"):
            answer = self.imported(heads, f"{one},https://git.example.com/a.git,one", line)
            self.assertEqual(answer.status_code, HTTPStatus.OK)
            self.assertFalse(FabricLink.objects.exists())
        self.assertContains(self.imported(heads, f"{one},,"), "does not know yet needs it")

    def test_links_are_changed_by_import(self) -> None:
        """Links are changed by import."""
        made = link(branch="other")
        self.imported("id,enabled", f"{made.pk},false")
        made.refresh_from_db()
        self.assertEqual((made.enabled, made.branch), (False, "other"))

    def test_links_are_changed(self) -> None:
        """Links are changed."""
        made = [link(), link()]
        sent = {"pk": [one.pk for one in made], "branch": "release", "direction": "git_to_netbox", "_apply": "1"}
        self.client.post(address("bulk_edit"), sent)
        self.assertEqual(
            {(one.branch, one.direction) for one in FabricLink.objects.all()}, {("release", "git_to_netbox")}
        )

    def test_links_are_deleted(self) -> None:
        """Links are deleted."""
        made = [link(), link()]
        sent = {"pk": [one.pk for one in made], "confirm": True, "_confirm": True}
        self.client.post(address("bulk_delete"), sent)
        self.assertFalse(FabricLink.objects.exists())
