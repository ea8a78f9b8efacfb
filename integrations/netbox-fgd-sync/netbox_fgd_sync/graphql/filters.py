"""How links are chosen."""

from typing import TYPE_CHECKING, Annotated

import strawberry
import strawberry_django
from netbox.graphql.filters import PrimaryModelFilter, register_filter
from strawberry.scalars import ID
from strawberry_django import BaseFilterLookup, FilterLookup, StrFilterLookup

from .. import models

if TYPE_CHECKING:
    from core.graphql.filters import ContentTypeFilter
    from netbox.graphql.filter_lookups import IntegerLookup

    from .enums import FabricLinkDirectionEnum, FabricLinkStateEnum, FabricLinkWinnerEnum

__all__ = ("FabricLinkFilter",)

ENUMS = strawberry.lazy("netbox_fgd_sync.graphql.enums")


@register_filter(models.FabricLink, lookups=True)
class FabricLinkFilter(PrimaryModelFilter):
    """By what people say of a link, and by how its fabric is."""

    object_type: Annotated["ContentTypeFilter", strawberry.lazy("core.graphql.filters")] | None = (
        strawberry_django.filter_field()
    )
    object_id: ID | None = strawberry_django.filter_field()
    repository_url: StrFilterLookup | None = strawberry_django.filter_field()
    branch: StrFilterLookup | None = strawberry_django.filter_field()
    gitops_directory: StrFilterLookup | None = strawberry_django.filter_field()
    direction: BaseFilterLookup[Annotated["FabricLinkDirectionEnum", ENUMS]] | None = strawberry_django.filter_field()
    conflict_winner: BaseFilterLookup[Annotated["FabricLinkWinnerEnum", ENUMS]] | None = (
        strawberry_django.filter_field()
    )
    enabled: FilterLookup[bool] | None = strawberry_django.filter_field()
    fabric_id: Annotated["IntegerLookup", strawberry.lazy("netbox.graphql.filter_lookups")] | None = (
        strawberry_django.filter_field()
    )
    state: BaseFilterLookup[Annotated["FabricLinkStateEnum", ENUMS]] | None = strawberry_django.filter_field()
