"""Tables of links, and of the feed."""

import django_tables2 as tables
from netbox.tables import BaseTable, PrimaryModelTable, columns

from .models import ChangeRecord, FabricLink


class CountColumn(tables.Column):
    """How many of something are known, as of the last look at FGD Sync."""

    def __init__(self, name: str, verbose_name: str) -> None:
        """Take the name of the count."""
        super().__init__(accessor=f"counts__{name}", verbose_name=verbose_name, orderable=False)


class FabricLinkTable(PrimaryModelTable):
    """Of links of fabrics."""

    record = tables.Column(
        verbose_name="Fabric", linkify=lambda record: record.get_absolute_url(), order_by="object_id"
    )
    state = columns.ChoiceFieldColumn(verbose_name="Status")
    direction = columns.ChoiceFieldColumn()
    conflict_winner = columns.ChoiceFieldColumn(verbose_name="Who wins a conflict")
    enabled = columns.BooleanColumn()
    quarantined = CountColumn("quarantined", "Quarantine")
    conflicts = CountColumn("conflicts", "Conflicts")
    seen_at = columns.DateTimeColumn(verbose_name="Seen")
    tags = columns.TagColumn(url_name="plugins:netbox_fgd_sync:fabriclink_list")

    class Meta(PrimaryModelTable.Meta):
        """What is shown to who has not chosen columns."""

        model = FabricLink
        fields = (
            "pk",
            "id",
            "record",
            "state",
            "enabled",
            "direction",
            "conflict_winner",
            "repository_url",
            "branch",
            "gitops_directory",
            "credentials_ref",
            "quarantined",
            "conflicts",
            "commit_sha",
            "error",
            "seen_at",
            "fabric_id",
            "description",
            "comments",
            "tags",
            "created",
            "last_updated",
        )
        default_columns = (
            "pk",
            "record",
            "state",
            "enabled",
            "direction",
            "repository_url",
            "gitops_directory",
            "quarantined",
            "conflicts",
            "seen_at",
        )

    def render_record(self, record: FabricLink) -> str:
        """Return what the fabric is called, also one that is no more."""
        return str(record)


class ChangeRecordTable(BaseTable):
    """Of changes of records, the last one first."""

    time = columns.DateTimeColumn(timespec="seconds")
    action = tables.Column()
    kind = tables.Column()
    namespace = tables.Column()
    name = tables.Column()
    fabric_id = tables.Column(verbose_name="Fabric")
    user_name = tables.Column(verbose_name="User", default="—")
    branch = tables.Column(default="—")
    request_id = tables.Column(verbose_name="Request", default="—")
    id = tables.Column(verbose_name="Number")

    class Meta(BaseTable.Meta):
        """What is shown to who has not chosen columns."""

        model = ChangeRecord
        fields = (
            "id",
            "time",
            "action",
            "kind",
            "namespace",
            "name",
            "fabric_id",
            "user_name",
            "branch",
            "request_id",
        )
        default_columns = ("time", "action", "kind", "namespace", "name", "fabric_id", "user_name")
        order_by = "-id"
        empty_text = "No changes found"
