"""What pages of a link have in common.

No page asks FGD Sync: it renders at once, and what FGD Sync says is loaded into it afterwards, from the same address.
"""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import NoReverseMatch, reverse
from netbox.views import generic
from netbox.views.generic.base import BaseObjectView
from utilities.htmx import htmx_partial
from utilities.permissions import get_permission_for_model
from utilities.views import ViewTab

from .. import client, status, syncing
from ..answers import whole
from ..models import FabricLink
from ..transport import READ_TIMEOUT

logger = logging.getLogger("netbox.plugins.netbox_fgd_sync")

VIEW = "netbox_fgd_sync.view_fabriclink"
HTML, JSON = "text/html", "application/json"

# For how many seconds a panel waits for FGD Sync, whatever it asks for.
PATIENCE = READ_TIMEOUT

# What a link is named by in addresses of pages.
PAGES = "plugins:netbox_fgd_sync:fabriclink"


def address(name: str, *args: Any, **query: Any) -> str:
    """Return the address of a page of a link, and none where what it is named by can't be part of one."""
    try:
        path = reverse(f"{PAGES}_{name}", args=args)
    except NoReverseMatch:
        return ""
    return f"{path}?{urlencode(query)}" if query else path


def may(request: HttpRequest, link: FabricLink) -> dict[str, bool]:
    """Return what the user may do with a link, as templates ask for it."""
    return {
        action: request.user.has_perm(get_permission_for_model(FabricLink, action), link)
        for action in ("sync", "resolve", "release")
    }


def asker(request: HttpRequest) -> client.Client:
    """Return what asks FGD Sync for a panel."""
    return client.client(request.user, within=PATIENCE)


def number(text: str | None, least: int = 0, most: int = 1 << 30) -> int:
    """Return a number from an address; the least one where it says none."""
    return min(max(int(text), least), most) if text and text.isascii() and text.isdigit() else least


def answered(error: client.FGDSyncError) -> int:
    """Return the status that a program is told. That FGD Sync does not let NetBox in is no fault of the program."""
    return error.status if error.is_refusal and error.status != client.UNAUTHORIZED else HTTPStatus.BAD_GATEWAY


def problem(error: client.FGDSyncError) -> dict[str, str]:
    """Return an error as JSON."""
    return {"code": error.code, "message": error.message, "remedy": error.remedy}


def unexpected() -> client.FGDSyncError:
    """Return what is said where an answer of FGD Sync is not as it is known."""
    return client.FGDSyncError(
        "FGD Sync has answered something that can't be shown.", "The log of NetBox says what it was."
    )


