"""The records that links are of: fabrics of the Hedgehog NetBox Plugin, and what is in them."""

from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Model, Q, QuerySet
from django.urls import NoReverseMatch
from netbox.plugins import get_plugin_config
from utilities.permissions import get_permission_for_model

from .models import FabricLink


def label() -> str:
    """Return the label of the model, as NetBox names it: app_label.model."""
    return str(get_plugin_config("netbox_fgd_sync", "fabric_model")).lower()


def model() -> Any | None:
    """Return the model of a fabric, or None where HNP is not installed."""
    try:
        return apps.get_model(label())
    except (LookupError, ValueError):
        return None


def page(record: Any) -> str:
    """Return the address of a record's page, and none where HNP has none for it."""
    try:
        return record.get_absolute_url()
    except (AttributeError, NoReverseMatch):
        return ""


def everything() -> QuerySet[Any]:
    """Return all fabrics, and none where HNP is not installed."""
    fabric = model()
    return FabricLink.objects.none() if fabric is None else fabric.objects.all()


def unlinked() -> QuerySet[Any]:
    """Return the fabrics that have no link."""
    fabric = model()
    if fabric is None:
        return FabricLink.objects.none()
    return fabric.objects.exclude(pk__in=FabricLink.objects.filter(_of(fabric)).values("object_id"))


def numbers_called(text: str) -> QuerySet[Any]:
    """Return the numbers of fabrics with a text in their names."""
    return everything().filter(name__icontains=text).values("pk") if model() else FabricLink.objects.none().values("pk")


def called(text: str) -> Q:
    """Return the condition that a link is of a fabric with a text in its name."""
    fabric = model()
    return _of(fabric) & Q(object_id__in=numbers_called(text)) if fabric else Q(pk__in=())


def _of(fabric: type[Model]) -> Q:
    """Return the condition that a link is of a record of a model."""
    return Q(object_type__app_label=fabric._meta.app_label, object_type__model=fabric._meta.model_name)


def link_of(instance: Model) -> FabricLink | None:
    """Return the link of a fabric, or of the fabric that a record is in, or None where there is none."""
    if isinstance(instance, FabricLink):
        return FabricLink.objects.filter(pk=instance.pk).first()
    fabric = model()
    if fabric is None:
        return None
    number = _number(instance, fabric)
    return FabricLink.objects.filter(_of(fabric), object_id=number).first() if number is not None else None


def _number(instance: Model, fabric: type[Model]) -> int | None:
    """Return the number of the fabric that a record is or is in. Other plugins have fabrics of their own."""
    if isinstance(instance, fabric):
        return instance.pk
    if instance._meta.app_label != fabric._meta.app_label:
        return None
    try:
        field = instance._meta.get_field("fabric")
    except FieldDoesNotExist:
        return None
    return getattr(instance, field.attname) if field.many_to_one and field.related_model is fabric else None


def permission(action: str) -> str:
    """Return the permission to do something with fabrics."""
    return get_permission_for_model(model(), action)
