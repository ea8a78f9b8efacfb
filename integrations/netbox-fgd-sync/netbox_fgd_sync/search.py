"""What NetBox's search finds."""

from netbox.search import SearchIndex

from .models import FabricLink


class FabricLinkIndex(SearchIndex):
    """Links, by the fabric and by what people say of it. The name is that which it had when the link was saved."""

    model = FabricLink
    fields = (
        ("record", 100),
        ("repository_url", 200),
        ("gitops_directory", 200),
        ("description", 500),
        ("comments", 5000),
    )
    display_attrs = ("repository_url", "gitops_directory", "state", "description")


indexes = [FabricLinkIndex]
