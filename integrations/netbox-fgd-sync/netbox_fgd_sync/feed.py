"""Reads the feed.

Rows are in the order of their transactions, and only those are shown before which no transaction is open: so nothing
appears later behind what somebody has read. A transaction has its number from its first change. Where it changes a
record after one with a higher number did, which has ended since, the change of the other one comes behind it, and is
marked as superseded. Of one record the change with the higher id is the later one.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Self

from django.db import DEFAULT_DB_ALIAS, connection, transaction
from django.db.models import BigIntegerField, Exists, Func, OuterRef, Q, QuerySet, TextField
from django.db.models.functions import Cast, Length, Now

from .models import Action, ChangeRecord
from .recording import cluster

# The content of the rows of an answer, in characters, beyond which it gets no more of them.
MOST_CONTENT = 4 << 20


class Cursor(NamedTuple):
    """A place in the feed: the last row that was read."""

    txid: int
    id: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return what a text says; a ValueError where it is none."""
        txid, dot, number = text.partition(".")
        if not (dot and txid.isascii() and txid.isdigit() and number.isascii() and number.isdigit()):
            raise ValueError(text)
        place = cls(int(txid), int(number))
        if max(place) >= 1 << 63:
            raise ValueError(text)
        return place

    def __str__(self) -> str:
        """Return it as readers keep it."""
        return f"{self.txid}.{self.id}"


BEGIN = Cursor(0, 0)

CURRENT = Func(template="pg_current_xact_id()::text::bigint", arity=0, output_field=BigIntegerField())

# What a row says that says nothing.
MARK: dict[str, Any] = {
    "action": Action.PRUNED,
    "object_type": "",
    "object_id": 0,
    "fabric_id": 0,
    "kind": "",
    "namespace": "",
    "name": "",
    "content": {},
    "user_name": "",
    "user_email": "",
    "request_id": None,
    "branch": "",
}


class GoneError(Exception):
    """Says that what comes after a cursor is not all there."""


@dataclass(frozen=True)
class Page:
    """What comes after a cursor, and the cursor behind it."""

    rows: list[ChangeRecord]
    cursor: Cursor


def oldest_open() -> Func:
    """Return an expression of the number of the oldest transaction that is open, before which nothing changes."""
    return Func(
        template="pg_snapshot_xmin(pg_current_snapshot())::text::bigint", arity=0, output_field=BigIntegerField()
    )


def here() -> Func:
    """Return an expression that identifies the cluster."""
    return Func(template=cluster(DEFAULT_DB_ALIAS), arity=0, output_field=BigIntegerField())


def settled() -> QuerySet[ChangeRecord]:
    """Return the rows that have their place in the feed for good."""
    return ChangeRecord.objects.filter(cluster=here(), txid__lt=oldest_open())


def head() -> Cursor:
    """Return the end of the feed."""
    last = settled().order_by("-txid", "-id").values_list("txid", "id").first()
    return Cursor(*last) if last else BEGIN


def read(user: Any, after: Cursor, limit: int) -> Page:
    """Return what comes after a cursor that a user may see, or raise GoneError."""
    end = head()  # asked first: what comes before it will be among the rows, if it is for this user
    page = Page([], after)
    if end > after:
        page = _rows(user, after, limit, end)
    _check(after)  # asked last: what is pruned meanwhile may be missing
    return page


def _rows(user: Any, after: Cursor, limit: int, end: Cursor) -> Page:
    rows = settled().restrict(user, "view").exclude(action=Action.PRUNED)
    rows = rows.filter(txid__gte=after.txid).filter(Q(txid__gt=after.txid) | Q(id__gt=after.id)).order_by("txid", "id")
    sizes = rows.annotate(size=Length(Cast("content", TextField()))).values_list("id", "size")[:limit]
    taken: list[int] = []
    total = 0
    for number, size in sizes:
        total += size
        if taken and total > MOST_CONTENT:
            break
        taken.append(number)
    whole = len(taken) == len(sizes) < limit
    overtaken = ChangeRecord.objects.filter(
        object_type=OuterRef("object_type"),
        object_id=OuterRef("object_id"),
        branch=OuterRef("branch"),
        id__gt=OuterRef("id"),
        txid__lt=OuterRef("txid"),
        cluster=OuterRef("cluster"),
    )
    found = list(
        ChangeRecord.objects.filter(pk__in=taken).annotate(superseded=Exists(overtaken)).order_by("txid", "id")
    )
    last = Cursor(found[-1].txid, found[-1].id) if found else after
    return Page(found, max(last, end) if whole else last)


