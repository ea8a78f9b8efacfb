"""Pages."""

from .changes import ChangeRecordListView, ChangesView
from .conflicts import ConflictsView
from .drift import DriftView
from .links import FabricLinkListView, FabricLinkView
from .quarantine import QuarantineView
from .syncs import SyncsView

__all__ = (
    "ChangeRecordListView",
    "ChangesView",
    "ConflictsView",
    "DriftView",
    "FabricLinkListView",
    "FabricLinkView",
    "QuarantineView",
    "SyncsView",
)
