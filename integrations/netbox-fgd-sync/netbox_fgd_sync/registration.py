"""Has FGD Sync know fabrics as their links say.

What was told and taken is kept in `applied`; whatever is wanted otherwise is told again each minute, until it is taken.
What FGD Sync refuses waits for somebody to change the link, or for five minutes: the reason may be gone by then.
"""

from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from core.choices import ObjectChangeActionChoices
from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.http.request import split_domain_port, validate_host
from django_pg_utils import advisory_lock
from netbox.plugins import get_plugin_config

from .choices import StateChoices
from .client import UNAUTHORIZED, Client, FGDSyncError, client
from .models import KEPT, REQUESTED, FabricLink

FABRIC_EXISTS = "FGD_3008"
FORBIDDEN = 403
NOT_FOUND = 404
CONFLICT = 409
TOO_MANY = 429

REFUSED_SECONDS = 300

LONGEST_ID = 64

WHO_MAY = "have somebody who has the permission adopt delete it and add it anew"

WHY_SUSPENDED = "The link of the fabric in NetBox is not enabled."

PLACE = ("repository_url", "branch", "gitops_directory")
NETBOX = ("direction", "conflict_winner")


def apply(link: FabricLink, user: Any = None, wait: bool = True) -> None:
    """Tell FGD Sync what it does not know of a fabric yet, in the name of a user. Raise FGDSyncError if it can't be.

    Where another worker does so just now, wait for it, or leave it to that.
    """
    # Of two workers that register one fabric, the second would be told that it is there already.
    with advisory_lock(f"netbox_fgd_sync.register.{link.pk}", wait=wait) as held:
        if not held:
            return
        try:
            link.refresh_from_db()
        except FabricLink.DoesNotExist:
            return  # it was deleted meanwhile
        if link.wanted() != link.applied:
            _tell(link, user)


def _tell(link: FabricLink, user: Any) -> None:
    told, asked = link.wanted(), _asked(link)
    try:
        asking = client(user)
        learned = _change(link, asking) if link.applied else _register(link, asking)
    except FGDSyncError as error:
        if refuses(error):
            cache.set(_refused(link), asked, REFUSED_SECONDS)
        failed: dict[str, Any] = {"error": error.sentence}
        if not link.applied and error.is_refusal and error.status != TOO_MANY:
            failed["state"] = StateChoices.ATTENTION
        _write(link, failed)
        raise
    said = {name: learned.pop(name) for name in told if name in learned}
    _write(link, {**learned, "applied": {**told, **said}, "error": ""})
    if said:
        _fill_in(link, said, user)


def waits(link: FabricLink) -> bool:
    """Report whether there is something to tell FGD Sync that it has not refused just now."""
    return link.wanted() != link.applied and cache.get(_refused(link)) != _asked(link)


def refuses(error: FGDSyncError) -> bool:
    """Report whether it would be of no use to ask for the same again."""
    return error.is_refusal and error.status not in (UNAUTHORIZED, FORBIDDEN, TOO_MANY)


def _asked(link: FabricLink) -> dict[str, Any]:
    """Return all that an answer of FGD Sync depends on."""
    return {**link.wanted(), **{name: getattr(link, link._meta.get_field(name).attname) for name in REQUESTED}}


def _refused(link: FabricLink) -> str:
    return f"netbox_fgd_sync.refused.{link.pk}"


def _write(link: FabricLink, values: dict[str, Any]) -> None:
    changed = {name: value for name, value in values.items() if getattr(link, name) != value}
    if changed:
        FabricLink.objects.filter(pk=link.pk).update(**changed)
    for name, value in changed.items():
        setattr(link, name, value)


def _fill_in(link: FabricLink, said: dict[str, Any], user: Any) -> None:
    """Say in a link what FGD Sync says of its fabric, unless somebody has said something else meanwhile."""
    with transaction.atomic():
        stored = FabricLink.objects.select_for_update().filter(pk=link.pk).first()
        news = {
            name: value
            for name, value in said.items()
            if stored and getattr(stored, name) == getattr(link, name) != value
        }
        if not news:
            return
        stored.snapshot()
        for name, value in news.items():
            setattr(stored, name, value)
            setattr(link, name, value)
        stored.save()
        # NetBox does so by itself where there is a request. Here is none.
        change = stored.to_objectchange(ObjectChangeActionChoices.ACTION_UPDATE)
        change.user, change.user_name = user, user.get_username() if user else "FGD Sync"
        change.request_id = uuid4()
        change.message = "As FGD Sync has the fabric"
        change.save()


