"""What may be said of a link, and what becomes of what is known of it."""

from http import HTTPStatus

from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError
from django.urls import reverse
from users.models import User
from utilities.exceptions import AbortRequest

from ..dashboard import FabricsWidget
from ..models import FabricLink
from .base import TestCase, fabric, link, registered


class SaveTest(TestCase):
    """Saving a link."""

    def test_what_is_known_stays(self) -> None:
        """Whoever saves a link that was read before writes what they say, and nothing else."""
        made = registered()
        old = FabricLink.objects.get(pk=made.pk)
        known = {"state": "failed", "sync_id": "s", "commit_sha": "c", "error": "e", "counts": {"held": 1}}
        FabricLink.objects.filter(pk=made.pk).update(**known, applied={"branch": "x"}, fabric_id=4711)
        old.description = "Another."
        old.save()
        made.refresh_from_db()
        self.assertEqual({name: getattr(made, name) for name in known}, known)
        self.assertEqual((made.applied, made.fabric_id), ({"branch": "x"}, 4711))
        self.assertEqual(made.description, "Another.")

    def test_fields_that_are_named(self) -> None:
        """They are written, whichever they are."""
        made = registered()
        made.state, made.description = "failed", "Not this."
        made.save(update_fields=["state"])
        made.refresh_from_db()
        self.assertEqual((made.state, made.description), ("failed", ""))

    def test_one_that_is_gone(self) -> None:
        """Who saves a link that somebody has deleted meanwhile is told so."""
        made = link()
        FabricLink.objects.filter(pk=made.pk)._raw_delete("default")
        with self.assertRaises(AbortRequest) as caught:
            made.save()
        self.assertIn("deleted meanwhile", caught.exception.message)


class RequestedTest(TestCase):
    """Who asks for the number of a fabric."""

    def setUp(self) -> None:
        """Have somebody who may adopt, and a link that another has made."""
        super().setUp()
        self.other = User.objects.create(username="other")
        self.allow("view", "add", "change")
        self.allow("view", model=apps.get_model("netbox_hedgehog", "HedgehogFabric"))
        self.link = link(requested_fabric_id=5, requested_by=self.other)

    def asker(self) -> User | None:
        """Return who asks for the number of the link."""
        self.link.refresh_from_db()
        return self.link.requested_by

    def edit(self, **changed: object) -> None:
        """Send the form of the link."""
        values = {
            "repository_url": self.link.repository_url,
            "branch": "main",
            "gitops_directory": "one",
            "direction": "both",
            "conflict_winner": "hold",
            "enabled": "on",
            "requested_fabric_id": 5,
            **changed,
        }
        url = reverse("plugins:netbox_fgd_sync:fabriclink_edit", args=[self.link.pk])
        self.assertEqual(self.client.post(url, values).status_code, HTTPStatus.FOUND)

    def imported(self, *lines: str) -> None:
        """Import lines of CSV."""
        sent = {"data": "\n".join(lines), "format": "csv", "csv_delimiter": ",", "import_method": "direct"}
        self.client.post(reverse("plugins:netbox_fgd_sync:fabriclink_bulk_import"), sent)

    def test_the_form(self) -> None:
        """Whoever changes something else does not ask."""
        self.edit(description="Another.")
        self.assertEqual((self.asker(), self.link.description), (self.other, "Another."))
        self.edit(requested_fabric_id=6)
        self.assertEqual((self.asker(), self.link.requested_fabric_id), (self.user, 6))

    def test_many_at_once(self) -> None:
        """The form of several, and the import."""
        url = reverse("plugins:netbox_fgd_sync:fabriclink_bulk_edit")
        self.client.post(url, {"pk": [self.link.pk], "description": "Another.", "_apply": "1"})
        self.assertEqual((self.asker(), self.link.description), (self.other, "Another."))
        self.imported("id,requested_fabric_id,branch", f"{self.link.pk},5,b")
        self.assertEqual((self.asker(), self.link.branch), (self.other, "b"))
        self.imported("id,requested_fabric_id", f"{self.link.pk},6")
        self.assertEqual(self.asker(), self.user)
        self.imported("record,repository_url,gitops_directory", f"{fabric()},https://git.example.com/a.git,new")
        self.assertEqual(FabricLink.objects.get(gitops_directory="new").requested_by, self.user)

    def test_the_api(self) -> None:
        """Nobody says who asks."""
        url = reverse("plugins-api:netbox_fgd_sync-api:fabriclink-detail", args=[self.link.pk])
        for body, asker in (
            ({"description": "Another.", "requested_by": self.user.pk}, self.other),
            ({"requested_fabric_id": 5}, self.other),
            ({"requested_fabric_id": 6}, self.user),
        ):
            answer = self.client.patch(url, body, content_type="application/json")
            self.assertEqual((answer.status_code, self.asker()), (HTTPStatus.OK, asker))

    def test_without_a_request(self) -> None:
        """Nobody asks for another number."""
        self.link.branch = "b"
        self.link.save()
        self.assertEqual(self.asker(), self.other)
        self.link.requested_fabric_id = 6
        self.link.save(update_fields=["requested_fabric_id"])
        self.assertEqual((self.asker(), self.link.requested_fabric_id), (None, 6))

    def test_a_user_who_is_gone(self) -> None:
        """Nobody asks any more."""
        self.other.delete()
        self.assertIsNone(self.asker())


