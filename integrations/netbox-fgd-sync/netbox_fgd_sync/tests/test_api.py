"""Links in the REST API and in GraphQL, and syncs that are started by it."""

from typing import Any

from django.urls import reverse
from utilities.testing import APIViewTestCases

from ..graphql.types import FabricLinkType
from ..models import FabricLink
from .base import APITestCase, WithService, fabric, link, registered
from .service import Answer, refusal

FABRIC = "netbox_hedgehog.hedgehogfabric"
STARTED = {
    "success": True,
    "sync_id": "s-1",
    "status": "started",
    "status_url": "https://fgd.example.com/api/v1/syncs/s-1",
    "websocket_url": "wss://fgd.example.com/api/v1/syncs/s-1/events",
    "message": "Started.",
}


class FabricLinkAPITest(WithService, APIViewTestCases.APIViewTestCase):
    """What NetBox tries on each of its models."""

    model = FabricLink
    view_namespace = "plugins-api:netbox_fgd_sync"
    brief_fields = ["description", "display", "id", "object_id", "object_type", "state", "url"]  # noqa: RUF012
    bulk_update_data = {"description": "Said of all."}  # noqa: RUF012
    update_data = {"branch": "other", "enabled": False}  # noqa: RUF012
    type_class = FabricLinkType
    graphql_base_name = "fabric_link"

    @classmethod
    def setUpTestData(cls) -> None:
        """Make links, and fabrics for others."""
        for _ in range(3):
            link()
        cls.create_data = [
            {
                "object_type": FABRIC,
                "object_id": fabric().pk,
                "repository_url": "https://git.example.com/new.git",
                "gitops_directory": f"new/{number}",
                "direction": "git_to_netbox",
            }
            for number in range(3)
        ]

    def setUp(self) -> None:
        """Let the user see fabrics."""
        super().setUp()
        self.allow("view", model=type(fabric()))


class ConstraintTest(APITestCase):
    """Permissions that are for some links alone."""

    def test_other_links(self) -> None:
        """They can be neither read, changed nor deleted, and none can be made that is one of them."""
        self.allow("view", model=type(fabric()))
        self.allow("view", "add", "change", "delete", constraints={"branch": "main"})
        own, other = link(), link(branch="other")
        urls = [reverse("plugins-api:netbox_fgd_sync-api:fabriclink-detail", args=[of.pk]) for of in (own, other)]
        body = {"object_type": FABRIC, "object_id": fabric().pk, "repository_url": "a:b", "gitops_directory": "d"}
        made = reverse("plugins-api:netbox_fgd_sync-api:fabriclink-list")
        for url, status in zip(urls, (200, 404), strict=True):
            self.assertHttpStatus(self.client.get(url, **self.header), status)
            change = self.client.patch(url, {"description": "x"}, format="json", **self.header)
            self.assertHttpStatus(change, status)
        self.assertHttpStatus(self.client.patch(urls[0], {"branch": "b"}, format="json", **self.header), 403)
        self.assertHttpStatus(self.client.delete(urls[1], **self.header), 404)
        self.assertHttpStatus(self.client.post(made, {**body, "branch": "b"}, format="json", **self.header), 403)
        self.assertHttpStatus(self.client.post(made, body, format="json", **self.header), 201)
        self.assertHttpStatus(self.client.delete(urls[0], **self.header), 204)
        self.assertEqual({of.branch for of in FabricLink.objects.all()}, {"main", "other"})


class WrongLinkTest(APITestCase):
    """What may not be said of a link."""

    def post(self, **changed: Any) -> Any:
        """Make a link by the API."""
        body = {"object_type": FABRIC, "repository_url": "https://git.example.com/a.git", "gitops_directory": "a"}
        url = reverse("plugins-api:netbox_fgd_sync-api:fabriclink-list")
        return self.client.post(url, {**body, **changed}, format="json", **self.header)

    def test_other_things_than_fabrics(self) -> None:
        """Only a fabric has a link, one that is there, and that the user may see."""
        self.allow("add")
        number = fabric().pk
        self.assertIn("object_id", self.post(object_id=number).json())
        self.allow("view", model=type(fabric()))
        self.assertIn("object_type", self.post(object_type="dcim.site", object_id=number).json())
        self.assertIn("object_id", self.post(object_id=999999).json())
        self.assertIn("gitops_directory", self.post(object_id=number, gitops_directory="").json())
        self.assertHttpStatus(self.post(object_id=number), 201)
        self.assertHttpStatus(self.post(object_id=number), 400)

    def test_what_is_known_can_not_be_said(self) -> None:
        """Cached fields are there to read."""
        self.allow("add", "view")
        self.allow("view", model=type(fabric()))
        answer = self.post(object_id=fabric().pk, state="in_sync", error="x", counts={"held": 1}, fabric_id=5)
        self.assertHttpStatus(answer, 201)
        made = FabricLink.objects.get(pk=answer.json()["id"])
        self.assertEqual((made.state, made.error, made.counts, made.fabric_id), ("unregistered", "", {}, None))
        self.assertEqual(answer.json()["record"]["display"], str(made.record))

    def test_a_registered_link_stays_with_its_fabric(self) -> None:
        """Neither another record nor another number can be given to it."""
        self.allow("change")
        self.allow("view", model=type(fabric()))
        known = registered()
        url = reverse("plugins-api:netbox_fgd_sync-api:fabriclink-detail", args=[known.pk])
        for body in ({"object_id": fabric().pk}, {"requested_fabric_id": 4711}):
            answer = self.client.patch(url, body, format="json", **self.header)
            self.assertHttpStatus(answer, 400)
            self.assertIn(next(iter(body)), answer.json())
        self.assertHttpStatus(self.client.patch(url, {"branch": "x"}, format="json", **self.header), 200)

    def test_a_link_without_its_record(self) -> None:
        """One whose record was deleted behind Django's back can still be read."""
        self.allow("view")
        lost = link()
        FabricLink.objects.filter(pk=lost.pk).update(object_id=999999)
        url = reverse("plugins-api:netbox_fgd_sync-api:fabriclink-detail", args=[lost.pk])
        self.assertIsNone(self.client.get(url, **self.header).json()["record"])


