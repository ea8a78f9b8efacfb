"""How links are shown in the REST API, and in events and webhooks."""

from typing import Any, ClassVar

from core.models import ObjectType
from drf_spectacular.utils import extend_schema_field, inline_serializer
from netbox.api.fields import ChoiceField, ContentTypeField
from netbox.api.serializers import PrimaryModelSerializer
from rest_framework import serializers

from .. import fabrics
from ..choices import DirectionChoices, StateChoices, WinnerChoices
from ..models import FabricLink


class FabricTypeField(ContentTypeField):
    """The type of a fabric's record, which is one."""

    def get_queryset(self) -> Any:
        """Return it alone."""
        model = fabrics.model()
        types = ObjectType.objects.all()
        return types.filter(pk=ObjectType.objects.get_for_model(model).pk) if model else types.none()


RECORD = inline_serializer(
    "FabricLinkRecord",
    {
        "object_type": serializers.CharField(),
        "object_id": serializers.IntegerField(),
        "display": serializers.CharField(),
    },
    allow_null=True,
)


class FabricLinkSerializer(PrimaryModelSerializer):
    """A link. What is known of the fabric is there to read."""

    object_type = FabricTypeField(queryset=ObjectType.objects.all())
    record = serializers.SerializerMethodField()
    direction = ChoiceField(choices=DirectionChoices, required=False)
    conflict_winner = ChoiceField(choices=WinnerChoices, required=False)
    state = ChoiceField(choices=StateChoices, read_only=True)
    counts = serializers.JSONField(read_only=True)

    class Meta:
        """In the order in which people read it."""

        model = FabricLink
        fields = (
            "id",
            "url",
            "display_url",
            "display",
            "object_type",
            "object_id",
            "record",
            "repository_url",
            "branch",
            "gitops_directory",
            "credentials_ref",
            "direction",
            "conflict_winner",
            "enabled",
            "requested_fabric_id",
            "fabric_id",
            "state",
            "sync_id",
            "commit_sha",
            "error",
            "counts",
            "seen_at",
            "description",
            "owner",
            "comments",
            "tags",
            "custom_fields",
            "created",
            "last_updated",
        )
        brief_fields = ("id", "url", "display", "object_type", "object_id", "state", "description")
        read_only_fields: ClassVar[tuple[str, ...]] = ("fabric_id", "sync_id", "commit_sha", "error", "seen_at")

    @extend_schema_field(RECORD)
    def get_record(self, link: FabricLink) -> dict[str, Any] | None:
        """Return the fabric's record in brief. HNP's own API can't always be asked for it."""
        if link.record is None:
            return None
        return {
            "object_type": link.record._meta.label_lower,
            "object_id": link.object_id,
            "display": str(link.record),
        }

    def validate_object_id(self, number: int) -> int:
        """Refuse a fabric that whoever asks may not see, as one that is not there."""
        model, request = fabrics.model(), self.context.get("request")
        if model and request and not model.objects.restrict(request.user, "view").filter(pk=number).exists():
            raise serializers.ValidationError("There is no such fabric.")
        return number


class SyncRequestSerializer(serializers.Serializer):
    """What a sync is started with."""

    dry_run = serializers.BooleanField(default=False, help_text="Change nothing, and say what would be changed")


class SyncStartedSerializer(serializers.Serializer):
    """The sync that was started, and where FGD Sync says how far it is."""

    sync_id = serializers.CharField()
    status = serializers.CharField(allow_null=True)
    status_url = serializers.CharField(allow_null=True)
    websocket_url = serializers.CharField(allow_null=True)


class ProblemSerializer(serializers.Serializer):
    """Why FGD Sync did not do it, and what to do."""

    detail = serializers.CharField()
    remedy = serializers.CharField()
    code = serializers.CharField(help_text="Of FGD Sync; empty where it did not answer")
