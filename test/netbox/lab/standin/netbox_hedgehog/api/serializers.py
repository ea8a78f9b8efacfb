"""Records as JSON: all fields as they are, a fabric as its number."""

from netbox.api.serializers import NetBoxModelSerializer
from rest_framework import serializers

from ..models import KINDS, HedgehogFabric


class HedgehogFabricSerializer(NetBoxModelSerializer):
    """A fabric, with its token in clear."""

    class Meta:
        """Everything."""

        model = HedgehogFabric
        fields = "__all__"


def serializer_of(model):
    """Return the serializer of a kind."""
    meta = type("Meta", (), {"model": model, "fields": "__all__"})
    fabric = serializers.PrimaryKeyRelatedField(queryset=HedgehogFabric.objects.all())
    return type(
        f"{model.__name__}Serializer",
        (NetBoxModelSerializer,),
        {"__module__": __name__, "Meta": meta, "fabric": fabric},
    )


# NetBox finds the serializer of a model by its name in this module.
SERIALIZERS = {model: serializer_of(model) for model in KINDS.values()}
globals().update({cls.__name__: cls for cls in SERIALIZERS.values()})
