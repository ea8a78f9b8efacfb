"""Links of fabrics that FGD Sync knows already, and who may have them."""

from typing import Any
from uuid import uuid4

from core.models import ObjectChange
from django.test import override_settings
from netbox.context_managers import event_tracking
from users.models import User
from utilities.request import NetBoxFakeRequest

from .. import registration, syncing
from ..client import FGDSyncError
from ..models import FabricLink
from .base import TestCase, fabric, link, registered
from .service import created, refusal

TAKEN = refusal(409, "FGD_3008", "Fabric 1 is registered already.", "Use another number and name.")


class AdoptTest(TestCase):
    """A fabric that FGD Sync knows already."""

    def known(self, of: FabricLink, **changed: Any) -> None:
        """Have FGD Sync know it."""
        number = of.requested_fabric_id or of.object_id
        there = {
            "fabric_id": number,
            "repository_url": "https://git.example.com/fabrics",
            "branch": "main",
            "gitops_directory": "one/",
            "netbox": {"fabric": of.object_id},
            **changed,
        }
        self.service.on("POST", "fabrics", TAKEN).on("GET", f"fabrics/{number}", there)
        self.service.on("PATCH", f"fabrics/{number}", there)

    def test_the_same(self) -> None:
        """One with the same repository and directory is taken over; a slash or .git at the end is no difference."""
        made = link(branch="b", credentials_ref="env:GIT")
        self.known(made)
        registration.apply(made)
        (patch,) = self.service.requests("PATCH")
        self.assertEqual(
            patch.body,
            {
                "netbox": {"direction": "both", "conflict_winner": "hold"},
                "branch": "b",
                "credentials": {"ref": "env:GIT"},
            },
        )
        made.refresh_from_db()
        self.assertEqual((made.fabric_id, made.state, made.applied), (made.object_id, "never_synced", made.wanted()))

    def test_a_number_alone(self) -> None:
        """What the link leaves empty is filled in from the answer, and nothing is made."""
        made = link(requested_fabric_id=7, repository_url="", gitops_directory="")
        self.known(made, branch="prod")
        registration.apply(made)
        self.assertEqual(self.service.requests("POST"), [])
        (patch,) = self.service.requests("PATCH")
        self.assertEqual(patch.body, {"netbox": {"direction": "both", "conflict_winner": "hold"}})
        made.refresh_from_db()
        self.assertEqual(made.repository_url, "https://git.example.com/fabrics")
        self.assertEqual((made.branch, made.gitops_directory), ("prod", "one/"))
        self.assertEqual(made.applied, made.wanted())

    def test_what_is_not_for_the_record(self) -> None:
        """It is left alone, whoever asks for it, and nothing is said or shown of it."""
        self.allow("view", "add", "change", "sync", "resolve", "release")
        for netbox in (None, {}, {"fabric": 999999}):
            made = link(requested_fabric_id=77, requested_by=self.user)
            self.known(made, netbox=netbox)
            with self.assertRaises(FGDSyncError):
                registration.apply(made, self.user)
            made.refresh_from_db()
            self.assertIn("permission adopt", made.error)
            self.assertNotIn("git.example.com", made.error)
            self.assertEqual((made.fabric_id, made.applied), (None, {}))
            self.assertFalse(registration.waits(made))
            with self.assertRaises(FGDSyncError):
                syncing.start(made, self.user)
        self.assertEqual(self.service.requests("PATCH"), [])
        self.assertEqual(self.service.requests("POST", "fabrics/77/syncs"), [])

    def test_adopted_by_who_may(self) -> None:
        """The permission to adopt is that of the link: its constraints hold."""
        made = link(requested_fabric_id=77, requested_by=self.user)
        other = link(requested_fabric_id=78, requested_by=self.user)
        self.allow("adopt", constraints={"object_id": made.object_id})
        for one in (made, other):
            self.known(one, netbox=None)
        registration.apply(made)  # as the job of each minute does
        (patch,) = self.service.requests("PATCH", "fabrics/77")
        self.assertEqual(patch.body["netbox"]["fabric"], made.object_id)
        self.assertEqual(made.fabric_id, 77)
        with self.assertRaisesMessage(FGDSyncError, "not for this record"):
            registration.apply(other, self.user)

    def test_who_saves_it_lends_nothing(self) -> None:
        """A link that somebody has made who may not adopt gets no fabric by one who may, and changes something else."""
        boss = User.objects.create(username="boss", is_superuser=True)
        made = link(requested_fabric_id=77, requested_by=self.user, repository_url="", gitops_directory="")
        self.known(made, netbox={"fabric": 999999})
        made.description = "Another."
        with event_tracking(NetBoxFakeRequest({"user": boss, "id": uuid4()})):
            made.save()
        with self.assertRaisesMessage(FGDSyncError, "not for this record"):
            registration.apply(made, boss)
        made.refresh_from_db()
        self.assertEqual((made.fabric_id, self.service.requests("PATCH")), (None, []))
        with event_tracking(NetBoxFakeRequest({"user": boss, "id": uuid4()})):
            made.requested_fabric_id = 78
            made.save()
        self.known(made, netbox={"fabric": 999999})
        registration.apply(made)
        self.assertEqual(made.fabric_id, 78)

    def test_who_is_not_active(self) -> None:
        """Nobody who was locked out adopts any more."""
        boss = User.objects.create(username="boss", is_superuser=True, is_active=False)
        made = link(requested_fabric_id=77, requested_by=boss)
        self.known(made, netbox=None)
        with self.assertRaisesMessage(FGDSyncError, "not for this record"):
            registration.apply(made)

    @override_settings(ALLOWED_HOSTS=["netbox.example.com"])
    def test_the_fabric_of_another_netbox(self) -> None:
        """It has a record of the same number there, and is not for this one."""
        made = link()
        for own, url, here in (
            ("", "https://NetBox.example.com:8443/netbox", True),
            ("", "https://staging.example.com", False),
            ("", "https://[", False),
            ("https://netbox.example.com/a/", "https://netbox.example.com/a", True),
            ("https://netbox.example.com/a", "https://netbox.example.com", False),
        ):
            self.configure(netbox_url=own)
            self.known(made, netbox={"url": url, "fabric": made.object_id})
            FabricLink.objects.filter(pk=made.pk).update(applied={}, fabric_id=None)
            if here:
                registration.apply(made)
                continue
            with self.assertRaisesMessage(FGDSyncError, "not for this record"):
                registration.apply(made)
        self.assertIn("--netbox-url https://netbox.example.com/a --netbox-fabric", made.error)

    def test_with_the_token_of_an_operator(self) -> None:
        """What FGD Sync has as the link says it is linked, and FGD Sync told nothing."""
        made = link()
        self.known(
            made,
            netbox={"fabric": made.object_id, "direction": "both", "conflict_winner": "hold"},
            credentials_configured=True,
        )
        for method, path in (("POST", "fabrics"), ("PATCH", f"fabrics/{made.object_id}")):
            self.service.on(method, path, refusal(403, "FGD_1003", "An operator may not.", "Ask an administrator."))
        registration.apply(made)
        self.assertEqual((made.fabric_id, made.applied), (made.object_id, made.wanted()))
        self.assertEqual(self.service.requests("PATCH"), [])
        other = link()
        with self.assertRaisesMessage(FGDSyncError, "An operator may not."):
            registration.apply(other)

    def test_a_place_that_is_too_long(self) -> None:
        """What no link can have is filled into none, and the fabric is not taken."""
        for place in ("x" * 501, "a\0b"):
            made = link(requested_fabric_id=7, repository_url="", gitops_directory="")
            self.known(made, gitops_directory=place)
            with self.assertRaisesMessage(FGDSyncError, "in a directory that a link can't have"):
                registration.apply(made)
            made.refresh_from_db()
            self.assertEqual((made.fabric_id, made.applied), (None, {}))
        self.assertEqual(self.service.requests("PATCH"), [])

    def test_adopted_in_its_place(self) -> None:
        """Who adopts a fabric does not move it."""
        self.allow("adopt")
        for place in ({"gitops_directory": "two"}, {"repository_url": "https://git.example.com/x"}):
            made = link(requested_by=self.user)
            self.known(made, netbox=None, **place)
            with self.assertRaisesMessage(FGDSyncError, "already, in "):
                registration.apply(made, self.user)
        self.assertEqual(self.service.requests("PATCH"), [])

    def test_our_own_in_another_place(self) -> None:
        """A fabric that was registered for the record goes where the link says: that was changed before the answer."""
        made = link(gitops_directory="two")
        self.known(made)
        registration.apply(made)
        (patch,) = self.service.requests("PATCH")
        self.assertEqual(patch.body["gitops_directory"], "two")
        self.assertEqual(made.applied, made.wanted())

    def test_what_is_filled_in_is_logged(self) -> None:
        """As a change of who saved the link."""
        made = link(requested_fabric_id=7, repository_url="", gitops_directory="")
        self.known(made, branch="prod", gitops_directory=7)
        registration.apply(made, self.user)
        made.refresh_from_db()
        self.assertEqual((made.branch, made.gitops_directory), ("prod", ""))
        (change,) = ObjectChange.objects.filter(changed_object_id=made.pk, action="update")
        self.assertEqual((change.user, change.prechange_data["branch"]), (self.user, "main"))
        self.assertEqual(change.postchange_data["branch"], "prod")

    def test_what_was_said_meanwhile_stays(self) -> None:
        """What somebody has changed while FGD Sync was asked is newer than what it has answered."""
        made = link(gitops_directory="")
        FabricLink.objects.filter(pk=made.pk).update(gitops_directory="newer")
        registration._fill_in(made, {"branch": "prod", "gitops_directory": "one"}, None)
        made.refresh_from_db()
        self.assertEqual((made.branch, made.gitops_directory), ("prod", "newer"))

    def test_the_name_is_taken(self) -> None:
        """Where the number is free it is the name that is taken, as FGD Sync has said."""
        self.service.on("POST", "fabrics", refusal(409, "FGD_3008", "The name belongs to fabric 9.", "Use another."))
        made = link()
        with self.assertRaisesMessage(FGDSyncError, "The name belongs to fabric 9."):
            registration.apply(made)

    def test_the_number_is_unknown(self) -> None:
        """A number without a repository has to be there."""
        made = link(requested_fabric_id=7, repository_url="", gitops_directory="")
        self.service.on("GET", "fabrics/7", refusal(404, "FGD_3006", "There is no fabric 7.", "Register it."))
        with self.assertRaisesMessage(FGDSyncError, "There is no fabric 7."):
            registration.apply(made)

    def test_another_link_has_the_number(self) -> None:
        """Two links are never of one fabric."""
        taken = registered()
        made = link(requested_fabric_id=taken.fabric_id)
        with self.assertRaisesMessage(FGDSyncError, "Another link"):
            registration.apply(made)
        self.assertEqual(self.service.asked, [])

    def test_another_link_asks_for_the_number(self) -> None:
        """Whoever merely asks for a number does not keep it from who has it."""
        self.service.on("POST", "fabrics", created)
        record = fabric()
        link(requested_fabric_id=record.pk)
        made = link(record)
        registration.apply(made)
        self.assertEqual(made.fabric_id, record.pk)

    def test_suspended_there(self) -> None:
        """What somebody has suspended is not resumed by the way: the link says that it is not enabled."""
        made = link()
        self.known(made, suspension={"reason": "works"})
        registration.apply(made)
        made.refresh_from_db()
        self.assertEqual((made.enabled, made.state), (False, "suspended"))
        self.assertEqual(made.applied, made.wanted())

    def test_not_enabled(self) -> None:
        """One that is adopted and not enabled is suspended."""
        made = link(enabled=False)
        self.known(made)
        self.service.on("POST", f"fabrics/{made.object_id}:suspend", {})
        registration.apply(made)
        (asked,) = self.service.requests("POST", f"fabrics/{made.object_id}:suspend")
        self.assertEqual(asked.body, {"reason": registration.WHY_SUSPENDED})
