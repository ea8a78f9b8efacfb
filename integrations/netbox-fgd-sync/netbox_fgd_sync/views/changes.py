"""What changed: in Git as FGD Sync says, and in NetBox as the feed does."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest
from netbox.views import generic
from utilities.views import ViewTab, register_model_view

from .. import filtersets, tables
from ..answers import listed
from ..client import Client
from ..forms.changes import ChangeRecordFilterForm
from ..models import Action, ChangeRecord, FabricLink
from .base import VIEW, PanelView, address, fabric, paging

COMMITS = 25

# How FGD Sync calls itself, where nobody asked for a sync.
ITSELF = "fgd-sync"

# The mark of what is no longer kept is no change.
CHANGES = ChangeRecord.objects.exclude(action=Action.PRUNED)


def person(commit: Mapping[str, Any]) -> str:
    """Return whose change a commit is: of who asked for its sync, where that was somebody; else of its author."""
    asked = commit.get("requested_by")
    return str((asked if asked != ITSELF else "") or commit.get("author_name") or "")


@register_model_view(FabricLink, "changes")
class ChangesView(PanelView):
    """Commits of a fabric, and below them changes of its records, which are loaded from the list of changes."""

    tab = ViewTab(label="Changes", permission=VIEW, weight=540)
    title = "Changes"
    template_name = "netbox_fgd_sync/changes.html"
    panel_template_name = "netbox_fgd_sync/panels/commits.html"

    def ask(self, asker: Client, link: FabricLink, request: HttpRequest, **_kwargs: Any) -> Mapping[str, Any]:
        """Ask for a page of commits."""
        token = request.GET.get("page_token", "")
        said = asker.get(fabric(link, "commits"), {"limit": COMMITS, "page_token": token})
        commits = listed(said, "commits")
        for commit in commits:
            commit["sync_address"] = address("sync_detail", link.pk, commit.get("sync_id") or "")
            commit["person"] = person(commit)
        return {"commits": commits, "page_token": token, "truncated": said.get("truncated"), **paging(said)}


class ChangeRecordListView(generic.ObjectListView):
    """The feed, the last change first."""

    queryset = CHANGES
    filterset = filtersets.ChangeRecordFilterSet
    filterset_form = ChangeRecordFilterForm
    table = tables.ChangeRecordTable
    actions = ()
