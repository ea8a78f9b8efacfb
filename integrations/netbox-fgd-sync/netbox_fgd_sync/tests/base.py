"""What tests of the plugin have in common: an FGD Sync, fabrics, links, and people who may do something."""

import itertools
import tempfile
from pathlib import Path
from typing import Any

from core.models import ObjectType
from django.apps import apps
from django.conf import settings
from django.core.cache import cache
from django.db.models import Model
from django.test import override_settings
from users.models import ObjectPermission, User
from utilities.testing import APITestCase as NetBoxAPITestCase
from utilities.testing import TestCase as NetBoxTestCase

from ..models import FabricLink
from .service import Service

TOKEN = "a-token-of-the-tests"  # noqa: S105  # nobody takes it
PLUGIN = "netbox_fgd_sync"

numbers = itertools.count(1)


def fabric(**fields: Any) -> Model:
    """Make a fabric of HNP."""
    model = apps.get_model("netbox_hedgehog", "HedgehogFabric")
    return model.objects.create(**{"name": f"fabric-{next(numbers)}", **fields})


def resource(kind: str, of: Model, **fields: Any) -> Model:
    """Make a record of HNP in a fabric."""
    model = apps.get_model("netbox_hedgehog", kind)
    return model.objects.create(**{"fabric": of, "name": f"record-{next(numbers)}", "spec": {"a": 1}, **fields})


def link(record: Model | None = None, **fields: Any) -> FabricLink:
    """Make a link of a fabric; of one that is made for it, where none is given."""
    usual = {"repository_url": "https://git.example.com/fabrics.git", "gitops_directory": "one"}
    return FabricLink.objects.create(record=record or fabric(), **{**usual, **fields})


def registered(record: Model | None = None, **fields: Any) -> FabricLink:
    """Make a link of a fabric that FGD Sync knows already, and was told everything of."""
    made = link(record, **{"state": "in_sync", **fields})
    known = {"applied": made.wanted(), "fabric_id": made.fabric_id or made.object_id}
    FabricLink.objects.filter(pk=made.pk).update(**known)
    made.refresh_from_db()
    return made


def allow(user: User, *actions: str, model: type[Model] = FabricLink, constraints: Any = None) -> ObjectPermission:
    """Let somebody do something with objects of a model, or with those alone that meet constraints."""
    permission = ObjectPermission.objects.create(
        name=f"permission {next(numbers)}", actions=list(actions), constraints=constraints
    )
    permission.object_types.set([ObjectType.objects.get_for_model(model)])
    permission.users.set([user])
    return permission


class WithService:
    """Runs an FGD Sync while a test runs, and has NetBox know where it is."""

    service: Service
    user: User

    def setUp(self) -> None:
        """Start it."""
        self.service = Service()
        self.addCleanup(self.service.stop)  # type: ignore[attr-defined]
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)  # type: ignore[attr-defined]
        token = Path(folder.name) / "token"
        token.write_text(TOKEN + "\n", encoding="utf-8")
        self.configure(url=self.service.url, token_ref=f"file:{token}")
        cache.clear()
        super().setUp()  # type: ignore[misc]

    def configure(self, **changed: Any) -> None:
        """Change the configuration of the plugin, until the test has ended."""
        known = settings.PLUGINS_CONFIG
        override = override_settings(PLUGINS_CONFIG={**known, PLUGIN: {**known[PLUGIN], **changed}})
        override.enable()
        self.addCleanup(override.disable)  # type: ignore[attr-defined]

    def allow(self, *actions: str, model: type[Model] = FabricLink, constraints: Any = None) -> ObjectPermission:
        """Let the user of the test do something."""
        return allow(self.user, *actions, model=model, constraints=constraints)


class TestCase(WithService, NetBoxTestCase):
    """A test of pages, and of what has none. Its client is logged in as self.user, who may do nothing yet.

    What is to run after a commit does so within `with self.captureOnCommitCallbacks(execute=True)`.
    """


class APITestCase(WithService, NetBoxAPITestCase):
    """A test of the API. Its client has self.header, which is of self.user, who may do nothing yet."""