def _register(link: FabricLink, asking: Client) -> dict[str, Any]:
    """Register a fabric, or take over what FGD Sync knows of it. Return what the link is to remember."""
    if link.record is None:
        raise _mismatch("The record of the fabric is not in NetBox any more.", "Delete the link.")
    number = link.requested_fabric_id or link.object_id
    if FabricLink.objects.filter(fabric_id=number).exclude(pk=link.pk).exists():
        raise _mismatch(f"Another link is of fabric {number} of FGD Sync.", "Give the number in FGD Sync in the link.")
    if not (link.repository_url and link.gitops_directory):
        return _adopt(link, asking, number)
    others = type(link.record).objects.exclude(pk=link.object_id)
    if others.filter(pk=number).exists() and not _may_adopt(link):
        raise _mismatch(
            f"{number} is the number of another record in NetBox, which its own fabric would not get any more.",
            f"Give the link another number, or {WHO_MAY}.",
        )
    try:
        answer = asking.post("fabrics", _definition(link, number))
    except FGDSyncError as error:
        # Who may not register a fabric may still link one.
        if error.code != FABRIC_EXISTS and error.status != FORBIDDEN:
            raise
        return _adopt(link, asking, number, error)
    state = StateChoices.SYNCING if link.enabled else StateChoices.SUSPENDED
    return {"fabric_id": number, "state": state, "sync_id": _sync(answer)}


def _definition(link: FabricLink, number: int) -> dict[str, Any]:
    body: dict[str, Any] = {"fabric_id": number, "name": str(link), **{name: getattr(link, name) for name in PLACE}}
    body["netbox"] = _netbox(link, number, {})
    if link.credentials_ref:
        body["credentials"] = {"ref": link.credentials_ref}
    if not link.enabled:
        body["suspend_reason"] = WHY_SUSPENDED
    return body


def _netbox(link: FabricLink, number: int, known: dict[str, Any]) -> dict[str, Any]:
    """Return what FGD Sync's own link of a fabric is to say, as far as it does not."""
    wanted = {**{name: getattr(link, name) for name in NETBOX}, "fabric": link.object_id}
    there = {**known, "fabric": known.get("fabric") or number}
    netbox = {name: value for name, value in wanted.items() if there.get(name) != value}
    if (own := _own_address()) and not _is_here(known):
        netbox["url"] = own
    return netbox


def _own_address() -> str:
    return str(get_plugin_config("netbox_fgd_sync", "netbox_url")).rstrip("/")


def _is_here(netbox: dict[str, Any]) -> bool:
    """Report whether a link of FGD Sync is to this NetBox, and to no other that has the same numbers."""
    url = str(netbox.get("url") or "").rstrip("/")
    if own := _own_address():
        return url.lower() == own.lower()
    try:
        host, _ = split_domain_port(urlsplit(url).netloc)
    except ValueError:
        return False
    # NetBox answers by no other name.
    return not url or validate_host(host, settings.ALLOWED_HOSTS)


def _adopt(link: FabricLink, asking: Client, number: int, taken: FGDSyncError | None = None) -> dict[str, Any]:
    """Link a fabric that FGD Sync knows, unless it is another one than the link means."""
    try:
        known = asking.get(f"fabrics/{number}")
    except FGDSyncError as error:
        # That its name is taken, and not its number, is for people.
        raise (taken if taken and error.status == NOT_FOUND else error) from error
    shown = known["netbox"] if isinstance(known.get("netbox"), dict) else None
    if shown is None or not _is_here(shown) or (shown.get("fabric") or number) != link.object_id:
        _admit(link, known, number)
    learned = _unsaid(link, known)
    body: dict[str, Any] = _place(link, known)
    if netbox := _netbox(link, number, shown or {}):
        body["netbox"] = netbox
    if link.credentials_ref:  # which FGD Sync does not show
        body["credentials"] = {"ref": link.credentials_ref}
    if body:
        asking.patch(f"fabrics/{number}", body)
    suspended = bool(known.get("suspension"))
    if not (link.enabled or suspended):
        _suspend(asking, number)
    # Somebody may have suspended it for a reason: it is not resumed because somebody else has linked it.
    if link.enabled and suspended:
        learned["enabled"] = False
    state = StateChoices.NEVER_SYNCED if link.enabled and not suspended else StateChoices.SUSPENDED
    return {"fabric_id": number, "state": state, **learned}


