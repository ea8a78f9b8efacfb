"""Files in quarantine."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest
from utilities.views import ViewTab, register_model_view

from .. import syncing
from ..answers import listed, member, whole
from ..client import Client, FGDSyncError, client
from ..models import FabricLink
from .base import VIEW, ActionView, PanelView, address, fabric, paging, segments

FILES = 100


def kept(name: str) -> Any:
    """Return what shows a count that is kept of a link, on a tab."""
    return lambda link: (link.counts or {}).get(name) or 0


@register_model_view(FabricLink, "quarantine")
class QuarantineView(PanelView):
    """The list."""

    tab = ViewTab(label="Quarantine", badge=kept("quarantined"), permission=VIEW, weight=510)
    title = "Quarantine"
    panel_template_name = "netbox_fgd_sync/panels/quarantine.html"

    def ask(self, asker: Client, link: FabricLink, request: HttpRequest, **_kwargs: Any) -> Mapping[str, Any]:
        """Ask for a page of it."""
        token = request.GET.get("page_token", "")
        said = asker.get(fabric(link, "quarantine"), {"limit": FILES, "page_token": token})
        files = listed(said, "files")
        for file in files:
            file["address"] = address("quarantined_file", link.pk, path=file.get("path") or "")
        return {"files": files, "page_token": token, **paging(said)}

    def is_news(self, link: FabricLink, said: Mapping[str, Any]) -> bool:
        """Report whether there are more files, or fewer, than the tab counts."""
        return bool(said["total"] != kept("quarantined")(link))


@register_model_view(FabricLink, "quarantined_file", path="quarantine/file")
class QuarantinedFileView(PanelView):
    """A file, with the line that is the matter."""

    within = QuarantineView.tab
    title = "File in quarantine"
    panel_template_name = "netbox_fgd_sync/panels/quarantined_file.html"

    def ask(self, asker: Client, link: FabricLink, request: HttpRequest, **_kwargs: Any) -> Mapping[str, Any]:
        """Ask for it."""
        path = request.GET.get("path", "")
        if not path.startswith("unmanaged/"):
            raise FGDSyncError("There is no such file in quarantine.", "Choose one of the list.")
        file = asker.get(fabric(link, "quarantine", segments(path)))
        meant = whole(member(file, "reason"), "line")
        lines = str(file.get("content") or "").splitlines()
        return {"file": file, "lines": [(line, place == meant) for place, line in enumerate(lines, 1)]}


class QuarantineActionView(ActionView):
    """Does something with files that were chosen."""

    action = "release"
    verb = ""

    def act(self, link: FabricLink, request: HttpRequest, **_kwargs: Any) -> dict[str, Any]:
        """Have FGD Sync do it."""
        said = client(request.user).post(fabric(link, f"quarantine:{self.verb}"), self.body(request))
        return {name: said.get(name) for name in syncing.ANSWERED}

    def body(self, request: HttpRequest) -> dict[str, Any]:
        """Return which files it is about."""
        paths = request.POST.getlist("path")
        if not paths:
            raise FGDSyncError("No file was chosen.", "Tick the files in the list, and try again.", status=400)
        return {"paths": paths}

    def back(self, link: FabricLink, **_kwargs: Any) -> str:
        """Return the list."""
        return address("quarantine", link.pk)


@register_model_view(FabricLink, "quarantine_retry", path="quarantine/retry")
class RetryView(QuarantineActionView):
    """Has files judged again: those that were chosen, or all."""

    verb = "retry"
    undone = "No file is tried again."

    def body(self, request: HttpRequest) -> dict[str, Any]:
        """Return which files it is about."""
        return {"all": True} if request.POST.get("all") else super().body(request)


@register_model_view(FabricLink, "quarantine_release", path="quarantine/release")
class ReleaseView(QuarantineActionView):
    """Has files put back to where they came from."""

    verb = "release"
    undone = "No file was put back."
