"""Endpoints for links of fabrics."""

from typing import Any

from drf_spectacular.utils import extend_schema
from netbox.api.authentication import TokenSyncPermission
from netbox.api.viewsets import NetBoxModelViewSet
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from .. import filtersets, syncing
from ..client import AwayError, FGDSyncError, NotConfiguredError
from ..models import FabricLink
from . import serializers

# A refusal of FGD Sync as one of NetBox: what is wrong with the fabric is no fault of the request, and who NetBox is to
# FGD Sync is none of the caller's.
STATUSES = {
    status.HTTP_400_BAD_REQUEST: status.HTTP_409_CONFLICT,
    status.HTTP_404_NOT_FOUND: status.HTTP_409_CONFLICT,
    status.HTTP_409_CONFLICT: status.HTTP_409_CONFLICT,
    status.HTTP_429_TOO_MANY_REQUESTS: status.HTTP_429_TOO_MANY_REQUESTS,
    status.HTTP_503_SERVICE_UNAVAILABLE: status.HTTP_503_SERVICE_UNAVAILABLE,
    status.HTTP_504_GATEWAY_TIMEOUT: status.HTTP_504_GATEWAY_TIMEOUT,
}


class FabricLinkViewSet(NetBoxModelViewSet):
    """Links of fabrics, and a way to have them synced."""

    queryset = FabricLink.objects.prefetch_related("record", "tags")
    serializer_class = serializers.FabricLinkSerializer
    filterset_class = filtersets.FabricLinkFilterSet

    def get_permissions(self) -> list[Any]:
        """Ask for the permission to sync, and not for that to make links, where that is what is done."""
        if self.action == "sync":
            return [TokenSyncPermission()]
        return super().get_permissions()

    @extend_schema(
        request=serializers.SyncRequestSerializer,
        responses={
            202: serializers.SyncStartedSerializer,
            **dict.fromkeys((409, 429, 502, 503, 504), serializers.ProblemSerializer),
        },
    )
    @action(detail=True, methods=["post"])
    def sync(self, request: Request, pk: str) -> Response:
        """Start a sync of the fabric, or a dry run, in the name of the user."""
        link = get_object_or_404(FabricLink, pk=pk)
        if not request.user.has_perm("netbox_fgd_sync.sync_fabriclink", obj=link):
            raise PermissionDenied("This user may not sync this fabric.")
        wanted = serializers.SyncRequestSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        try:
            started = syncing.start(link, request.user, dry_run=wanted.validated_data["dry_run"])
        except FGDSyncError as error:
            return refused(error)
        return Response(started, status=status.HTTP_202_ACCEPTED)


def refused(error: FGDSyncError) -> Response:
    """Return why FGD Sync did not do something, in its own words."""
    if isinstance(error, AwayError | NotConfiguredError):
        code = status.HTTP_503_SERVICE_UNAVAILABLE
    elif not error.status:
        code = status.HTTP_409_CONFLICT  # it was not asked: it does not know the fabric
    else:
        code = STATUSES.get(error.status, status.HTTP_502_BAD_GATEWAY)
    return Response({"detail": error.message, "remedy": error.remedy, "code": error.code}, status=code)
