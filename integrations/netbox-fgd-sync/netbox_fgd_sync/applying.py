"""Applies what Git says to records: each item alone, and all of a request in one transaction.

It does what NetBox's own API does for a record, with its validation, its change log, its events and its permissions. It
differs in that a bad item takes back nothing but itself, and that a record which is as it shall be is not touched.
"""

import copy
import logging
import operator
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce
from typing import Any, Self

from django.core.exceptions import ValidationError
from django.db import DatabaseError, DataError, IntegrityError, connection, transaction
from django.db.models import Model, ProtectedError, Q, RestrictedError
from netbox.context import events_queue
from rest_framework.serializers import DateTimeField
from utilities.exceptions import AbortRequest
from utilities.permissions import get_permission_for_model

from . import compat, recording

logger = logging.getLogger("netbox.plugins.netbox_fgd_sync")

UPSERT = "upsert"
DELETE = "delete"

# What an item may say of a record. All else of it is NetBox's.
FIELDS = ("spec", "labels", "annotations")

# No condition. None is one: that there is no such record.
ANYTHING = object()

GENERAL = "__all__"  # where Django has errors that are of no field


@dataclass(frozen=True)
class Item:
    """A record, and what shall become of it."""

    op: str
    model: type[Model]
    fabric: int
    namespace: str
    name: str
    fields: dict[str, Any] = field(default_factory=dict)
    seen: Any = ANYTHING  # when it was changed last, as far as who asks knows

    @property
    def identity(self) -> tuple[type[Model], int, str, str]:
        """Return what there is one record of."""
        return self.model, self.fabric, self.namespace, self.name


@dataclass(frozen=True)
class Outcome:
    """What became of an item."""

    status: str
    record: Model | None = None
    code: str = ""
    errors: dict[str, list[str]] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Report whether the record is as it shall be."""
        return not self.code

    def shown(self) -> dict[str, Any]:
        """Return it as JSON. Times are as NetBox's own API has them."""
        changed: datetime | None = getattr(self.record, "last_updated", None)
        if self.status == "deleted":
            changed = None
        return {
            "status": self.status,
            "id": self.record.pk if self.record else None,
            "last_updated": DateTimeField().to_representation(changed) if changed else None,
            "etag": f'W/"{changed.isoformat()}"' if changed else None,
            "code": self.code,
            "errors": self.errors,
        }


class RefusedError(Exception):
    """Says why an item is not applied."""

    def __init__(self, outcome: Outcome) -> None:
        """Take what became of it instead."""
        super().__init__(outcome.errors)
        self.outcome = outcome


def refused(status: str, code: str, message: str, record: Model | None = None, of: str = GENERAL) -> RefusedError:
    """Return the error of an item that is not applied."""
    return RefusedError(Outcome(status, record, code, {of: [message]}))


