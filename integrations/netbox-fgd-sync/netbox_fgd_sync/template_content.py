"""What pages of the Hedgehog NetBox Plugin have of this one."""

from typing import Any

from django.urls import reverse
from netbox.plugins import PluginTemplateExtension

from . import fabrics
from .choices import StateChoices
from .models import FabricLink

TROUBLED = (StateChoices.ATTENTION, StateChoices.FAILED)

# The page of a fabric, as the plugin of today has it: one that no other plugin can add to.
FABRIC_PAGE = ("netbox_hedgehog", ("fabric_detail", "hedgehogfabric"))


def link_of(user: Any, pk: int) -> FabricLink | None:
    """Return the link of a fabric, where the user may view it."""
    fabric = fabrics.model()
    if fabric is None:
        return None
    links = FabricLink.objects.restrict(user, "view").filter(
        object_type__app_label=fabric._meta.app_label, object_type__model=fabric._meta.model_name, object_id=pk
    )
    return links.first()


def may_link(user: Any, pk: int) -> bool:
    """Report whether a fabric has no link, and the user may make one."""
    return user.has_perm("netbox_fgd_sync.add_fabriclink") and fabrics.unlinked().filter(pk=pk).exists()


class FabricExtension(PluginTemplateExtension):
    """On the page of a fabric, where that has places for it."""

    models = (fabrics.label(),)

    def _render(self, name: str, **context: Any) -> str:
        return self.render(f"netbox_fgd_sync/inc/{name}.html", context)

    def _link(self) -> FabricLink | None:
        return link_of(self.context["request"].user, self.context["object"].pk)

    def buttons(self) -> str:
        """Return a button that leads to the link, or makes one."""
        link = self._link()
        if link is None and not may_link(self.context["request"].user, self.context["object"].pk):
            return ""
        return self._render("fabric_button", link=link)

    def alerts(self) -> str:
        """Return that somebody has to look at the fabric."""
        link = self._link()
        return self._render("fabric_alert", link=link) if link and link.state in TROUBLED else ""

    def right_page(self) -> str:
        """Return how the fabric is, as far as is known."""
        link = self._link()
        return self._render("fabric_card", link=link) if link else ""


class HeadExtension(PluginTemplateExtension):
    """On the page of a fabric that has no places: a script that adds a link to it."""

    def head(self) -> str:
        """Return the script, on that page alone."""
        request = self.context["request"]
        match = getattr(request, "resolver_match", None)
        if match is None or match.url_name not in FABRIC_PAGE[1] or FABRIC_PAGE[0] not in match.namespaces:
            return ""
        destination = self._destination(request.user, match.kwargs.get("pk"))
        if destination is None:
            return ""
        return self.render("netbox_fgd_sync/inc/fabric_head.html", {"destination": destination})

    @staticmethod
    def _destination(user: Any, pk: Any) -> dict[str, str] | None:
        link = link_of(user, pk)
        if link is not None:
            return {"url": link.get_absolute_url(), "text": f"FGD Sync: {link.get_state_display()}"}
        if not may_link(user, pk):
            return None
        return {
            "url": f"{reverse('plugins:netbox_fgd_sync:fabriclink_add')}?record={pk}",
            "text": "Link to a repository",
        }


template_extensions = [FabricExtension, HeadExtension]