class SyncTest(APITestCase):
    """POST links/{id}/sync/."""

    def setUp(self) -> None:
        """Have a fabric that can be synced."""
        super().setUp()
        self.link = registered()
        self.path = f"fabrics/{self.link.fabric_id}/syncs"
        self.service.on("POST", self.path, STARTED)

    def post(self, of: FabricLink | None = None, **body: Any) -> Any:
        """Start a sync by the API."""
        url = reverse("plugins-api:netbox_fgd_sync-api:fabriclink-sync", args=[(of or self.link).pk])
        return self.client.post(url, body, format="json", **self.header)

    def test_permissions(self) -> None:
        """Nothing but the permission to sync lets somebody sync, and where its constraints hold."""
        self.assertHttpStatus(self.post(), 403)
        self.allow("view", "add", "change", "delete", "resolve", "release")
        self.assertHttpStatus(self.post(), 403)
        self.allow("sync", constraints={"branch": "other"})
        self.assertHttpStatus(self.post(), 403)
        self.assertEqual(self.service.asked, [])
        self.allow("sync", constraints={"branch": "main"})
        self.assertHttpStatus(self.post(), 202)

    def test_a_token_that_may_not_write(self) -> None:
        """A token for reading starts nothing."""
        self.allow("sync")
        self.token.write_enabled = False
        self.token.save()
        self.assertHttpStatus(self.post(), 403)

    def test_started(self) -> None:
        """The answer says where it can be followed, and the sync is in the name of the user."""
        self.allow("sync")
        answer = self.post()
        self.assertHttpStatus(answer, 202)
        expected = {name: STARTED[name] for name in ("sync_id", "status", "status_url", "websocket_url")}
        self.assertEqual(answer.json(), expected)
        (asked,) = self.service.asked
        self.assertEqual(asked.headers["x-requested-by"], self.user.username)
        self.assertEqual(asked.body, {"options": {"validate_only": False}})
        self.link.refresh_from_db()
        self.assertEqual((self.link.state, self.link.sync_id), ("syncing", "s-1"))

    def test_dry_run(self) -> None:
        """A dry run leaves the link as it is, and what is no truth value is refused."""
        self.allow("sync")
        self.assertHttpStatus(self.post(dry_run=True), 202)
        self.assertEqual(self.service.asked[0].body, {"options": {"validate_only": True}})
        self.link.refresh_from_db()
        self.assertEqual(self.link.state, "in_sync")
        self.assertHttpStatus(self.post(dry_run="perhaps"), 400)

    def test_refusals(self) -> None:
        """They keep their words, and get a status that fits."""
        self.allow("sync")
        for theirs, ours in ((400, 409), (401, 502), (403, 502), (404, 409), (409, 409), (429, 429), (500, 502)):
            self.service.on("POST", self.path, refusal(theirs, "FGD_3011", "It is suspended.", "Resume it."))
            answer = self.post()
            self.assertHttpStatus(answer, ours)
            self.assertEqual(answer.json(), {"detail": "It is suspended.", "remedy": "Resume it.", "code": "FGD_3011"})
        self.service.on("POST", self.path, Answer(b"<html>", 200))
        self.assertHttpStatus(self.post(), 502)

    def test_no_number(self) -> None:
        """There is no such link."""
        self.allow("sync")
        url = reverse("plugins-api:netbox_fgd_sync-api:fabriclink-sync", args=["abc"])
        self.assertHttpStatus(self.client.post(url, format="json", **self.header), 404)

    def test_not_registered(self) -> None:
        """What FGD Sync does not know yet can't be synced."""
        self.allow("sync")
        self.assertHttpStatus(self.post(of=link()), 409)
        self.assertEqual(self.service.asked, [])

    def test_away(self) -> None:
        """Nobody waits for a service that is away."""
        self.allow("sync")
        self.service.refuse()
        answer = self.post()
        self.assertHttpStatus(answer, 503)
        self.assertIn("does not answer", answer.json()["detail"])
        self.assertTrue(answer.json()["remedy"])
        self.configure(url="")
        self.assertHttpStatus(self.post(), 503)


class SchemaTest(APITestCase):
    """NetBox's description of its API."""

    def test_there_are_no_warnings_of_ours(self) -> None:
        """It is made, and describes links."""
        from drf_spectacular.drainage import GENERATOR_STATS
        from drf_spectacular.generators import SchemaGenerator

        with GENERATOR_STATS.silence():
            schema = SchemaGenerator().get_schema(request=None, public=True)
        said = [str(line) for kind in (GENERATOR_STATS._warn_cache, GENERATOR_STATS._error_cache) for line in kind]
        self.assertEqual([line for line in said if "/netbox_fgd_sync/" in line], [])
        self.assertIn("/api/plugins/fgd-sync/links/{id}/sync/", schema["paths"])
        self.assertIn("FabricLink", schema["components"]["schemas"])