def _may_adopt(link: FabricLink) -> bool:
    """Report whether it was somebody who may adopt that asked for the number. Who saves the link else lends nothing."""
    user = link.requested_by
    return user is not None and user.is_active and user.has_perm("netbox_fgd_sync.adopt_fabriclink", link)


def _admit(link: FabricLink, known: dict[str, Any], number: int) -> None:
    """Refuse a fabric that FGD Sync does not have for the record, unless who asked may adopt it, and means it.

    Who may not is told nothing about it.
    """
    if not _may_adopt(link):
        here = f"--netbox-url {own}" if (own := _own_address()) else "--netbox"
        raise _mismatch(
            f"FGD Sync has a fabric {number} already, and not for this record.",
            f"Give the link another number in FGD Sync, {WHO_MAY}, or have FGD Sync's administrator say: "
            f"fgd fabric update {number} {here} --netbox-fabric {link.object_id}.",
        )
    if {"repository_url", "gitops_directory"} & _place(link, known).keys():
        there = str(known.get("repository_url") or ""), str(known.get("gitops_directory") or "")
        raise _mismatch(
            f"FGD Sync has a fabric {number} already, in {there[1]} of {there[0]}.",
            "Give the link that repository and directory, or give it another number in FGD Sync.",
        )


def _place(link: FabricLink, known: dict[str, Any]) -> dict[str, Any]:
    """Return where a link has its fabric, as far as FGD Sync has it elsewhere."""
    return {
        name: value
        for name in PLACE
        if (value := _said(link, name)) and _plain(value) != _plain(str(known.get(name) or ""))
    }


def _unsaid(link: FabricLink, known: dict[str, Any]) -> dict[str, Any]:
    """Return where FGD Sync has a fabric, as far as its link does not say it."""
    there = {name: known.get(name) for name in PLACE if not _said(link, name)}
    unsaid = {name: value for name, value in there.items() if value and isinstance(value, str)}
    for name, value in unsaid.items():
        field = link._meta.get_field(name)
        if len(value) > field.max_length or "\0" in value:
            raise _mismatch(
                f"FGD Sync has the fabric in a {field.verbose_name} that a link can't have.",
                f"Have it moved to one of at most {field.max_length} characters.",
            )
    return unsaid


def _said(link: FabricLink, name: str) -> str:
    """Return a field of a link. A branch without a repository is nothing that somebody has said: it has a default."""
    return "" if name == "branch" and not link.repository_url else getattr(link, name)


def _plain(place: str) -> str:
    """Return a URL or a directory without what makes no difference."""
    return place.strip("/").removesuffix(".git")


def _mismatch(message: str, remedy: str) -> FGDSyncError:
    return FGDSyncError(message, remedy, status=CONFLICT)


def _change(link: FabricLink, asking: Client) -> dict[str, Any]:
    """Tell what has changed."""
    wanted = {name: value for name, value in link.wanted().items() if value != link.applied.get(name)}
    if emptied := [name for name in KEPT if wanted.get(name) == ""]:
        raise _mismatch(
            f"FGD Sync keeps what it was told: {', '.join(emptied)} can't be emptied.", "Fill it in at the link."
        )
    body = {name: wanted[name] for name in PLACE if wanted.get(name)}
    if wanted.get("credentials_ref"):
        body["credentials"] = {"ref": wanted["credentials_ref"]}
    if netbox := {name: wanted[name] for name in NETBOX if name in wanted}:
        body["netbox"] = netbox
    if body:
        asking.patch(f"fabrics/{link.fabric_id}", body)
    if "enabled" not in wanted:
        return {}
    if not link.enabled:
        _suspend(asking, link.fabric_id)
        return {"state": StateChoices.SUSPENDED}
    started = _sync(asking.post(f"fabrics/{link.fabric_id}:resume"))
    return {"state": StateChoices.SYNCING, "sync_id": started} if started else {}


def _suspend(asking: Client, number: int) -> None:
    asking.post(f"fabrics/{number}:suspend", {"reason": WHY_SUSPENDED})


def _sync(answer: dict[str, Any]) -> str:
    """Return the sync that was started, if one was."""
    started = answer.get("sync_id")
    return started if isinstance(started, str) and len(started) <= LONGEST_ID else ""