class CleanTest(TestCase):
    """What is refused."""

    def refused(self, of: FabricLink, **changed: object) -> dict[str, list[str]]:
        """Return what is wrong with a link that is changed."""
        for name, value in changed.items():
            setattr(of, name, value)
        try:
            of.full_clean()
        except ValidationError as error:
            return error.message_dict
        finally:
            of.refresh_from_db()
        return {}

    def test_credentials_in_the_url(self) -> None:
        """They are refused, and not repeated; a user of SSH is none."""
        made = link()
        for url in (
            "https://user:token@git.example.com/a.git",
            "https://token@git.example.com/a.git",
            "HTTP://token@git.example.com",
            "ssh://git:token@git.example.com/a.git",
            "git:token@git.example.com:a.git",
            "https:/user:token@git.example.com/a.git",
            "//user:token@git.example.com/a.git",
            "https://user:to/ken@git.example.com/a.git",
            "https://user:1/token@git.example.com/a.git",
            "ssh://git:1/token@git.example.com/a.git",
            "https://user%3Atoken@git.example.com/a.git",
            "https://git.example.com/a.git?private_token=token@",
            "https://git.example.com/a.git#token@",
            "https:git.example.com",
            "ftp://git.example.com/a.git",
            "u",
        ):
            wrong = self.refused(made, repository_url=url)
            self.assertEqual(list(wrong), ["repository_url"], url)
            self.assertNotIn("token@", str(wrong))
        for url in (
            "https://git.example.com/a@b.git",
            "HTTP://127.0.0.1:8080/a",
            "https://[::1]:8443/a.git",
            "ssh://git@git.example.com/a.git",
            "ssh://git.example.com:2222/~/a.git",
            "git@git.example.com:a.git",
            "git.example.com:/srv/a.git",
        ):
            self.assertEqual(self.refused(made, repository_url=url), {}, url)

    def test_a_repository_that_fgd_sync_has_said(self) -> None:
        """A path of its own machine is nothing that people can give, and stays."""
        known = registered(repository_url="/srv/git/a.git")
        self.assertEqual(self.refused(known, description="Another."), {})
        self.assertEqual(list(self.refused(known, repository_url="/srv/git/b.git")), ["repository_url"])

    def test_credentials_in_their_reference(self) -> None:
        """What is no reference may be the secret itself."""
        made = link()
        for reference in ("ghp_0123456789", "env:", "file:../x", "file:a b", "vault:x", "env:A\n"):
            wrong = self.refused(made, credentials_ref=reference)
            self.assertEqual(list(wrong), ["credentials_ref"], reference)
            self.assertNotIn("ghp_", str(wrong))
        for reference in ("", "env:GIT_TOKEN", "file:git.one-2"):
            self.assertEqual(self.refused(made, credentials_ref=reference), {})

    def test_another_fabric(self) -> None:
        """A link stays that of its fabric; a number can be asked for until there is one."""
        made, known = link(), registered()
        for one in (made, known):
            self.assertEqual(list(self.refused(one, object_id=fabric().pk)), ["object_id"])
            other = ContentType.objects.get(app_label="dcim", model="site")
            self.assertEqual(list(self.refused(one, object_type=other)), ["object_type"])
        self.assertEqual(self.refused(made, requested_fabric_id=7), {})
        self.assertEqual(list(self.refused(made, requested_fabric_id=0)), ["requested_fabric_id"])
        self.assertEqual(list(self.refused(known, requested_fabric_id=7)), ["requested_fabric_id"])

    def test_what_is_emptied(self) -> None:
        """FGD Sync keeps what it was told."""
        made, known = link(credentials_ref="env:A"), registered(credentials_ref="env:A")
        self.assertEqual(self.refused(made, credentials_ref=""), {})
        for name in ("credentials_ref", "repository_url", "gitops_directory"):
            self.assertEqual(list(self.refused(known, **{name: ""})), [name])