class PanelView(generic.ObjectView):
    """A page with one panel that FGD Sync fills."""

    queryset = FabricLink.objects.all()
    actions = ()
    template_name = "netbox_fgd_sync/page.html"
    panel_template_name = ""
    # The tab that is shown as the one which the page is in, where it is none itself.
    within: ViewTab | None = None
    title = ""

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Return the page; the panel alone where that is loaded."""
        link = self.get_object(pk=kwargs.pop("pk"))
        context = {
            "object": link,
            "tab": self.tab or self.within,
            "may": may(request, link),
            "heading": self.title,
            **kwargs,
        }
        if not htmx_partial(request):
            return render(request, self.template_name, {**context, **self.page(request, link, **kwargs)})
        return self.panel(request, link, context, **kwargs)

    def panel(self, request: HttpRequest, link: FabricLink, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        """Return the panel, and why there is none where FGD Sync does not say what is in it."""
        try:
            asking = asker(request)
            said = self.ask(asking, link, request, **kwargs)
            answer = render(request, self.panel_template_name, {**context, **said})
            if self.is_news(link, said):
                answer.write(tabs(request, link, context, asking))
            return answer
        except (Http404, PermissionDenied):
            raise
        except client.FGDSyncError as error:
            instead = error
        except Exception:
            # The page waits for the panel: it is told, too, when something is said that nobody has thought of.
            logger.exception("A panel of link %s can't be shown", link.pk)
            instead = unexpected()
        return render(request, "netbox_fgd_sync/inc/problem.html", {**context, "problem": instead})

    def is_news(self, link: FabricLink, said: Mapping[str, Any]) -> bool:  # noqa: ARG002
        """Report whether what FGD Sync has said differs from what tabs count."""
        return False

    def page(self, request: HttpRequest, link: FabricLink, **kwargs: Any) -> dict[str, Any]:  # noqa: ARG002
        """Return what else the page shows, which FGD Sync is not asked for."""
        return {}

    def ask(self, asker: client.Client, link: FabricLink, request: HttpRequest, **kwargs: Any) -> Mapping[str, Any]:
        """Ask FGD Sync for what the panel shows."""
        raise NotImplementedError


def tabs(request: HttpRequest, link: FabricLink, context: dict[str, Any], asking: client.Client) -> str:
    """Return the tabs of a link with what they count now, for the page that has loaded a panel."""
    try:
        status.refresh(link, asking=asking)
    except client.FGDSyncError:
        return ""  # they show what is known
    return render_to_string("netbox_fgd_sync/inc/tabs.html", {**context, "counted_anew": True}, request)


class ActionView(BaseObjectView):
    """Has FGD Sync do something. It answers a program in JSON, and leads people to a page."""

    queryset = FabricLink.objects.all()
    action = ""
    undone = "The sync was not started."
    http_method_names = ("post", "options")

    def get_required_permission(self) -> str:
        """Return the permission to do it."""
        return get_permission_for_model(FabricLink, self.action)

    def post(self, request: HttpRequest, pk: int, **kwargs: Any) -> HttpResponseBase:
        """Do it."""
        link = get_object_or_404(self.queryset, pk=pk)
        programmed = request.get_preferred_type([HTML, JSON]) == JSON
        try:
            said = self.acted(link, request, **kwargs)
        except client.FGDSyncError as error:
            if programmed:
                return JsonResponse({"error": problem(error)}, status=answered(error))
            messages.error(request, f"{self.undone} {error.sentence}" if error.is_certain else error.sentence)
            return redirect(self.back(link, **kwargs))
        if programmed:
            return JsonResponse(said)
        messages.success(request, self.done(said))
        return redirect(self.forward(link, said, **kwargs))

    def acted(self, link: FabricLink, request: HttpRequest, **kwargs: Any) -> dict[str, Any]:
        """Have it done. What is answered in a way that nobody has thought of is an error as others are."""
        try:
            return self.act(link, request, **kwargs)
        except (client.FGDSyncError, Http404, PermissionDenied):
            raise
        except Exception as error:
            logger.exception("An answer about link %s can't be taken", link.pk)
            raise unexpected() from error

    def act(self, link: FabricLink, request: HttpRequest, **kwargs: Any) -> dict[str, Any]:
        """Have it done, and return what FGD Sync says."""
        raise NotImplementedError

    def done(self, said: dict[str, Any], /) -> str:
        """Return what people are told when it is done."""
        return "The sync waits for its turn." if said.get("status") == "queued" else "The sync has started."

    def back(self, link: FabricLink, **_kwargs: Any) -> str:
        """Return where people are led when it is not done."""
        return link.get_absolute_url()

    def forward(self, link: FabricLink, said: dict[str, Any], /, **kwargs: Any) -> str:
        """Return where people are led when it is done: to the sync that does it."""
        return address("sync_detail", link.pk, said.get("sync_id") or "") or self.back(link, **kwargs)


def paging(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return how to get to what follows on a page."""
    return {"total": whole(said, "total"), "next_page_token": str(said.get("next_page_token") or "")}


def segments(path: str) -> str:
    """Return a path from an address as parts of one of the API.

    Dots would lead to something else, which the user may not see and NetBox may.
    """
    names = path.split("/")
    if not all(names) or {".", ".."} & set(names):
        raise client.FGDSyncError("There is no such thing.", "Choose one of the list.", status=HTTPStatus.NOT_FOUND)
    return "/".join(client.part(name) for name in names)


def fabric(link: FabricLink, *parts: str) -> str:
    """Return the path of a fabric in the API of FGD Sync, or of something in it."""
    return "/".join((f"fabrics/{syncing.number(link)}", *parts))
