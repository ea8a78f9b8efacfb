"""Queries."""

import strawberry
import strawberry_django

from .types import FabricLinkType


@strawberry.type(name="Query")
class FabricLinkQuery:
    """One link, or those that a filter finds."""

    fabric_link: FabricLinkType = strawberry_django.field()
    fabric_link_list: list[FabricLinkType] = strawberry_django.field()


schema = [FabricLinkQuery]
