"""Pages of links."""

import logging
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from extras.ui.panels import CustomFieldsPanel, TagsPanel
from netbox.object_actions import AddObject, BulkDelete, BulkEdit, BulkExport, BulkImport
from netbox.ui import attrs, layout, panels
from netbox.views import generic
from utilities.views import register_model_view

from .. import client, filtersets, forms, status, syncing, tables
from ..choices import StateChoices
from ..models import FabricLink
from .base import ActionView, PanelView, address, asker, may, number, unexpected

logger = logging.getLogger("netbox.plugins.netbox_fgd_sync")

# How many times the card of a fabric is loaded again that nobody registers.
MOST_TRIES = 24

# What is counted of a fabric, as people call it, and the tab that shows it.
COUNTED = {
    "proven": ("Records as in Git", ""),
    "pending": ("Records that wait", "drift"),
    "undeliverable": ("Records that NetBox refuses", "drift"),
    "held": ("Records that are held", "drift"),
    "merging": ("Records on their way to Git", "drift"),
    "conflicts": ("Conflicts", "conflicts"),
    "without_model": ("Resources that NetBox has no model for", ""),
    "quarantined": ("Files in quarantine", "quarantine"),
}


class NumberAttr(attrs.TextAttr):
    """The number of a fabric in FGD Sync; while it has none, that which its link asks for."""

    def get_value(self, link: FabricLink) -> Any:
        """Return it."""
        if link.fabric_id is None and link.requested_fabric_id is not None:
            return f"{link.requested_fabric_id} is asked for"
        return link.fabric_id


class FabricPanel(panels.ObjectAttributesPanel):
    """What people said of a fabric."""

    title = "Fabric link"
    record = attrs.TemplatedAttr("record", label="Fabric", template_name="netbox_fgd_sync/attrs/record.html")
    repository_url = attrs.TextAttr("repository_url", label="Repository", copy_button=True)
    branch = attrs.TextAttr("branch", style="font-monospace")
    gitops_directory = attrs.TextAttr("gitops_directory", label="Directory", style="font-monospace")
    credentials_ref = attrs.TextAttr("credentials_ref", label="Credentials", style="font-monospace")
    direction = attrs.TemplatedAttr("direction", template_name="netbox_fgd_sync/attrs/direction.html")
    conflict_winner = attrs.TemplatedAttr(
        "conflict_winner", label="Who wins a conflict", template_name="netbox_fgd_sync/attrs/winner.html"
    )
    enabled = attrs.BooleanAttr("enabled")
    fabric_id = NumberAttr("fabric_id", label="Number in FGD Sync")
    description = attrs.TextAttr("description")


class StatusPanel(panels.ObjectPanel):
    """How a fabric is: as far as is known at first, and then as FGD Sync says."""

    title = "Status"
    template_name = "netbox_fgd_sync/panels/status.html"

    def get_context(self, context: dict[str, Any]) -> dict[str, Any]:
        """Return what is known, and that more is asked for."""
        return {**super().get_context(context), **known(context["object"]), "loading": True}


def known(link: FabricLink) -> dict[str, Any]:
    """Return what is kept of how many records and files there are, as the card shows it."""
    counts = []
    for name, (words, tab) in COUNTED.items():
        count = link.counts.get(name)
        state = {"state": name} if tab == "drift" else {}
        shown = address(tab, link.pk, **state) if tab and count else ""
        if count is not None:
            counts.append((words, count, shown))
    return {"counts": counts}


@register_model_view(FabricLink, "list", path="", detail=False)
class FabricLinkListView(generic.ObjectListView):
    """The list."""

    queryset = FabricLink.objects.all()
    filterset = filtersets.FabricLinkFilterSet
    filterset_form = forms.FabricLinkFilterForm
    table = tables.FabricLinkTable
    template_name = "netbox_fgd_sync/fabriclink_list.html"
    actions = (AddObject, BulkImport, BulkExport, BulkEdit, BulkDelete)  # a link has no name that could be changed

    def get_extra_context(self, request: HttpRequest) -> dict[str, Any]:  # noqa: ARG002
        """Return that what is listed may be old, where that is known."""
        return {"problem": client.away()}