class WithoutHedgehogTest(TestCase):
    """Links that stay where the Hedgehog NetBox Plugin is taken out."""

    def setUp(self) -> None:
        """Have a link of a type that nothing is installed for."""
        super().setUp()
        self.allow("view", "add", "change", "delete")
        self.link = registered()
        gone = ContentType.objects.create(app_label="gone", model="fabric")
        FabricLink.objects.filter(pk=self.link.pk).update(object_type=gone)
        self.link = FabricLink.objects.get(pk=self.link.pk)
        self.other = link()
        self.configure(fabric_model="gone.Fabric")

    def address(self, name: str, *args: object) -> str:
        """Return the address of a page."""
        return reverse(f"plugins:netbox_fgd_sync:fabriclink{name}", args=args)

    def test_pages(self) -> None:
        """All can be seen, and the link deleted."""
        self.assertIsNone(self.link.record)
        name = f"fabric {self.link.object_id}"
        self.assertEqual(str(self.link), name)
        for page in ("", "_edit", "_changelog", "_delete"):
            self.assertContains(self.client.get(self.address(page, self.link.pk)), name)
        self.assertContains(self.client.get(self.address("_list")), name)
        self.assertContains(self.client.get(self.address("_list")), str(self.other))
        self.client.post(self.address("_delete", self.link.pk), {"confirm": True})
        self.assertEqual(list(FabricLink.objects.all()), [self.other])

    def test_nothing_can_be_changed(self) -> None:
        """The form says why."""
        values = {
            "repository_url": self.link.repository_url,
            "branch": "other",
            "gitops_directory": self.link.gitops_directory,
            "direction": "both",
            "conflict_winner": "hold",
        }
        answer = self.client.post(self.address("_edit", self.link.pk), values)
        self.assertContains(answer, "The plugin gone of its record is not installed")

    def test_the_api(self) -> None:
        """It has links without records."""
        url = reverse("plugins-api:netbox_fgd_sync-api:fabriclink-list")
        shown = {one["id"]: one for one in self.client.get(url).json()["results"]}
        self.assertIsNone(shown[self.link.pk]["record"])
        self.assertEqual(shown[self.link.pk]["display"], f"fabric {self.link.object_id}")
        self.assertEqual(shown[self.other.pk]["record"]["display"], str(self.other))

    def test_the_widget(self) -> None:
        """It shows links without records."""
        request = self.client.get(self.address("_list")).wsgi_request
        self.assertIn(f"fabric {self.link.object_id}", FabricsWidget().render(request))


class FrozenFormTest(TestCase):
    """Forms of a link that FGD Sync knows."""

    def setUp(self) -> None:
        """Let the user change links."""
        super().setUp()
        self.allow("view", "add", "change")
        self.allow("view", model=apps.get_model("netbox_hedgehog", "HedgehogFabric"))
        self.link = registered()

    def test_the_form_of_one(self) -> None:
        """What is sent of a field that can't be changed is not heard."""
        url = reverse("plugins:netbox_fgd_sync:fabriclink_edit", args=[self.link.pk])
        values = {
            "repository_url": self.link.repository_url,
            "branch": "other",
            "gitops_directory": "one",
            "direction": "both",
            "conflict_winner": "hold",
            "requested_fabric_id": 5,
            "fabric_id": 5,
            "object_id": fabric().pk,
        }
        self.assertEqual(self.client.post(url, values).status_code, HTTPStatus.FOUND)
        known = self.link.fabric_id, self.link.object_id
        self.link.refresh_from_db()
        self.assertEqual((self.link.branch, self.link.requested_fabric_id), ("other", None))
        self.assertEqual((self.link.fabric_id, self.link.object_id), known)

    def test_the_import(self) -> None:
        """It moves no link to another fabric."""
        url = reverse("plugins:netbox_fgd_sync:fabriclink_bulk_import")
        other, known = fabric(), self.link.object_id
        for line in (f"id,record\n{self.link.pk},{other}", f"id,requested_fabric_id\n{self.link.pk},5"):
            sent = {"data": line, "format": "csv", "csv_delimiter": ",", "import_method": "direct"}
            self.assertContains(self.client.post(url, sent), "A link stays that of its fabric")
            self.link.refresh_from_db()
            self.assertEqual((self.link.object_id, self.link.requested_fabric_id), (known, None))
