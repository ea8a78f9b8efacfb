"""Endpoints without filters (Q3)."""

from netbox.api.viewsets import NetBoxModelViewSet
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
    """Would say that a sync was done, and do nothing. It has no model, of which NetBox asks who may do it: it fails."""

    def post(self, request):
        """Answer what NetBox lets nobody see."""
        return Response({"status": "success"})


class StatusView(APIView):
    """Would say that all is well, and fails as that of syncs does."""

    def get(self, request):
        """Answer what NetBox lets nobody see."""
        return Response({"status": "success"})
