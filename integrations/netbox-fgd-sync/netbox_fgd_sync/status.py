"""Asks FGD Sync how fabrics are, keeps that for pages, and tells NetBox when it changes.

A fabric costs two requests: its newest syncs, and how the delivery of its records is. What is in quarantine is asked
for only when it can be another than before, because FGD Sync looks into the repository for it.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from . import events
from .answers import listed, member, whole
from .choices import StateChoices
from .client import UNAUTHORIZED, AwayError, Client, FGDSyncError, NotConfiguredError, client
from .models import FabricLink
from .registration import NOT_FOUND
from .remedies import remedy

# Of so many syncs one may have made a commit since the last time, and one is no dry run, which say nothing of a fabric.
NEWEST = 20

# How many fabrics there are in a page, and in how many pages.
MOST_FABRICS = 1000
MOST_PAGES = 20

# Of a sync, and of a commit, in characters.
LONGEST_NAME = 64

# How old the time may get at which a fabric was seen that is as it was.
SEEN_EVERY = timedelta(minutes=5)

COMPLETED = "completed"
FAILED = "failed"
CANCELLED = "cancelled"
ENDED = (COMPLETED, FAILED)

# What FGD Sync counts of the records of a fabric, and what of that people have to look at.
RECORDS = ("proven", "pending", "undeliverable", "held", "merging", "conflicts", "without_model")
ATTENTION = ("undeliverable", "held", "conflicts", "quarantined")

# What is the matter with a fabric, by its count, and the event when it begins.
TROUBLES = {
    "failed": events.SYNC_FAILED,
    "quarantined": events.QUARANTINED,
    "conflicts": events.CONFLICT,
}

# Refusals of HTTP that are about NetBox or its token, and not about a repository.
ABOUT_NETBOX = (UNAUTHORIZED, 403, 429)

CACHED = ("state", "sync_id", "commit_sha", "error", "counts")


def fabrics() -> dict[int, dict[str, Any]]:
    """Return all fabrics that FGD Sync knows, by number."""
    asking = client()
    found: dict[int, dict[str, Any]] = {}
    token = ""
    for _ in range(MOST_PAGES):
        answer = asking.get("fabrics", {"limit": MOST_FABRICS, "page_token": token})
        found.update((whole(fabric, "fabric_id"), fabric) for fabric in listed(answer, "fabrics"))
        token = str(answer.get("next_page_token") or "")
        if not token:
            break
    return found


def refresh(link: FabricLink, fabric: dict[str, Any] | None = None, asking: Client | None = None) -> None:
    """Learn how a fabric is, and fire events of what has changed. The fabric is asked for, if the caller has not."""
    if not link.applied:
        raise FGDSyncError(
            "FGD Sync does not know the fabric yet.",
            link.error or "It is registered within a minute, by the worker of NetBox: see that one runs.",
        )
    try:
        asking = asking or client()
        if fabric is None:
            fabric = asking.get(f"fabrics/{link.fabric_id}")
        if _is_elsewhere(link, fabric):
            _let_go(link)
            return
        seen = _look(link, asking, fabric)
    except FGDSyncError as error:
        if error.status == NOT_FOUND:
            _keep(link, {"state": StateChoices.ATTENTION, "error": _plain(error.sentence)})
        raise
    before = link.counts
    # Nobody has heard of the link yet when a sync made a commit that was before it.
    first = link.seen_at is None and seen["sync_id"] != link.sync_id
    committed = seen["commit_sha"] != link.commit_sha and not first
    # Who is notified learns it in the same transaction, so that nothing is known that nobody was told.
    with transaction.atomic():
        if _keep(link, seen):
            for event in _news(before, link.counts, committed):
                events.fire(link, event)


def _is_elsewhere(link: FabricLink, fabric: dict[str, Any]) -> bool:
    """Report whether FGD Sync has the fabric for another record by now, as somebody there has said."""
    record = whole(member(fabric, "netbox"), "fabric")
    return bool(record) and record != link.object_id


def _let_go(link: FabricLink) -> None:
    """Have a link reach its fabric no longer: it is that of another record, whose link it is for."""
    now: dict[str, Any] = {
        "fabric_id": None,
        "applied": {},
        "state": StateChoices.ATTENTION,
        "error": f"FGD Sync has fabric {link.fabric_id} for another record by now. Link that record instead.",
        "counts": {},
    }
    FabricLink.objects.filter(pk=link.pk).update(**now)
    for name, value in now.items():
        setattr(link, name, value)


def _look(link: FabricLink, asking: Client, fabric: dict[str, Any]) -> dict[str, Any]:
    """Return what there is to see of a fabric, as cached fields."""
    path = f"fabrics/{link.fabric_id}"
    found = listed(asking.get(f"{path}/syncs", {"limit": NEWEST}), "syncs")
    syncs = [sync for sync in found if not sync.get("validate_only")]
    delivery: dict[str, Any] = {}
    if fabric.get("netbox"):
        delivery = member(asking.get(f"{path}/receipts", {"limit": 1}), "delivery")
    newest = next((sync for sync in syncs if sync.get("state") != CANCELLED), {})
    ended = next((sync for sync in syncs if sync.get("state") in ENDED), {})
    runs = bool(newest) and newest is not ended
    counts = {name: whole(delivery, name) for name in RECORDS}
    counts["failed"] = int(ended["state"] == FAILED) if ended else link.counts.get("failed", 0)
    if (quarantined := _quarantined(link, asking, newest, runs)) is not None:
        counts["quarantined"] = quarantined
    return {
        "sync_id": _name(newest, "sync_id") or link.sync_id,
        "commit_sha": next(_commits(syncs), link.commit_sha),
        "counts": counts,
        "state": _state(fabric, newest, runs, _troubled(link, counts, delivery), _arrives(newest, delivery)),
        "error": _plain(_error(link, asking, ended if counts["failed"] and not runs else {}, delivery)),
    }


def _commits(syncs: list[dict[str, Any]]) -> Iterator[str]:
    """Return the commits that completed syncs have made, the newest first."""
    for sync in syncs:
        commit = _name(member(sync, "result"), "commit_sha")
        if sync.get("state") == COMPLETED and commit:
            yield commit


def _quarantined(link: FabricLink, asking: Client, newest: dict[str, Any], runs: bool) -> int | None:
    """Return how many files are in quarantine, or None where that is to be asked for again.

    Only syncs put some there, and people take them out.
    """
    known: int | None = link.counts.get("quarantined")
    if runs or not newest:
        return known or 0
    if known == 0 and newest.get("sync_id") == link.sync_id and link.state != StateChoices.SYNCING:
        return known
    try:
        return whole(asking.get(f"fabrics/{link.fabric_id}/quarantine", {"limit": 1}), "total")
    except FGDSyncError as error:
        if isinstance(error, AwayError | NotConfiguredError) or error.status in ABOUT_NETBOX:
            raise
        return known or None  # the repository can't be read, as the state of the sync says


def _arrives(newest: dict[str, Any], delivery: dict[str, Any]) -> bool:
    """Report whether records are on their way, or nobody has begun to look at what the newest sync has left."""
    if not delivery:
        return False
    known = any(whole(delivery, name) for name in RECORDS)
    return (
        bool(whole(delivery, "pending") or whole(delivery, "merging"))
        or delivery.get("published_commit") != delivery.get("proven_commit")
        or (not known and whole(member(newest, "result"), "resources_total") > 0)
    )


def _troubled(link: FabricLink, counts: dict[str, int], delivery: dict[str, Any]) -> bool:
    """Report whether somebody has to look at a fabric, or at its link, which FGD Sync does not take as it is."""
    refused = link.error and link.wanted() != link.applied
    return bool(refused or delivery.get("problem")) or any(counts.get(name) for name in ATTENTION)


def _state(fabric: dict[str, Any], newest: dict[str, Any], runs: bool, troubled: bool, arrives: bool) -> str:
    """Return the word for all of that."""
    rules = (
        (newest.get("state") == FAILED, StateChoices.FAILED),
        (fabric.get("suspension"), StateChoices.SUSPENDED),
        (runs, StateChoices.SYNCING),
        (not newest, StateChoices.NEVER_SYNCED),
        (troubled, StateChoices.ATTENTION),
        (arrives, StateChoices.SYNCING),
    )
    return next((state for holds, state in rules if holds), StateChoices.IN_SYNC)


def _error(link: FabricLink, asking: Client, failed: dict[str, Any], delivery: dict[str, Any]) -> str:
    """Return what people have to know, with what to do about it."""
    if link.wanted() != link.applied:
        return link.error  # of what FGD Sync has not taken yet
    if failed:
        if failed.get("sync_id") == link.sync_id and link.state == StateChoices.FAILED:
            return link.error
        errors = listed(asking.get(f"syncs/{failed.get('sync_id')}"), "errors")
        first = errors[0] if errors else {}
        return f"{first.get('message') or 'The last sync failed.'} {remedy(first)}".strip()
    return f"{delivery['problem']} {remedy(delivery)}".strip() if delivery.get("problem") else ""


def _keep(link: FabricLink, seen: dict[str, Any]) -> bool:
    """Write what differs, and report whether it does. Of several that have seen the same, one has it written."""
    now = timezone.now()
    differs = any(getattr(link, name) != value for name, value in seen.items())
    if not differs and link.seen_at and now - link.seen_at < SEEN_EVERY:
        return False
    known = {name: getattr(link, name) for name in CACHED}
    written = FabricLink.objects.filter(pk=link.pk, **known).update(**seen, seen_at=now)
    if not written:
        link.refresh_from_db(fields=[*CACHED, "seen_at"])
        return False
    for name, value in {**seen, "seen_at": now}.items():
        setattr(link, name, value)
    return differs


def _news(before: dict[str, int], now: dict[str, int], committed: bool) -> Iterator[str]:
    """Return the events of what is over, was done and has begun; what has begun last, since people see the last."""
    if any(before.get(trouble) and not now.get(trouble) for trouble in TROUBLES):
        yield events.RECOVERED
    if committed:
        yield events.SYNC_COMPLETED
    for trouble, event in TROUBLES.items():
        if now.get(trouble) and not before.get(trouble):
            yield event


def _name(answer: dict[str, Any], name: str) -> str:
    """Return what something is named by in an answer, where that can be kept."""
    value = answer.get(name)
    return value if isinstance(value, str) and len(value) <= LONGEST_NAME and value.isprintable() else ""


def _plain(text: str) -> str:
    """Return a text without what PostgreSQL does not take."""
    return text.replace("\0", "").encode(errors="replace").decode()