class Application:
    """Applies the items of a request, within a transaction."""

    def __init__(self, user: Any, message: str, items: list[Item]) -> None:
        """Lock the records that are there. What may be done with them is decided by the permissions of a user.

        What the user may not see is not there, and what they may not touch keeps nobody else waiting.
        """
        self.user = user
        self.message = message
        self.records: dict[tuple[type[Model], int, str, str], Model] = {}
        self.allowed: dict[tuple[type[Model], str], set[int]] = {}
        # A fabric that is deleted meanwhile is an error of the item, and not of the transaction when it ends.
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        fabrics = recording.models().get(recording.FABRIC)
        self.fabrics = fabrics.objects.in_bulk({item.fabric for item in items}) if fabrics else {}
        of_model = defaultdict(list)
        for item in items:
            if item.fabric in self.fabrics and not self._lacking(item):
                of_model[item.model].append(item)
        for model in sorted(of_model, key=lambda model: model.__name__):
            self._lock(model, these(of_model[model]))

    def _lock(self, model: type[Model], asked: Q) -> None:
        may_write = {
            action: model.objects.restrict(self.user, action).filter(asked).values_list("pk", flat=True)
            for action in ("change", "delete")
        }
        mine = model.objects.filter(asked, Q(pk__in=may_write["change"]) | Q(pk__in=may_write["delete"]))
        locked = set(mine.order_by("pk").select_for_update().values_list("pk", flat=True))
        # A statement after that sees them as nobody changes them any more.
        found = model.objects.restrict(self.user, "view").filter(asked).prefetch_related("tags")
        for record in found:
            record.fabric = self.fabrics[record.fabric_id]
            self.records[model, record.fabric_id, record.namespace, record.name] = record
        self.allowed[model, "view"] = {record.pk for record in found}
        for action, numbers in may_write.items():
            self.allowed[model, action] = locked & set(numbers)

    def apply(self, item: Item) -> Outcome:
        """Apply an item, or say why that was not done."""
        try:
            return self._settled(item) or self._write(item)
        except RefusedError as error:
            return error.outcome
        except ValidationError as error:
            errors = error.message_dict if hasattr(error, "error_dict") else {GENERAL: error.messages}
            return Outcome("invalid", self.records.get(item.identity), "invalid", errors)
        except AbortRequest as error:
            return self._failed(item, "error", "refused", str(error.message))
        except (ProtectedError, RestrictedError):
            return self._failed(item, "error", "protected", "Other objects need this record: delete those first.")
        except DataError as error:
            said = str(error).partition("\n")[0]
            return self._failed(item, "invalid", "invalid", f"The database can't keep it: {said}")
        except IntegrityError:
            why = "Somebody has changed meanwhile what it depends on. Compare, and apply it again."
            return self._failed(item, "conflict", "changed", why)
        except DatabaseError as error:
            said = str(error).partition("\n")[0]
            return self._failed(item, "error", "database", f"The database did not do it, apply it again: {said}")
        except Exception as error:
            logger.exception("Applying %s %s/%s failed", item.model.__name__, item.namespace, item.name)
            why = f"NetBox failed at it ({type(error).__name__}): its log says where."
            return self._failed(item, "error", "internal", why)

    def _failed(self, item: Item, status: str, code: str, message: str) -> Outcome:
        return Outcome(status, self.records.get(item.identity), code, {GENERAL: [message]})

    def _settled(self, item: Item) -> Outcome | None:
        """Return the outcome of an item that is as it shall be, and refuse one that may not become so."""
        if action := self._lacking(item):
            raise denied(action, item.model)
        record = self.records.get(item.identity)
        if record is None:
            if item.op == DELETE:
                return Outcome("unchanged")
            self._permit_new(item)
            return None
        self._permit("view", record)
        self._permit("delete" if item.op == DELETE else "change", record)
        unmoved(item, record)
        return Outcome("unchanged", record) if item.op == UPSERT and not changes(item, record) else None

    def _write(self, item: Item) -> Outcome:
        record = self.records.get(item.identity)
        with transaction.atomic(), kept_events(), events_of(item.model):
            if record is None:
                return self._create(item)
            return self._delete(item, record) if item.op == DELETE else self._update(item, record)

    def _create(self, item: Item) -> Outcome:
        record = item.model(fabric=self.fabrics[item.fabric], namespace=item.namespace, name=item.name, **item.fields)
        self._save(record, "add")
        self.records[item.identity] = record
        return Outcome("created", record)

    def _update(self, item: Item, known: Model) -> Outcome:
        record = copy.copy(known)  # which stays as it is, where this fails
        record.snapshot()
        for name, value in changes(item, known).items():
            setattr(record, name, value)
        self._save(record, "change")
        self.records[item.identity] = record
        return Outcome("updated", record)

    def _save(self, record: Model, action: str) -> None:
        record._changelog_message = self.message
        record.full_clean(exclude=("fabric",))  # which was looked up
        record.save()
        # What it has become may be something that the user may not have. Without constraints there is nothing to ask.
        allowed = type(record).objects.restrict(self.user, action)
        if allowed.query.where and not allowed.filter(pk=record.pk).exists():
            raise denied(action, type(record))

    def _delete(self, item: Item, known: Model) -> Outcome:
        record = copy.copy(known)  # the other one keeps its number
        record._changelog_message = self.message
        record.delete()
        del self.records[item.identity]
        return Outcome("deleted", known)

    def _lacking(self, item: Item) -> str:
        """Return what the user may do with no record of a kind, though an item asks for it."""
        if not self._may("view", item.model):
            return "view"
        if item.op == DELETE:
            return "" if self._may("delete", item.model) else "delete"
        return "" if self._may("change", item.model) or self._may("add", item.model) else "change"

    def _may(self, action: str, model: type[Model]) -> bool:
        return bool(self.user.has_perm(get_permission_for_model(model, action)))

    def _permit_new(self, item: Item) -> None:
        if not self._may("add", item.model):
            raise denied("add", item.model)
        if item.fabric not in self.fabrics:
            raise refused("invalid", "invalid", f"There is no fabric with the number {item.fabric}.", of="fabric")
        if item.seen not in (ANYTHING, None):
            raise refused("conflict", "gone", "The record is not there any more.")

    def _permit(self, action: str, record: Model) -> None:
        model = type(record)
        if record.pk in self.allowed[model, action]:
            return
        # One that was made just now is among none of those, and one that was there before is seen at least.
        found = record.pk in self.allowed[model, "view"]
        if found or not model.objects.restrict(self.user, action).filter(pk=record.pk).exists():
            raise denied(action, model)


