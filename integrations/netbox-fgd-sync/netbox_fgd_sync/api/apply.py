"""The endpoint that applies what Git says: many records with one request, each with an outcome of its own."""

import hashlib
from collections.abc import Callable
from typing import Any, ClassVar

from core.models import ObjectChange
from django.contrib.contenttypes.models import ContentType
from django.core.cache import cache
from django.db import connection, transaction
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from netbox.api.authentication import TokenPermissions
from rest_framework import serializers
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.status import (
    HTTP_200_OK,
    HTTP_207_MULTI_STATUS,
    HTTP_409_CONFLICT,
    HTTP_413_REQUEST_ENTITY_TOO_LARGE,
    HTTP_503_SERVICE_UNAVAILABLE,
)
from rest_framework.views import APIView
from users.models import User

from .. import applying, fabrics, recording
from ..models import FabricLink

MOST_ITEMS = 500
MOST_BYTES = 1 << 20
DEEPEST = 64  # of values in values

# For how many seconds the answer to a request is kept, for who asks again.
KEPT = 24 * 60 * 60

LONGEST_MESSAGE = 200  # what the column of the change log takes
SHORT_SHA = 8


class ApplyPermission(TokenPermissions):
    """Takes whoever NetBox knows, with a token that may write. What may be done is asked for each record."""

    perms_map: ClassVar[dict[str, list[str]]] = {**TokenPermissions.perms_map, "POST": []}

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Refuse who is not logged in, also where anybody may look."""
        return bool(request.user.is_authenticated and super().has_permission(request, view))


class TooLargeError(APIException):
    """Says that a body is too large."""

    status_code = HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = f"A body has at most {MOST_BYTES} bytes: send fewer items with each request."


class OtherRequestError(APIException):
    """Says that a key belongs to another request."""

    status_code = HTTP_409_CONFLICT
    default_detail = "There was another request with this request_key. Take a new one for each request."


class BusyError(APIException):
    """Says that the same request is being done, for somebody who has asked before."""

    status_code = HTTP_503_SERVICE_UNAVAILABLE
    default_detail = "The request with this request_key is being done. Send it again in a moment, for its answer."
    wait = 1  # for how many seconds, as the header Retry-After has it


class Closed(serializers.Serializer):
    """A serializer that takes nothing it does not know."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """Refuse other fields: who sends them expects something of them."""
        if isinstance(data, dict) and (others := data.keys() - self.fields.keys()):
            known = ", ".join(self.fields)
            raise ValidationError({str(name): [f"There is no such field. There are: {known}."] for name in others})
        return super().to_internal_value(data)


class CommitSerializer(Closed):
    """A commit."""

    sha = serializers.RegexField(r"^[0-9a-f]{7,64}$")
    subject = serializers.CharField(required=False, allow_blank=True, default="")


class AuthorSerializer(Closed):
    """Who made it."""

    name = serializers.CharField(required=False, allow_blank=True, default="")
    email = serializers.CharField(required=False, allow_blank=True, default="")


class ApplySerializer(Closed):
    """A request. Its items are looked at one by one."""

    request_key = serializers.CharField(max_length=200)
    commit = CommitSerializer()
    author = AuthorSerializer(required=False)
    items = serializers.ListField(child=serializers.DictField(), min_length=1, max_length=MOST_ITEMS)


class FieldsSerializer(Closed):
    """What a record shall have. What is left out stays as it is."""

    spec = serializers.JSONField(required=False)
    labels = serializers.JSONField(required=False)
    annotations = serializers.JSONField(required=False)


class ItemSerializer(Closed):
    """An item."""

    op = serializers.ChoiceField((applying.UPSERT, applying.DELETE))
    kind = serializers.CharField()
    fabric = serializers.IntegerField(min_value=1, max_value=2**63 - 1)
    namespace = serializers.CharField(required=False, default="default", max_length=253)
    name = serializers.CharField(max_length=253)
    fields = FieldsSerializer(required=False, default=dict)
    if_last_updated = serializers.DateTimeField(required=False, allow_null=True)


class ApplyView(APIView):
    """Applies items."""

    queryset = FabricLink.objects.all()
    permission_classes = (ApplyPermission,)
    parser_classes = (JSONParser,)

    @extend_schema(
        operation_id="fgd_sync_apply",
        request=ApplySerializer,
        responses={200: OpenApiTypes.OBJECT, 207: OpenApiTypes.OBJECT},
    )
    def post(self, request: Request) -> Response:
        """Make, change and delete records, and say of each what became of it. 207 when one is not as it shall be."""
        asked = read(request)
        answer = once(request, asked["request_key"], lambda: applied(request, asked))
        well = all(not result["code"] for result in answer["results"])
        return Response(answer, status=HTTP_200_OK if well else HTTP_207_MULTI_STATUS)


def read(request: Request) -> dict[str, Any]:
    """Return what is asked for."""
    if int(request.META.get("CONTENT_LENGTH") or 0) > MOST_BYTES:
        raise TooLargeError
    _ = request._request.body  # it is kept, to know the request again
    try:
        data = request.data
    except RecursionError:
        raise ValidationError({"items": [TOO_DEEP]}) from None
    asked = ApplySerializer(data=data)
    asked.is_valid(raise_exception=True)
    return dict(asked.validated_data)


TOO_DEEP = f"At most {DEEPEST} values may be within each other."


def once(request: Request, key: str, do: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Do something in a transaction; return the answer of then, where the same was asked for already.

    An answer is kept before the transaction ends, with its number: the answer of one that never ended counts for
    nothing. Who asks the same at the same time is told so, and keeps no process of the web server.
    """
    name = name_of(request.user, key)
    digest = hashlib.sha256(request._request.body).hexdigest()
    with transaction.atomic(), applying.kept_events():
        number = locked(name)
        kept = cache.get(name)
        if kept and committed(kept["transaction"]):
            if kept["digest"] != digest:
                raise OtherRequestError
            return dict(kept["answer"])
        answer = do()
        cache.set(name, {"transaction": number, "digest": digest, "answer": answer}, KEPT)
        return answer


