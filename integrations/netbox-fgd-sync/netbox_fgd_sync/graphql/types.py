"""What is shown of links."""

from typing import TYPE_CHECKING, Annotated

import strawberry
import strawberry_django
from netbox.graphql.types import PrimaryObjectType, register_type

from .. import models
from .filters import FabricLinkFilter

if TYPE_CHECKING:
    from netbox.graphql.types import ContentTypeType

__all__ = ("FabricLinkType",)


@register_type(
    models.FabricLink,
    exclude=["applied", "jobs", "owed_events", "requested_by"],
    filters=FabricLinkFilter,
    pagination=True,
)
class FabricLinkType(PrimaryObjectType):
    """A link, and what is known of its fabric."""

    @strawberry_django.field(only=["object_type", "object_id"], prefetch_related=["record"])
    def display(self) -> str:
        """Return what the fabric is called. The names of all are fetched at once."""
        return str(self)

    object_type: Annotated["ContentTypeType", strawberry.lazy("netbox.graphql.types")]