def denied(action: str, model: type[Model]) -> RefusedError:
    """Return the error of what a user may not do."""
    why = f"The user of the token may not {action} this {model._meta.verbose_name}."
    return refused("error", "permission_denied", f"{why} Give them the permission to.")


def these(items: Iterable[Item]) -> Q:
    """Return the condition that is met by the records of items, and by no others."""
    names = defaultdict(set)
    for item in items:
        names[item.fabric, item.namespace].add(item.name)
    return reduce(
        operator.or_,
        (
            Q(fabric_id=fabric, namespace=namespace, name__in=sorted(of_both))
            for (fabric, namespace), of_both in names.items()
        ),
    )


def changes(item: Item, record: Model) -> dict[str, Any]:
    """Return the fields of an item that a record has otherwise."""
    return {name: value for name, value in item.fields.items() if not same(getattr(record, name), value)}


def unmoved(item: Item, record: Model) -> None:
    """Refuse an item when its record is not as who asks has seen it."""
    if item.seen is ANYTHING or item.seen == record.last_updated:
        return
    if item.seen is None:
        raise refused("conflict", "exists", "There is such a record already.", record)
    raise refused("conflict", "changed", "The record has changed meanwhile.", record)


def same(one: Any, other: Any) -> bool:
    """Report whether two values are the same as JSON: numbers by what they are, and a truth is no number."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(same(*pair) for pair in zip(one, other, strict=True))
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


@contextmanager
def kept_events() -> Iterator[None]:
    """Drop the events of a block that fails, and no others. It is within the transaction that is taken back."""
    before = dict(events_queue.get())
    try:
        yield
    except Exception:
        events_queue.set(before)
        raise


class Unsent(dict[str, Any]):
    """A queue of events that are never sent."""

    def __setitem__(self, key: str, event: Any) -> None:
        """Keep an event from being shown, as it is when a record is deleted."""
        event.freeze_data = lambda _instance: None
        super().__setitem__(key, event)

    @classmethod
    @contextmanager
    def queue(cls) -> Iterator[Self]:
        """Take the events of a block."""
        token = events_queue.set(cls())
        try:
            yield events_queue.get()
        finally:
            events_queue.reset(token)


@contextmanager
def events_of(model: type[Model]) -> Iterator[None]:
    """Keep NetBox from sending events of what it can't show: it would fail after the change was made (Q2)."""
    if compat.has_page(model):
        yield
        return
    with Unsent.queue():
        yield
