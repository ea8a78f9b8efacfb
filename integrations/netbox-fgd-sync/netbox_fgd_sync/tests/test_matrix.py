"""Who may see and do what: each page and each endpoint, with each permission, on this link and on others."""

from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any

from django.db import models, transaction
from django.urls import URLPattern, URLResolver, reverse

from .. import urls
from ..api import urls as api_urls
from ..models import ChangeRecord, FabricLink
from . import answers
from .base import APITestCase, fabric, registered
from .test_pages import ACTIONS, HTMX, PANELS, PageTestCase

GRANTS = ("view", "add", "change", "delete", "sync", "resolve", "release", "adopt", "act_as")
REFUSALS = (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)

# Pages that NetBox has of each of its models, by what they take.
USUAL = {
    "edit": "change",
    "delete": "delete",
    "changelog": "view",
    "journal": "view",
    "jobs": "view",
}
LISTS = {"list": "view", "add": "add", "bulk_import": "add", "bulk_edit": "change", "bulk_delete": "delete"}

# Endpoints of links, by what they take.
ENDPOINTS = {
    ("get", "fabriclink-list"): "view",
    ("post", "fabriclink-list"): "add",
    ("patch", "fabriclink-list"): "change",
    ("delete", "fabriclink-list"): "delete",
    ("get", "fabriclink-detail"): "view",
    ("patch", "fabriclink-detail"): "change",
    ("put", "fabriclink-detail"): "change",
    ("delete", "fabriclink-detail"): "delete",
    ("post", "fabriclink-sync"): "sync",
}


def names(patterns: list[Any]) -> Iterator[str]:
    """Yield the names of routes."""
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from names(pattern.url_patterns)
        elif isinstance(pattern, URLPattern) and pattern.name:
            yield pattern.name


class Matrix:
    """Tries something with the permissions that it needs, with all but one of them, and with constraints."""

    link: FabricLink
    allow: Callable[..., Any]
    assertEqual: Callable[..., None]  # noqa: N815  # a name of unittest

    def granted(self, attempt: Callable[[], int], *actions: str, **kwargs: Any) -> bool:
        """Report whether an attempt is let through for who may do so much. What it does is taken back."""
        permission = self.allow(*actions, **kwargs) if actions else None
        with transaction.atomic():
            status = attempt()
            transaction.set_rollback(True)
        if permission:
            permission.delete()
        return status not in REFUSALS

    def check(
        self, what: Any, needed: set[str], attempt: Callable[[], int], one: bool, model: type[models.Model] = FabricLink
    ) -> None:
        """Fail unless something is let through for who has the permissions that it needs, and for nobody else.

        Who has all others is refused, and so is, as permissions only ever add, who has some of them.
        """
        actions = GRANTS if model is FabricLink else ("view",)
        others = [[grant for grant in actions if grant != missing] for missing in needed]
        for may in ([], [*needed], *others):
            let = self.granted(attempt, *may, model=model)
            self.assertEqual(let, needed <= set(may), (what, may))
        if one:
            for pk, let in ((self.link.pk, True), (self.link.pk + 1, False)):
                self.assertEqual(self.granted(attempt, *actions, constraints={"pk": pk}), let, (what, pk))


class PagesTest(Matrix, PageTestCase):
    """All pages and buttons."""

    def test_pages(self) -> None:
        """Of each route."""
        of_links = {f"fabriclink_{name}" for name in (*USUAL, *LISTS, *PANELS, *ACTIONS)}
        self.assertEqual(set(names(urls.urlpatterns)), {"fabriclink", "changerecord_list", *of_links})
        self.allow("view", model=type(fabric()))
        for name, action in LISTS.items():
            address = reverse(f"plugins:netbox_fgd_sync:fabriclink_{name}")
            self.check(name, {action}, self.getting(address), one=False)
        for name, action in {**USUAL, "": "view"}.items():
            self.check(name, {action}, self.getting(self.address(name)), one=True)
        address = reverse("plugins:netbox_fgd_sync:changerecord_list")
        self.check(address, {"view"}, self.getting(address), one=False, model=ChangeRecord)
        for name, kwargs in PANELS.items():
            self.check(name, {"view"}, self.getting(self.address(name, **kwargs)), one=True)
        self.assertTrue(self.granted(self.getting(self.link.record.get_absolute_url()), *GRANTS))  # HNP's page
        self.assertTrue(self.granted(self.getting(reverse("home")), *GRANTS))
        self.assertEqual(self.service.requests(), [], "a page asked FGD Sync, and would wait for it")
        for name, kwargs in PANELS.items():
            self.check(name, {"view"}, self.getting(self.address(name, **kwargs), **HTMX), one=True)

    def test_buttons(self) -> None:
        """Of each that has something done."""
        for name, (permission, kwargs, sent) in ACTIONS.items():
            needed = {permission, "view"} if permission == "resolve" else {permission}
            address = self.address(name, **kwargs)

            def press(address: str = address, sent: dict[str, Any] = sent) -> int:
                return int(self.client.post(address, sent).status_code)

            self.check(name, needed, press, one=True)

    def getting(self, address: str, **headers: str) -> Callable[[], int]:
        """Return what gets a page."""
        return lambda: int(self.client.get(address, **headers).status_code)


class EndpointsTest(Matrix, APITestCase):
    """All endpoints."""

    def setUp(self) -> None:
        """Have a link that can be synced."""
        super().setUp()
        self.link = registered()
        answers.tell(self.service, self.link)
        self.allow("view", model=type(fabric()))

    def test_links(self) -> None:
        """Of each route."""
        known = {name for _, name in ENDPOINTS} | {"apply", "changes", "probe", "api-root"}
        self.assertEqual(set(names(api_urls.urlpatterns)), known)
        for (method, name), action in ENDPOINTS.items():
            one = name != "fabriclink-list"
            address = reverse(f"plugins-api:netbox_fgd_sync-api:{name}", args=[self.link.pk] if one else [])
            self.check((method, name), {action}, self.asking(method, address), one)

    def test_the_feed(self) -> None:
        """It takes the permission to view changes, and none of links."""
        for name in ("changes", "probe"):
            address = reverse(f"plugins-api:netbox_fgd_sync-api:{name}")
            self.check(name, {"view"}, self.asking("get", address), one=False, model=ChangeRecord)
            self.assertEqual(self.granted(self.asking("get", address), *GRANTS), False)

    def asking(self, method: str, address: str) -> Callable[[], int]:
        """Return what sends a request."""
        if method == "get":
            return lambda: int(self.client.get(address, **self.header).status_code)
        body: Any = [] if address.endswith("/links/") else {}
        return lambda: int(getattr(self.client, method)(address, body, format="json", **self.header).status_code)
