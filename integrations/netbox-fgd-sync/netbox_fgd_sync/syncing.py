"""Has FGD Sync do something with a fabric, for pages, the API and event rules alike."""

from typing import Any

from .choices import StateChoices
from .client import FGDSyncError, client
from .models import FabricLink
from .transport import BAD_GATEWAY

LONGEST_ID = 64

ANSWERED = ("sync_id", "status", "status_url", "websocket_url")


def start(link: FabricLink, user: Any, dry_run: bool = False) -> dict[str, Any]:
    """Start a sync or a dry run in the name of a user, and return its sync_id, status, status_url and websocket_url."""
    answer = client(user).post(f"fabrics/{number(link)}/syncs", {"options": {"validate_only": dry_run}})
    sync_id = answer.get("sync_id")
    if not isinstance(sync_id, str) or not 0 < len(sync_id) <= LONGEST_ID:
        raise FGDSyncError(
            "FGD Sync does not say which sync it has started.", "See the list of syncs.", status=BAD_GATEWAY
        )
    if not dry_run:
        FabricLink.objects.filter(pk=link.pk).update(state=StateChoices.SYNCING, sync_id=sync_id)
    return {name: answer.get(name) for name in ANSWERED}


def number(link: FabricLink) -> int:
    """Return how FGD Sync numbers the fabric of a link."""
    if link.fabric_id is None:
        raise FGDSyncError(
            "FGD Sync does not know the fabric yet.",
            link.error or "It is registered within a minute, by the worker of NetBox: see that one runs.",
        )
    return link.fabric_id
