"""Words that links are described with."""

import strawberry

from ..choices import DirectionChoices, StateChoices, WinnerChoices

__all__ = ("FabricLinkDirectionEnum", "FabricLinkStateEnum", "FabricLinkWinnerEnum")

FabricLinkDirectionEnum = strawberry.enum(DirectionChoices.as_enum())
FabricLinkStateEnum = strawberry.enum(StateChoices.as_enum())
FabricLinkWinnerEnum = strawberry.enum(WinnerChoices.as_enum())