def _check(after: Cursor) -> None:
    """Raise GoneError where rows after a cursor were pruned, or where it is of another database than this one."""
    mark = _marks().order_by("-txid", "-id").values_list("txid", "id").first()
    if mark and after < Cursor(*mark):
        raise GoneError
    if after == BEGIN:
        first = (
            ChangeRecord.objects.order_by("id").annotate(ours=Q(cluster=here())).values_list("ours", flat=True).first()
        )
        known = first is not False
    else:
        known = ChangeRecord.objects.filter(cluster=here(), txid=after.txid, pk=after.id).exists()
    if not known:
        raise GoneError


def _marks() -> QuerySet[ChangeRecord]:
    return ChangeRecord.objects.filter(cluster=here(), action=Action.PRUNED)


def restart() -> Cursor:
    """Return the cursor from which somebody goes on who compares all records after this.

    A database that was restored from a dump gets a mark first, where nothing has changed since then.
    """
    if not ChangeRecord.objects.filter(cluster=here()).exists() and ChangeRecord.objects.exists():
        ChangeRecord.objects.create(txid=CURRENT, cluster=here(), time=Now(), **MARK)
    return head()


BLOCKED = """
SELECT coalesce(
    (SELECT min(xact_start) FROM pg_stat_activity WHERE backend_xid = oldest.xmin::xid),
    (SELECT min(prepared) FROM pg_prepared_xacts WHERE transaction = oldest.xmin::xid),
    waiting.since)
FROM (SELECT pg_snapshot_xmin(pg_current_snapshot()) AS xmin) oldest,
LATERAL (SELECT min(time) AS since FROM netbox_fgd_sync_changerecord
    WHERE txid >= oldest.xmin::text::bigint AND cluster = {cluster}) waiting
WHERE waiting.since IS NOT NULL
"""


def blocked_since() -> datetime | None:
    """Return since when a transaction is open that holds back what others have committed, or None."""
    with connection.cursor() as cursor:
        cursor.execute(BLOCKED.format(cluster=cluster(DEFAULT_DB_ALIAS)))
        found = cursor.fetchone()
    return found[0] if found else None


def clock() -> datetime:
    """Return what time it is for the database, which the times of the rows are of."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (now,) = cursor.fetchone()
    return now


def told(pruned: int) -> str:
    """Return for people how many changes were deleted."""
    return f"{pruned} {'change was' if pruned == 1 else 'changes were'} deleted"


def prune(before: datetime) -> int:
    """Delete the rows from before a time, and return how many.

    What the last change of a record was stays, unless it was deleted: a save that changes nothing is known by it. So
    does one row of those that go, without what it said, as a mark of how far.
    """
    newer = ChangeRecord.objects.filter(
        object_type=OuterRef("object_type"),
        object_id=OuterRef("object_id"),
        branch=OuterRef("branch"),
        id__gt=OuterRef("id"),
    )
    with transaction.atomic():
        going = (
            ChangeRecord.objects.filter(time__lt=before)
            .filter(Q(txid__lt=oldest_open()) | ~Q(cluster=here()))
            .filter(Q(action__in=(Action.DELETED, Action.PRUNED)) | Exists(newer))
        )
        mark = going.filter(cluster=here()).order_by("-txid", "-id").first()
        if mark:
            going = going.exclude(pk=mark.pk)
        # There may be very many: NetBox hears of what else is deleted, and would have each of them read for that.
        count: int = going._raw_delete(going.db)
        if mark and mark.action != Action.PRUNED:
            ChangeRecord.objects.filter(pk=mark.pk).update(**MARK)
            count += 1
    return count
