"""Endpoints for FGD Sync."""

import threading
import time
from typing import Any, ClassVar

from django.conf import settings
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from netbox.plugins import get_plugin_config
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.status import HTTP_410_GONE
from rest_framework.views import APIView

from .. import __version__, feed, recording
from ..models import ChangeRecord

# Both in seconds: how long a reader may wait, which keeps a thread of the web server, and how often is looked.
LONGEST_WAIT = 25
PAUSE = 0.25

MOST_ROWS = 1000
USUAL_ROWS = 100

# One of a process waits at a time: its other threads are for people.
waiting = threading.BoundedSemaphore(1)

GONE = (
    "What comes after this cursor is not all there: it is older than what is kept, or the database was restored. "
    "Compare all records, and go on from the cursor of this answer."
)


class ChangesView(APIView):
    """The feed."""

    # NetBox asks for the permission to view these.
    queryset = ChangeRecord.objects.all()

    @extend_schema(
        operation_id="fgd_sync_changes",
        parameters=[
            OpenApiParameter("after", str, description="The cursor of the answer before; without it, from the start."),
            OpenApiParameter("limit", int, description=f"How many changes at most; {MOST_ROWS} is the highest."),
            OpenApiParameter(
                "wait", int, description=f"For how many seconds to wait for one; {LONGEST_WAIT} is the highest."
            ),
        ],
        responses={200: OpenApiTypes.OBJECT, 410: OpenApiTypes.OBJECT},
    )
    def get(self, request: Request) -> Response:
        """Return what has changed after a cursor, in the order of transactions. Nothing will appear behind it."""
        limit = max(1, number(request, "limit", USUAL_ROWS, MOST_ROWS))
        wait = number(request, "wait", 0, LONGEST_WAIT)
        try:
            after = feed.Cursor.parse(request.query_params.get("after") or str(feed.BEGIN))
        except ValueError:
            raise ValidationError({"after": ["This is no cursor: send that of the answer before."]}) from None
        try:
            page = awaited(request.user, after, limit, wait)
        except feed.GoneError:
            return Response({"detail": GONE, "cursor": str(feed.restart())}, status=HTTP_410_GONE)
        return Response(
            {
                "results": [shown(row) for row in page.rows],
                "cursor": str(page.cursor),
                "blocked_since": feed.blocked_since(),
            }
        )


def number(request: Request, name: str, usual: int, most: int) -> int:
    """Return a parameter that is a number, and at most the highest one."""
    text = request.query_params.get(name)
    if not text:
        return usual
    if not (text.isascii() and text.isdigit()):
        raise ValidationError({name: ["Enter a whole number that is not negative."]})
    return min(int(text[:9]), most)


def awaited(user: Any, after: feed.Cursor, limit: int, wait: int) -> feed.Page:
    """Return what comes after a cursor, as soon as there is something, or none after some seconds."""
    page = feed.read(user, after, limit)
    if page.rows or not wait or not waiting.acquire(blocking=False):
        return page
    try:
        end = time.monotonic() + wait
        while not page.rows and time.monotonic() < end:
            time.sleep(PAUSE)
            page = feed.read(user, page.cursor, limit)
    finally:
        waiting.release()
    return page


def shown(row: Any) -> dict[str, Any]:
    """Return a change as JSON."""
    return {
        "cursor": str(feed.Cursor(row.txid, row.id)),
        "id": row.id,
        "time": row.time,
        "action": row.action,
        "object_type": row.object_type,
        "object_id": row.object_id,
        "fabric": row.fabric_id,
        "kind": row.kind,
        "namespace": row.namespace,
        "name": row.name,
        "content": row.content,
        "user": {"name": row.user_name, "email": row.user_email} if row.user_name else None,
        "request_id": row.request_id,
        "branch": row.branch or None,
        "superseded": row.superseded,
    }


class ProbeView(APIView):
    """What a reader asks before it reads."""

    queryset = ChangeRecord.objects.all()
    versions: ClassVar[dict[str, str]] = {"netbox": settings.RELEASE.full_version, "netbox_fgd_sync": __version__}

    @extend_schema(operation_id="fgd_sync_probe", responses={200: OpenApiTypes.OBJECT})
    def get(self, _request: Request) -> Response:
        """Return versions, the end of the feed, and what time it is."""
        return Response(
            {
                "versions": self.versions,
                "cursor": str(feed.head()),
                "clock": feed.clock(),
                "retention_days": get_plugin_config("netbox_fgd_sync", "retention_days"),
                "kinds": sorted(recording.models()),
            }
        )
