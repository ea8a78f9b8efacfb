"""The field of a link that is the record of its fabric."""

from collections.abc import Sequence
from typing import Any

from django.contrib.contenttypes.fields import GenericForeignKey, GenericForeignKeyDescriptor
from django.db.models import Model


class RecordDescriptor(GenericForeignKeyDescriptor):
    """Finds no record where nothing is installed that has its model. Django fails there."""

    def _is_installed(self, instance: Model) -> bool:
        number = getattr(instance, self.field.ct_field_attname)
        if number is None:
            return True
        return self.field.get_content_type(id=number, using=instance._state.db).model_class() is not None

    def fetch_one(self, instance: Model) -> None:
        """Fetch the record of one link."""
        if self._is_installed(instance):
            super().fetch_one(instance)
        else:
            self.field.set_cached_value(instance, None)

    def get_prefetch_querysets(self, instances: Sequence[Model], querysets: Any = None) -> Any:
        """Return how the records of several are fetched."""
        return super().get_prefetch_querysets([one for one in instances if self._is_installed(one)], querysets)


class RecordField(GenericForeignKey):
    """A reference to a record of a plugin that may be taken out of NetBox while links to its records stay."""

    def contribute_to_class(self, cls: type[Model], name: str, **kwargs: Any) -> None:
        """Become an attribute of the model."""
        super().contribute_to_class(cls, name, **kwargs)
        setattr(cls, name, RecordDescriptor(self))
