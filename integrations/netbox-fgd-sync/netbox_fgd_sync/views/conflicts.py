"""Conflicts, and how they are settled."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NoReturn

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from utilities.htmx import htmx_partial
from utilities.views import ViewTab, register_model_view

from ..answers import listed, member, whole
from ..client import Client, FGDSyncError, client
from ..models import FabricLink
from .base import VIEW, ActionView, PanelView, address, fabric, paging, segments
from .quarantine import kept

CONFLICTS = 50
STATES = {"open": "Open", "resolved": "Resolved", "all": "All"}
SIDES = ("base", "git", "netbox")

# FGD Sync says it when a side has changed after the conflict was shown.
MOVED = "FGD_1072"

HOW = (
    'A value is written in JSON: a text in quotation marks, such as "leaf-01"; a number or true and false without; '
    'a list such as ["a", "b"]; null for an empty value.'
)


class ChoiceError(Exception):
    """Says what is wrong with choices, by the places in the form."""

    def __init__(self, errors: dict[str, str]) -> None:
        """Take what is wrong."""
        super().__init__("; ".join(errors.values()))
        self.errors = errors


@register_model_view(FabricLink, "conflicts")
class ConflictsView(PanelView):
    """The list."""

    tab = ViewTab(label="Conflicts", badge=kept("conflicts"), permission=VIEW, weight=520)
    title = "Conflicts"
    panel_template_name = "netbox_fgd_sync/panels/conflicts.html"

    def ask(self, asker: Client, link: FabricLink, request: HttpRequest, **_kwargs: Any) -> Mapping[str, Any]:
        """Ask for a page of it."""
        token, state = request.GET.get("page_token", ""), request.GET.get("state", "open")
        query = {"limit": CONFLICTS, "page_token": token, "state": state if state in STATES else "open"}
        said = asker.get(fabric(link, "conflicts"), query)
        conflicts = listed(said, "conflicts")
        for conflict in conflicts:
            conflict["address"] = address("conflict", link.pk, conflict.get("conflict_id") or "")
        return {"conflicts": conflicts, "page_token": token, "states": STATES, "state": query["state"], **paging(said)}

    def is_news(self, link: FabricLink, said: Mapping[str, Any]) -> bool:
        """Report whether more conflicts are open, or fewer, than the tab counts."""
        return said["state"] == "open" and bool(said["total"] != kept("conflicts")(link))


@register_model_view(FabricLink, "conflict", path="conflicts/<str:conflict_id>")
class ConflictView(PanelView):
    """What each side has at each path, and what is taken."""

    within = ConflictsView.tab
    title = "Conflict"
    panel_template_name = "netbox_fgd_sync/panels/conflict.html"

    def page(self, request: HttpRequest, link: FabricLink, **_kwargs: Any) -> dict[str, Any]:  # noqa: ARG002
        """Return the script of the form."""
        return {"script": "netbox_fgd_sync/conflict.js"}

    def ask(
        self,
        asker: Client,
        link: FabricLink,
        request: HttpRequest,  # noqa: ARG002
        conflict_id: str = "",
        **_kwargs: Any,
    ) -> Mapping[str, Any]:
        """Ask for it."""
        conflict = asker.get(fabric(link, "conflicts", segments(conflict_id)))
        paths = listed(conflict, "paths")
        for path in paths:
            path["values"] = {name: side(path, name) for name in SIDES}
        return {"conflict": conflict, "paths": paths, "more": whole(conflict, "paths_total") - len(paths), "how": HOW}


class ConflictActionView(ActionView):
    """Takes a resolution from the form of a conflict. It shows what is in it, which is for who may view the link."""

    action = "resolve"
    additional_permissions = (VIEW,)
    validate_only = False
    undone = "The conflict was not settled."

    def has_permission(self) -> bool:
        """Report whether there are links that the user may both see and settle conflicts of."""
        allowed = super().has_permission()
        self.queryset = self.queryset.restrict(self.request.user, "view")
        return allowed

    def act(self, link: FabricLink, request: HttpRequest, **kwargs: Any) -> dict[str, Any]:
        """Do the same for who has no page."""
        try:
            return self.resolve(link, request, **kwargs)
        except ChoiceError as error:
            raise FGDSyncError(str(error), HOW, status=HTTPStatus.BAD_REQUEST) from error

    def resolve(self, link: FabricLink, request: HttpRequest, conflict_id: str = "") -> dict[str, Any]:
        """Have FGD Sync settle the conflict, or say what that would do."""
        wanted = resolution(request)
        if self.validate_only:
            wanted["validate_only"] = True
        path = fabric(link, "conflicts", segments(conflict_id) + ":resolve")
        return client(request.user).post(path, wanted)

    def back(self, link: FabricLink, conflict_id: str = "", **_kwargs: Any) -> str:
        """Return the page of the conflict."""
        return address("conflict", link.pk, conflict_id)

    def forward(self, link: FabricLink, _said: dict[str, Any], /, **_kwargs: Any) -> str:
        """Return the list of conflicts."""
        return address("conflicts", link.pk)

    def post(self, request: HttpRequest, pk: int, **kwargs: Any) -> HttpResponseBase:
        """Do it. The form of a page is answered with what is shown in its place for that."""
        if not htmx_partial(request):
            return super().post(request, pk, **kwargs)
        link = get_object_or_404(self.queryset, pk=pk)
        try:
            said = self.resolve(link, request, **kwargs)
        except ChoiceError as error:
            return self.outcome(request, link, errors=error.errors, how=HOW)
        except FGDSyncError as error:
            if error.code != MOVED:
                return self.outcome(request, link, problem=error)
            messages.warning(request, error.sentence)
            return led(self.back(link, **kwargs))
        return self.answered(request, link, said, **kwargs)

    @staticmethod
    def outcome(request: HttpRequest, link: FabricLink, **shown: Any) -> HttpResponse:
        """Return what is shown below the form."""
        return render(request, "netbox_fgd_sync/inc/outcome.html", {"object": link, **shown})

    def answered(self, request: HttpRequest, link: FabricLink, said: dict[str, Any], **_kwargs: Any) -> HttpResponse:
        """Return what the page is answered with when it is done."""
        raise NotImplementedError


@register_model_view(FabricLink, "conflict_preview", path="conflicts/<str:conflict_id>/preview")
class PreviewView(ConflictActionView):
    """Says what a resolution would change, and changes nothing."""

    validate_only = True
    undone = "There is no preview."

    def answered(self, request: HttpRequest, link: FabricLink, said: dict[str, Any], **_kwargs: Any) -> HttpResponse:
        """Return what would change."""
        return self.outcome(
            request, link, preview=True, diff=str(said.get("diff") or ""), fields=fields(said, resolution(request))
        )

    def done(self, said: dict[str, Any], /) -> str:
        """Return what people are told."""
        return "Git would change." if said.get("diff") else "Git would not change."

    def forward(self, link: FabricLink, _said: dict[str, Any], /, **kwargs: Any) -> str:
        """Return the page of the conflict."""
        return self.back(link, **kwargs)


@register_model_view(FabricLink, "conflict_resolve", path="conflicts/<str:conflict_id>/resolve")
class ResolveView(ConflictActionView):
    """Settles a conflict."""

    def answered(self, request: HttpRequest, link: FabricLink, said: dict[str, Any], **kwargs: Any) -> HttpResponse:
        """Lead to the list."""
        messages.success(request, self.done(said))
        return led(self.forward(link, said, **kwargs))

    def done(self, _said: dict[str, Any], /) -> str:
        """Return what people are told."""
        return "The conflict is settled."


def fields(said: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return where the record would change, with what it says there and would say, as far as the form has shown it."""
    shown = {path.get("path"): path for path in listed(member(said, "conflict"), "paths")}
    chosen = {choice["path"]: choice for choice in wanted["choices"]}
    found = said.get("record_fields")
    changed: list[dict[str, Any]] = []
    for name in map(str, found if isinstance(found, list) else ()):
        path, choice = shown.get(name), chosen.get(name)
        field: dict[str, Any] = {"name": name, "known": path is not None and choice is not None}
        if path is not None and choice is not None:
            takes = choice if choice["take"] == "value" else path
            field["now"], field["then"] = side(path, "netbox"), side(takes, choice["take"])
        changed.append(field)
    return changed


