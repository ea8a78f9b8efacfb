"""Forms of the pages."""

from .bulk import FabricLinkBulkEditForm, FabricLinkImportForm
from .filters import FabricLinkFilterForm
from .links import FabricLinkForm

__all__ = ("FabricLinkBulkEditForm", "FabricLinkFilterForm", "FabricLinkForm", "FabricLinkImportForm")
