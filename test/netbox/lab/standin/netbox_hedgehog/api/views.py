"""Endpoints without filters (Q3)."""

from netbox.api.viewsets import NetBoxModelViewSet
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView

from ..models import KINDS, HedgehogFabric
from .serializers import SERIALIZERS, HedgehogFabricSerializer


class FabricViewSet(NetBoxModelViewSet):
    """Fabrics."""

    queryset = HedgehogFabric.objects.all()
    serializer_class = HedgehogFabricSerializer


def viewset_of(model):
    """Return the endpoint of a kind."""
    return type(
        f"{model.__name__}ViewSet",
        (NetBoxModelViewSet,),
        {"__module__": __name__, "queryset": model.objects.all(), "serializer_class": SERIALIZERS[model]},
    )


VIEWSETS = {endpoint: viewset_of(model) for endpoint, model in KINDS.items()}


class SyncView(APIView):
    """Says that a sync was done, and does nothing."""

    permission_classes = (IsAuthenticated,)

    def post(self, request):
        """Answer what the plugin answers."""
        return Response({"status": "success", "message": "Sync operation initiated"})


class StatusView(APIView):
    """Says that all is well."""

    permission_classes = (IsAuthenticated,)

    def get(self, request):
        """Answer what the plugin answers."""
        return Response({"status": "success", "message": "System is operational"})
