"""How lists of links, and of changes, are narrowed down."""

from typing import Any

import django_filters
from django.db.models import Q, QuerySet
from netbox.filtersets import BaseFilterSet, PrimaryModelFilterSet

from . import fabrics
from .choices import DirectionChoices, StateChoices, WinnerChoices
from .models import Action, ChangeRecord, FabricLink

# What can be done to a record. The mark of what is no longer kept is no change.
ACTIONS = [(value, label) for value, label in Action.choices if value != Action.PRUNED]


class FabricLinkFilterSet(PrimaryModelFilterSet):
    """Of links of fabrics."""

    state = django_filters.MultipleChoiceFilter(choices=StateChoices)
    direction = django_filters.MultipleChoiceFilter(choices=DirectionChoices)
    conflict_winner = django_filters.MultipleChoiceFilter(choices=WinnerChoices)
    fabric = django_filters.CharFilter(method="called", label="Fabric")

    class Meta:
        """By what people say, and by how a fabric is."""

        model = FabricLink
        fields = (
            "id",
            "object_id",
            "repository_url",
            "branch",
            "gitops_directory",
            "enabled",
            "fabric_id",
            "description",
        )

    def called(self, queryset: QuerySet[FabricLink], _name: str, value: str) -> QuerySet[FabricLink]:
        """Find a text in the name of a fabric."""
        return queryset.filter(fabrics.called(value))

    def search(self, queryset: QuerySet[FabricLink], _name: str, value: str) -> QuerySet[FabricLink]:
        """Find a text in the name of a fabric, and in what people say of it."""
        value = value.strip()
        if not value:
            return queryset
        return queryset.filter(
            fabrics.called(value)
            | Q(repository_url__icontains=value)
            | Q(gitops_directory__icontains=value)
            | Q(branch__icontains=value)
            | Q(description__icontains=value)
            | Q(comments__icontains=value)
        )


class ChangeRecordFilterSet(BaseFilterSet):
    """Of changes of records."""

    q = django_filters.CharFilter(method="search", label="Search")
    time = django_filters.DateTimeFromToRangeFilter()
    action = django_filters.MultipleChoiceFilter(choices=ACTIONS)
    fabric = django_filters.CharFilter(method="called", label="Fabric")

    class Meta:
        """By what was changed, and by whom."""

        model = ChangeRecord
        fields = (
            "id",
            "object_type",
            "object_id",
            "fabric_id",
            "kind",
            "namespace",
            "name",
            "user_name",
            "request_id",
            "branch",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Look at no other table: no row is found twice, and none of a feed is compared with all others for that."""
        super().__init__(*args, **kwargs)
        for one in self.filters.values():
            one.distinct = False

    def called(self, queryset: QuerySet[ChangeRecord], _name: str, value: str) -> QuerySet[ChangeRecord]:
        """Find a text in the name of a fabric that there is."""
        return queryset.filter(fabric_id__in=fabrics.numbers_called(value))

    def search(self, queryset: QuerySet[ChangeRecord], _name: str, value: str) -> QuerySet[ChangeRecord]:
        """Find a text in names: of a record, its kind, and of whoever changed it."""
        value = value.strip()
        if not value:
            return queryset
        return queryset.filter(
            Q(name__icontains=value)
            | Q(namespace__icontains=value)
            | Q(kind__icontains=value)
            | Q(user_name__icontains=value)
        )
