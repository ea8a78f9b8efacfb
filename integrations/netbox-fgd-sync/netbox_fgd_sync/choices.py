"""Words that links of fabrics are described with. They are those of FGD Sync's API."""

from typing import Any, ClassVar

from utilities.choices import ChoiceSet


class DirectionChoices(ChoiceSet):
    """Which way changes go."""

    key = "FabricLink.direction"

    BOTH = "both"
    GIT_TO_NETBOX = "git_to_netbox"

    CHOICES: ClassVar[list[Any]] = [
        (BOTH, "Both ways", "green"),
        (GIT_TO_NETBOX, "From Git to NetBox", "blue"),
    ]


class WinnerChoices(ChoiceSet):
    """Who wins where both sides changed the same."""

    key = "FabricLink.conflict_winner"

    HOLD = "hold"
    GIT_WINS = "git_wins"
    HNP_WINS = "hnp_wins"

    CHOICES: ClassVar[list[Any]] = [
        (HOLD, "Nobody: somebody settles it", "cyan"),
        (GIT_WINS, "Git", "orange"),
        (HNP_WINS, "NetBox", "purple"),
    ]


class StateChoices(ChoiceSet):
    """How a fabric is, as far as is known."""

    UNREGISTERED = "unregistered"
    NEVER_SYNCED = "never_synced"
    SYNCING = "syncing"
    IN_SYNC = "in_sync"
    ATTENTION = "attention"
    FAILED = "failed"
    SUSPENDED = "suspended"

    CHOICES: ClassVar[list[Any]] = [
        (UNREGISTERED, "Not registered yet", "gray"),
        (NEVER_SYNCED, "Never synced", "gray"),
        (SYNCING, "Syncing", "blue"),
        (IN_SYNC, "In sync", "green"),
        (ATTENTION, "Needs attention", "orange"),
        (FAILED, "Failed", "red"),
        (SUSPENDED, "Suspended", "yellow"),
    ]
