"""Routes of the pages, below /plugins/fgd-sync/."""

from django.urls import include, path
from utilities.urls import get_model_urls

from . import views

app_name = "netbox_fgd_sync"

urlpatterns = [
    path("links/", include(get_model_urls(app_name, "fabriclink", detail=False))),
    path("links/<int:pk>/", include(get_model_urls(app_name, "fabriclink"))),
    path("changes/", views.ChangeRecordListView.as_view(), name="changerecord_list"),
]
