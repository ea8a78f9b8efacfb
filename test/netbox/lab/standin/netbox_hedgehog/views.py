"""Pages that extend base/layout.html, and so have none of NetBox's places for other plugins."""

from django.contrib.auth.mixins import PermissionRequiredMixin
from django.views.generic import DetailView


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
