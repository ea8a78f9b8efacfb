"""Pages that extend base/layout.html, and so have none of NetBox's places for other plugins, and forms."""

from django.contrib.auth.mixins import PermissionRequiredMixin
from django.forms import modelform_factory
from django.views.generic import DetailView
from netbox.forms import NetBoxModelForm
from netbox.views.generic import ObjectEditView

from .models import KINDS, HedgehogFabric


def detail_of(model):
    """Return the page of a model."""
    view = type(
        f"{model.__name__}View",
        (PermissionRequiredMixin, DetailView),
        {
            "__module__": __name__,
            "model": model,
            "template_name": "netbox_hedgehog/detail.html",
            "permission_required": f"netbox_hedgehog.view_{model._meta.model_name}",
        },
    )
    return view.as_view()


class FabricView(PermissionRequiredMixin, DetailView):
    """The page of a fabric, with its resources."""

    model = HedgehogFabric
    template_name = "netbox_hedgehog/fabric.html"
    permission_required = "netbox_hedgehog.view_hedgehogfabric"

    def get_context_data(self, **kwargs):
        """Return what the page shows."""
        resources = [
            (model.__name__, record)
            for model in KINDS.values()
            for record in model.objects.filter(fabric=self.object).order_by("namespace", "name")
        ]
        return super().get_context_data(**kwargs, resources=resources)


def edit_of(model):
    """Return the page on which people change a resource, as JSON."""
    form = modelform_factory(
        model,
        form=NetBoxModelForm,
        fields=("fabric", "name", "namespace", "spec", "labels", "annotations", "auto_sync", "tags"),
    )
    view = type(
        f"{model.__name__}EditView",
        (ObjectEditView,),
        {"__module__": __name__, "queryset": model.objects.all(), "form": form},
    )
    return view.as_view()
