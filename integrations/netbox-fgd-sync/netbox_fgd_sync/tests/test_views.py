"""What NetBox tries on the pages of each of its models: forms, lists, imports, changes of many, and exports."""

from typing import Any, ClassVar

from utilities.testing import ViewTestCases

from ..models import FabricLink
from .base import WithService, fabric, link

REPOSITORY = "https://git.example.com/new.git"


class FabricLinkViewTest(WithService, ViewTestCases.PrimaryObjectViewTestCase):
    """All of that, with and without permissions, and with constraints."""

    model = FabricLink
    validation_excluded_fields: ClassVar[list[str]] = ["record"]  # a field of the form alone
    bulk_edit_data: ClassVar[dict[str, Any]] = {"branch": "release", "conflict_winner": "git_wins"}

    @classmethod
    def setUpTestData(cls) -> None:
        """Make links, and fabrics for others."""
        made = [link() for _ in range(3)]
        records = [fabric() for _ in range(4)]
        cls.form_data = {
            "record": records[0].pk,
            "repository_url": REPOSITORY,
            "branch": "other",
            "gitops_directory": "new",
            "direction": "git_to_netbox",
            "conflict_winner": "hold",
            "enabled": True,
            "description": "Said in the form.",
        }
        cls.csv_data = (
            "record,repository_url,gitops_directory,direction,description",
            *(f"{record},{REPOSITORY},new/{record},git_to_netbox,Imported" for record in records[1:]),
        )
        cls.csv_update_data = ("id,branch", *(f"{one.pk},imported" for one in made))

    def _get_base_url(self) -> str:
        return "plugins:netbox_fgd_sync:fabriclink_{}"
