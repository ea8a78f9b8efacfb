"""Routes of the REST API, below /api/plugins/fgd-sync/."""

from django.urls import path
from netbox.api.routers import NetBoxRouter

from .. import compat
from . import apply, views, views_links

app_name = "netbox_fgd_sync"

# NetBox imports this while it puts the URLs of plugins together: HNP's are there, and nobody has used them yet.
compat.complete()

router = NetBoxRouter()
router.register("links", views_links.FabricLinkViewSet)

urlpatterns = [
    path("apply/", apply.ApplyView.as_view(), name="apply"),
    path("changes/", views.ChangesView.as_view(), name="changes"),
    path("probe/", views.ProbeView.as_view(), name="probe"),
    *router.urls,
]
