"""Routes of the REST API, below /api/plugins/fgd-sync/."""

from django.urls import path

from . import views

app_name = "netbox_fgd_sync"

urlpatterns = [
    path("changes/", views.ChangesView.as_view(), name="changes"),
    path("probe/", views.ProbeView.as_view(), name="probe"),
]