@register_model_view(FabricLink)
class FabricLinkView(generic.ObjectView):
    """The page of a link."""

    queryset = FabricLink.objects.all()
    layout = layout.SimpleLayout(
        left_panels=[FabricPanel(), TagsPanel(), CustomFieldsPanel(), panels.CommentsPanel()],
        right_panels=[StatusPanel()],
    )

    def get_extra_context(self, request: HttpRequest, instance: FabricLink) -> dict[str, Any]:
        """Return what the user may do."""
        return {"may": may(request, instance)}


@register_model_view(FabricLink, "status")
class StatusView(PanelView):
    """The card that says how a fabric is, as FGD Sync knows it now."""

    panel_template_name = "netbox_fgd_sync/panels/status.html"

    def panel(self, request: HttpRequest, link: FabricLink, context: dict[str, Any], **_kwargs: Any) -> HttpResponse:
        """Return the card: with what was known before, and why, where FGD Sync says nothing."""
        error, counts = None, link.counts
        try:
            status.refresh(link, asking=asker(request))
        except client.FGDSyncError as caught:
            error = caught
        except Exception:
            logger.exception("The status of link %s can't be shown", link.pk)
            error = unexpected()
        again = self.again(link, number(request.GET.get("tries")) + 1, told=error is not None)
        changed = counts != link.counts
        context |= {"title": "Status", "problem": error, "again": again, "counted_anew": changed, **known(link)}
        return render(request, self.panel_template_name, context)

    @staticmethod
    def again(link: FabricLink, tries: int, told: bool) -> str:
        """Return with which query the card is loaded again, of a fabric in a state that will not last; else nothing."""
        waits = link.state == StateChoices.UNREGISTERED and not link.error and tries < MOST_TRIES
        if not (waits or link.state == StateChoices.SYNCING):
            return ""
        return urlencode({"tries": tries, **({"told": 1} if told else {})})


@register_model_view(FabricLink, "add", detail=False)
@register_model_view(FabricLink, "edit")
class FabricLinkEditView(generic.ObjectEditView):
    """The form of a link."""

    queryset = FabricLink.objects.all()
    form = forms.FabricLinkForm


@register_model_view(FabricLink, "delete")
class FabricLinkDeleteView(generic.ObjectDeleteView):
    """Asks whether a link is to go."""

    queryset = FabricLink.objects.all()


@register_model_view(FabricLink, "bulk_import", path="import", detail=False)
class FabricLinkBulkImportView(generic.BulkImportView):
    """Makes links from CSV, JSON or YAML."""

    queryset = FabricLink.objects.all()
    model_form = forms.FabricLinkImportForm


@register_model_view(FabricLink, "bulk_edit", path="edit", detail=False)
class FabricLinkBulkEditView(generic.BulkEditView):
    """Changes several links."""

    queryset = FabricLink.objects.all()
    filterset = filtersets.FabricLinkFilterSet
    table = tables.FabricLinkTable
    form = forms.FabricLinkBulkEditForm


@register_model_view(FabricLink, "bulk_delete", path="delete", detail=False)
class FabricLinkBulkDeleteView(generic.BulkDeleteView):
    """Asks whether several links are to go."""

    queryset = FabricLink.objects.all()
    filterset = filtersets.FabricLinkFilterSet
    table = tables.FabricLinkTable


@register_model_view(FabricLink, "sync")
class SyncView(ActionView):
    """Starts a sync."""

    action = "sync"

    def act(self, link: FabricLink, request: HttpRequest, **_kwargs: Any) -> dict[str, Any]:
        """Start it."""
        return syncing.start(link, request.user)


@register_model_view(FabricLink, "dry_run", path="dry-run")
class DryRunView(ActionView):
    """Starts a dry run."""

    action = "sync"
    undone = "The dry run was not started."

    def act(self, link: FabricLink, request: HttpRequest, **_kwargs: Any) -> dict[str, Any]:
        """Start it."""
        return syncing.start(link, request.user, dry_run=True)

    def done(self, said: dict[str, Any], /) -> str:
        """Return what people are told."""
        return "The dry run waits for its turn." if said.get("status") == "queued" else "The dry run has started."