def side(path: Mapping[str, Any], name: str) -> str | None:
    """Return a value of a path as people read it, and None where there is none."""
    return pretty(path[name]) if name in path else None


def led(to: str) -> HttpResponse:
    """Lead a page that asked by htmx to another one."""
    return HttpResponse(headers={"HX-Redirect": to})


def resolution(request: HttpRequest) -> dict[str, Any]:
    """Return what was chosen in a form, as FGD Sync takes it; a ChoiceError says what is wrong with it."""
    errors: dict[str, str] = {}
    choices = []
    for place, path in enumerate(request.POST.getlist("path")):
        choice = {"path": path, "take": request.POST.get(f"take-{place}", "")}
        if choice["take"] == "value":
            try:
                choice["value"] = value(request.POST.get(f"value-{place}", ""))
            except ValueError as error:
                errors[f"value-{place}"] = f"{path}: {error}"
        elif choice["take"] not in ("git", "netbox"):
            errors[f"take-{place}-git"] = f"{path}: choose what is taken."
        choices.append(choice)
    if errors:
        raise ChoiceError(errors)
    wanted = {"version": request.POST.get("version", ""), "choices": choices}
    if request.POST.get("take") in ("git", "netbox"):
        wanted["take"] = request.POST["take"]
    return wanted


def value(text: str) -> Any:
    """Return a value that is written in JSON; a ValueError says why it is none."""

    def refuse(name: str) -> NoReturn:
        raise ValueError(f"{name} is no value of JSON.")

    if not text.strip():
        raise ValueError("write a value, or choose a side.")
    try:
        read = json.loads(text, parse_constant=refuse)
        json.dumps(read, allow_nan=False)  # 1e999 is infinite
    except json.JSONDecodeError as error:
        raise ValueError(f"this is no JSON ({error.msg}, line {error.lineno}, column {error.colno}).") from error
    except RecursionError as error:
        raise ValueError("this is nested too deep.") from error
    return read


def pretty(read: Any) -> str:
    """Return a value as people read it."""
    return json.dumps(read, indent=2, ensure_ascii=False)