def name_of(user: Any, key: str) -> str:
    """Return the name of a request, which is of a user."""
    return f"netbox_fgd_sync.apply.{user.pk}.{hashlib.sha256(key.encode()).hexdigest()}"


def locked(name: str) -> str:
    """Keep others from a name until the transaction ends, and return the number of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0)), pg_current_xact_id()::text", [name])
        free, number = cursor.fetchone()
    if not free:
        raise BusyError
    return str(number)


def committed(number: str) -> bool:
    """Report whether a transaction has ended, and was not taken back."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT CASE WHEN number < pg_snapshot_xmax(pg_current_snapshot()) THEN pg_xact_status(number) END"
            " FROM (SELECT %s::text::xid8 AS number) one",
            [number],
        )
        (status,) = cursor.fetchone()
    return bool(status == "committed")


def applied(request: Request, asked: dict[str, Any]) -> dict[str, Any]:
    """Apply the items of a request."""
    outcomes: dict[int, applying.Outcome] = {}
    items: dict[int, applying.Item] = {}
    for index, raw in enumerate(asked["items"]):
        try:
            items[index] = item(raw)
        except ValidationError as error:
            outcomes[index] = applying.Outcome("invalid", code="invalid", errors=texts(error.detail))
    user = request.user
    author = acting(user, asked.get("author", {}), {one.fabric for one in items.values()})
    application = applying.Application(user, message(asked, user, author), list(items.values()))
    for index, one in items.items():
        outcomes[index] = application.apply(one)
    if author:
        credit(request, author)
    return {
        "request_id": str(request.id),
        "user": (author or user).get_username(),
        "results": [{"index": index, **outcomes[index].shown()} for index in range(len(asked["items"]))],
    }


def item(raw: dict[str, Any]) -> applying.Item:
    """Read an item."""
    if depth(raw) > DEEPEST:
        raise ValidationError({"fields": [TOO_DEEP]})
    read = ItemSerializer(data=raw)
    read.is_valid(raise_exception=True)
    said = read.validated_data
    models = {kind: model for kind, model in recording.models().items() if kind != recording.FABRIC}
    if said["kind"] not in models:
        raise ValidationError({"kind": [f"There is no such kind. There are: {', '.join(sorted(models))}."]})
    return applying.Item(
        op=said["op"],
        model=models[said["kind"]],
        fabric=said["fabric"],
        namespace=said["namespace"],
        name=said["name"],
        fields=dict(said["fields"]),
        seen=said.get("if_last_updated", applying.ANYTHING),
    )


def depth(value: Any) -> int:
    """Return how many values are within each other at most, and no more than one too many."""
    level, deep = [value], 0
    while level and deep <= DEEPEST:
        deep += 1
        level = [
            inner
            for one in level
            if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
    return deep


def texts(detail: Any) -> dict[str, list[str]]:
    """Return what is wrong with an item by its fields: those of fields have names such as fields.spec."""
    found: dict[str, list[str]] = {}
    for name, said in detail.items():
        if isinstance(said, dict):
            found.update({f"{name}.{inner}": words for inner, words in texts(said).items()})
        else:
            found[name] = [str(one) for one in said]
    return found


def acting(user: Any, author: dict[str, str], numbers: set[int]) -> Any:
    """Return the author of the commit, where the change log may name them.

    That is a user of NetBox who is known by the address, where the user of the token may act as somebody at the links
    of all fabrics. Anybody can give a commit an address, so that it is never one who may do everything.
    """
    email = author.get("email", "")
    model = fabrics.model()
    if not email or not numbers or model is None:
        return None
    links = FabricLink.objects.restrict(user, "act_as").filter(
        object_type=ContentType.objects.get_for_model(model), object_id__in=numbers
    )
    if links.count() < len(numbers):
        return None
    found = list(User.objects.filter(email__iexact=email, is_active=True)[:2])
    return found[0] if len(found) == 1 and not found[0].is_superuser else None


def credit(request: Request, author: Any) -> None:
    """Have the change log name the author of the changes of a request.

    It is done in the end, and there alone: validators, event rules and the feed have the user of the token.
    """
    ObjectChange.objects.filter(request_id=request.id).update(user=author, user_name=author.get_username())


def message(asked: dict[str, Any], user: Any, author: Any) -> str:
    """Return what the change log says: the commit first, as the end may be cut off.

    An entry that names the author says first who has sent it.
    """
    commit = asked["commit"]
    name = asked.get("author", {}).get("name", "")
    if author:
        name = f"{user.get_username()} for {name or author.get_username()}"
    who = ": ".join(part for part in (name, commit["subject"]) if part)
    text = f"{commit['sha'][:SHORT_SHA]} {who}"
    text = "".join(one if one.isprintable() else " " for one in text).strip()
    return text if len(text) <= LONGEST_MESSAGE else text[: LONGEST_MESSAGE - 1] + "…"
