"""Routes of the REST API."""

from django.urls import path
from netbox.api.routers import NetBoxRouter

from . import views

app_name = "netbox_hedgehog"

router = NetBoxRouter()
router.register("fabrics", views.FabricViewSet)
for endpoint, viewset in views.VIEWSETS.items():
    router.register(endpoint, viewset)

urlpatterns = [
    path("sync/", views.SyncView.as_view(), name="sync"),
    path("status/", views.StatusView.as_view(), name="status"),
    *router.urls,
]
