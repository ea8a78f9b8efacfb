"""Syncs of a fabric, and the page of one."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest
from utilities.views import ViewTab, register_model_view

from ..answers import listed, member, whole
from ..choices import StateChoices
from ..client import Client, FGDSyncError, client
from ..models import FabricLink
from ..remedies import remedy
from .base import VIEW, ActionView, PanelView, address, fabric, number, paging, segments

ENDED = ("completed", "failed", "cancelled")

# Syncs and actions of a plan on a page, and lines of a diff.
SYNCS = 25
ACTIONS = 100
LINES = 2000

# What a sync counts, one of it and several, in the order in which it is shown.
COUNTED = {
    "creates": ("new resource", "new resources"),
    "updates": ("changed resource", "changed resources"),
    "deletes": ("removed resource", "removed resources"),
    "moves": ("moved file", "moved files"),
    "quarantines": ("put in quarantine", "put in quarantine"),
    "releases": ("put back", "put back"),
    "duplicates": ("duplicate", "duplicates"),
}


@register_model_view(FabricLink, "syncs")
class SyncsView(PanelView):
    """The list."""

    tab = ViewTab(label="Syncs", permission=VIEW, weight=500)
    title = "Syncs"
    panel_template_name = "netbox_fgd_sync/panels/syncs.html"

    def ask(self, asker: Client, link: FabricLink, request: HttpRequest, **_kwargs: Any) -> Mapping[str, Any]:
        """Ask for a page of it."""
        offset = number(request.GET.get("offset"))
        said = asker.get(fabric(link, "syncs"), {"limit": SYNCS, "offset": offset})
        syncs = listed(said, "syncs")
        total = whole(said, "total") or len(syncs)
        for sync in syncs:
            sync["address"] = address("sync_detail", link.pk, str(sync.get("sync_id") or ""))
            sync["counts"] = counted(member(member(sync, "result"), "counts"))
        return {
            "syncs": syncs,
            "total": total,
            "first": offset + 1,
            "last": offset + len(syncs),
            "previous": f"?offset={max(0, offset - SYNCS)}" if offset else "",
            "next": f"?offset={offset + SYNCS}" if offset + SYNCS < total else "",
        }


@register_model_view(FabricLink, "sync_detail", path="syncs/<str:sync_id>")
class SyncDetailView(PanelView):
    """How far a sync is, and what it did."""

    within = SyncsView.tab
    title = "Sync"
    panel_template_name = "netbox_fgd_sync/panels/sync.html"

    def ask(
        self, asker: Client, link: FabricLink, request: HttpRequest, sync_id: str = "", **_kwargs: Any
    ) -> Mapping[str, Any]:
        """Ask how it is."""
        sync = found(asker, link, sync_id)
        for finding in (*listed(sync, "errors"), *listed(sync, "warnings")):
            finding["remedy"] = remedy(finding)
        return {
            "sync": sync,
            "ended": sync.get("state") in ENDED,
            "counts": counted(member(member(sync, "result"), "counts")),
            "just_ended": sync.get("state") in ENDED and "watching" in request.GET,
        }

    def is_news(self, link: FabricLink, said: Mapping[str, Any]) -> bool:
        """Report whether the sync has ended that is not known to have."""
        begun = link.state == StateChoices.SYNCING and link.sync_id == said["sync"].get("sync_id")
        return bool(said["ended"] and (said["just_ended"] or begun))


@register_model_view(FabricLink, "sync_plan", path="syncs/<str:sync_id>/plan")
class SyncPlanView(PanelView):
    """What a sync did to resources and files, or would do."""

    within = SyncsView.tab
    title = "Plan of a sync"
    panel_template_name = "netbox_fgd_sync/panels/plan.html"

    def ask(
        self, asker: Client, link: FabricLink, request: HttpRequest, sync_id: str = "", **_kwargs: Any
    ) -> Mapping[str, Any]:
        """Ask for a page of it."""
        found(asker, link, sync_id)
        token = request.GET.get("page_token", "")
        said = asker.get(f"syncs/{segments(sync_id)}/plan", {"limit": ACTIONS, "page_token": token})
        plan = member(said, "plan")
        return {"plan": plan, "counts": counted(plan), "page_token": token, **paging(said)}


@register_model_view(FabricLink, "sync_diff", path="syncs/<str:sync_id>/diff")
class SyncDiffView(PanelView):
    """The diff of a dry run."""

    within = SyncsView.tab
    title = "Diff of a dry run"
    panel_template_name = "netbox_fgd_sync/panels/diff.html"

    def ask(
        self, asker: Client, link: FabricLink, request: HttpRequest, sync_id: str = "", **_kwargs: Any
    ) -> Mapping[str, Any]:
        """Ask for some lines of it."""
        found(asker, link, sync_id)
        token = request.GET.get("page_token", "")
        said = asker.get(f"syncs/{segments(sync_id)}/diff", {"limit": LINES, "page_token": token})
        return {"diff": said.get("diff") or "", "page_token": token, **paging(said)}


@register_model_view(FabricLink, "sync_cancel", path="syncs/<str:sync_id>/cancel")
class CancelView(ActionView):
    """Asks a sync to end."""

    action = "sync"
    undone = "The sync was not asked to end."

    def act(self, link: FabricLink, request: HttpRequest, sync_id: str = "", **_kwargs: Any) -> dict[str, Any]:
        """Ask it."""
        asker = client(request.user)
        found(asker, link, sync_id)
        said = asker.post(f"syncs/{segments(sync_id)}:cancel")
        return {"sync_id": sync_id, "status": said.get("state")}

    def done(self, _said: dict[str, Any], /) -> str:
        """Return what people are told."""
        return "The sync was asked to end."

    def back(self, link: FabricLink, sync_id: str = "", **_kwargs: Any) -> str:
        """Return the page of the sync."""
        return address("sync_detail", link.pk, sync_id)


def found(asker: Client, link: FabricLink, sync_id: str) -> dict[str, Any]:
    """Return a sync, where it is one of this fabric: what somebody may see of one fabric shows none of another."""
    mine = fabric(link)
    sync = asker.get(f"syncs/{segments(sync_id)}")
    if f"fabrics/{sync.get('fabric_id')}" != mine:
        raise FGDSyncError("This fabric has no such sync.", "Choose one of the list of syncs.")
    return sync


def counted(counts: Mapping[str, Any]) -> list[tuple[str, int]]:
    """Return what was counted, without what there is none of."""
    found = [(whole(counts, name), words) for name, words in COUNTED.items()]
    return [(one if count == 1 else several, count) for count, (one, several) in found if count]
