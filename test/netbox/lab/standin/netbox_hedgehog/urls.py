"""Routes of the pages. Six names are not those that NetBox looks for (Q2)."""

from django.urls import path

from .models import FIXED, KINDS, HedgehogFabric
from .views import FabricView, detail_of, edit_of

app_name = "netbox_hedgehog"

# What NetBox asks for as plugins:netbox_hedgehog:<model>, and these have under another name.
MISNAMED = {
    "hedgehogfabric": "fabric_detail",
    "external": "external_detail",
    "externalattachment": "externalattachment_detail",
    "externalpeering": "externalpeering_detail",
    "vpcattachment": "vpcattachment_detail",
    "vpcpeering": "vpcpeering_detail",
}

# Pages that are elsewhere than their endpoints.
ELSEWHERE = {"ipv4-namespaces": "ipv4namespaces"}

urlpatterns = []
for endpoint, model in {"fabrics": HedgehogFabric, **KINDS}.items():
    view = FabricView.as_view() if model is HedgehogFabric else detail_of(model)
    expected = model._meta.model_name
    for name in {MISNAMED.get(expected, expected), *([expected] if FIXED else [])}:
        urlpatterns.append(path(f"{ELSEWHERE.get(endpoint, endpoint)}/<int:pk>/", view, name=name))

for endpoint, model in KINDS.items():
    name = f"{model._meta.model_name}_edit"
    urlpatterns.append(path(f"{ELSEWHERE.get(endpoint, endpoint)}/<int:pk>/edit/", edit_of(model), name=name))
