"""Writes the feed.

A change is recorded by one statement in the transaction that makes it. The statement reads the record as it is in the
database, and not as a process has it in memory: what somebody left out of a save, or let the database compute, is
recorded as it is. It compares that with the last change of the record, and writes nothing where nothing is different.
"""

from functools import cache
from typing import Any

from django.apps import apps
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Model
from django.db.models.signals import post_save, pre_delete
from netbox.context import current_request

from .models import Action, ChangeRecord

PLUGIN = "netbox_hedgehog"
FABRIC = "HedgehogFabric"
KINDS: tuple[str, ...] = (
    "Connection",
    "External",
    "ExternalAttachment",
    "ExternalPeering",
    "IPv4Namespace",
    "Server",
    "Switch",
    "SwitchGroup",
    "VLANNamespace",
    "VPC",
    "VPCAttachment",
    "VPCPeering",
)

# Fields that are recorded as content. Of a fabric there are neither secrets among them nor what a sync writes.
CONTENT = ("spec", "labels", "annotations", "auto_sync")
FABRIC_CONTENT = ("description", "status")

# {record} is locked, so that what is recorded of it is in the order of its changes also where a save is a transaction
# of its own, and the change another.
RECORD = """
INSERT INTO {feed} (txid, cluster, time, action, object_type, object_id, fabric_id, kind, namespace, name, content,
    user_name, user_email, request_id, branch)
SELECT pg_current_xact_id()::text::bigint, {cluster}, clock_timestamp(), %(action)s, %(object_type)s, record.id,
    {fabric_id}, %(kind)s, {namespace}, {name}, {content},
    %(user_name)s, %(user_email)s, %(request_id)s::uuid, %(branch)s
FROM {record} record
LEFT JOIN LATERAL (
    SELECT action, fabric_id, namespace, name, content FROM {feed}
    WHERE object_type = %(object_type)s AND object_id = record.id AND branch = %(branch)s
    ORDER BY id DESC LIMIT 1
) last ON true
WHERE record.id = %(object_id)s AND ({different})
FOR NO KEY UPDATE OF record
"""

CHANGED = """last.action IS NULL OR last.action = 'deleted'
    OR (last.fabric_id, last.namespace, last.name, last.content) <> ({fabric_id}, {namespace}, {name}, {content})"""

DELETED = "last.action IS DISTINCT FROM 'deleted'"


def models() -> dict[str, type[Model]]:
    """Return the models whose records are recorded, by kind. What is not installed is not among them."""
    found = {}
    for kind in (FABRIC, *KINDS):
        try:
            model = apps.get_model(PLUGIN, kind)
        except LookupError:
            continue
        if not missing(model):
            found[kind] = model
    return found


def missing(model: type[Model]) -> set[str]:
    """Return the fields that a model would need to be recorded, and does not have."""
    needed = {"name", *FABRIC_CONTENT} if model.__name__ == FABRIC else {"fabric", "namespace", "name", *CONTENT}
    return needed - {field.name for field in model._meta.get_fields()}


def begin() -> None:
    """Begin to record."""
    for kind, model in models().items():
        post_save.connect(saved, sender=model, dispatch_uid=f"fgd-sync-saved-{kind}")
        pre_delete.connect(deleted, sender=model, dispatch_uid=f"fgd-sync-deleted-{kind}")


def saved(
    sender: type[Model], instance: Model, created: bool, using: str, update_fields: frozenset[str] | None, **_: Any
) -> None:
    """Record what was made or changed, unless the save left alone all that is recorded."""
    if update_fields is not None and not update_fields & watched(sender):
        return
    record(sender, instance, Action.CREATED if created else Action.UPDATED, using)


def deleted(sender: type[Model], instance: Model, using: str, **_: Any) -> None:
    """Record what is about to be deleted, in the transaction that deletes it."""
    record(sender, instance, Action.DELETED, using)


@cache
def watched(model: type[Model]) -> frozenset[str]:
    """Return the names that a save can give to fields which are recorded."""
    recorded = {"name", *FABRIC_CONTENT} if model.__name__ == FABRIC else {"fabric", "namespace", "name", *CONTENT}
    return frozenset(recorded | {model._meta.get_field(name).attname for name in recorded})


def record(model: type[Model], instance: Model, action: str, using: str) -> None:
    """Write a row, unless the record is as the last row of it says."""
    request = current_request.get()
    user = getattr(request, "user", None)
    number = getattr(request, "id", None)
    values = {
        "action": str(action),
        "object_type": model._meta.label_lower,
        "object_id": instance.pk,
        "kind": model.__name__,
        "user_name": (user.get_username() if user else "")[:150],
        "user_email": (getattr(user, "email", None) or "")[:254],
        "request_id": str(number) if number else None,
        "branch": "" if using == DEFAULT_DB_ALIAS else using,
    }
    # A branch is a connection whose schema has no such table, so that the row goes to that of the main one.
    with connections[using].cursor() as cursor:
        cursor.execute(statement(model, action == Action.DELETED, cluster(using)), values)


@cache
def statement(model: type[Model], deletes: bool, identifier: str) -> str:
    """Return the statement that records a change of a record of a model."""
    quote = connections[DEFAULT_DB_ALIAS].ops.quote_name

    def column(name: str) -> str:
        return "record." + quote(model._meta.get_field(name).column)

    fabric = model.__name__ == FABRIC
    content = ", ".join(f"'{name}', {column(name)}" for name in (FABRIC_CONTENT if fabric else CONTENT))
    parts = {
        "fabric_id": column("id") if fabric else column("fabric"),
        "namespace": "''" if fabric else column("namespace"),
        "name": column("name"),
        "content": f"jsonb_build_object({content})",
    }
    return RECORD.format(
        feed=quote(ChangeRecord._meta.db_table),
        record=quote(model._meta.db_table),
        cluster=identifier,
        different=DELETED if deletes else CHANGED.format(**parts),
        **parts,
    )


@cache
def cluster(using: str) -> str:
    """Return the expression that identifies the cluster, which is a zero where that may not be asked for."""
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT has_function_privilege('pg_control_system()', 'execute')")
        (allowed,) = cursor.fetchone()
    return "(SELECT system_identifier FROM pg_control_system())" if allowed else "0::bigint"
