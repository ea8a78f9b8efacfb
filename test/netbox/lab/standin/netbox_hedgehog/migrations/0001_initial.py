"""The tables. That a record is there once is held by the database alone: the models do not say it (Q5)."""

import django.db.models.deletion
import netbox.models.deletion
import taggit.managers
import utilities.json
from django.db import migrations, models

KINDS = [
    "VPC",
    "External",
    "ExternalAttachment",
    "ExternalPeering",
    "IPv4Namespace",
    "VPCAttachment",
    "VPCPeering",
    "Connection",
    "Server",
    "Switch",
    "SwitchGroup",
    "VLANNamespace",
]


def netbox_model(name, fields, **options):
    """Return the table of a model with what each of NetBox's has."""
    return migrations.CreateModel(
        name=name,
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False)),
            ("created", models.DateTimeField(auto_now_add=True, null=True)),
            ("last_updated", models.DateTimeField(auto_now=True, null=True)),
            (
                "custom_field_data",
                models.JSONField(blank=True, default=dict, encoder=utilities.json.CustomFieldJSONEncoder),
            ),
            *fields,
            ("tags", taggit.managers.TaggableManager(through="extras.TaggedItem", to="extras.Tag")),
        ],
        options=options,
        bases=(netbox.models.deletion.DeleteMixin, models.Model),
    )


def counts(*names):
    """Return columns with numbers."""
    return [(name, models.PositiveIntegerField(default=0)) for name in names]


FABRIC = netbox_model(
    "HedgehogFabric",
    [
        ("name", models.CharField(max_length=100, unique=True)),
        ("description", models.TextField(blank=True)),
        ("status", models.CharField(default="planned", max_length=20)),
        ("connection_status", models.CharField(default="unknown", max_length=20)),
        ("sync_status", models.CharField(default="never_synced", max_length=20)),
        ("kubernetes_server", models.CharField(blank=True, max_length=255)),
        ("kubernetes_token", models.TextField(blank=True)),
        ("kubernetes_ca_cert", models.TextField(blank=True)),
        ("kubernetes_namespace", models.CharField(default="default", max_length=253)),
        ("sync_enabled", models.BooleanField(default=True)),
        ("sync_interval", models.PositiveIntegerField(default=300)),
        ("last_sync", models.DateTimeField(blank=True, null=True)),
        ("sync_error", models.TextField(blank=True)),
        ("connection_error", models.TextField(blank=True)),
        *counts("cached_crd_count", "cached_vpc_count", "cached_connection_count"),
        *counts("connections_count", "servers_count", "switches_count", "vpcs_count"),
    ],
    ordering=["name"],
)


def resource(kind):
    """Return the table of a kind."""
    return netbox_model(
        kind,
        [
            ("name", models.CharField(max_length=253)),
            ("namespace", models.CharField(default="default", max_length=253)),
            ("spec", models.JSONField()),
            ("labels", models.JSONField(blank=True, default=dict)),
            ("annotations", models.JSONField(blank=True, default=dict)),
            ("kubernetes_status", models.CharField(default="unknown", max_length=20)),
            ("kubernetes_uid", models.CharField(blank=True, max_length=36)),
            ("kubernetes_resource_version", models.CharField(blank=True, max_length=50)),
            ("last_applied", models.DateTimeField(blank=True, null=True)),
            ("last_synced", models.DateTimeField(blank=True, null=True)),
            ("sync_error", models.TextField(blank=True)),
            ("auto_sync", models.BooleanField(default=True)),
            (
                "fabric",
                models.ForeignKey(
                    on_delete=django.db.models.deletion.CASCADE, to="netbox_hedgehog.hedgehogfabric"
                ),
            ),
        ],
    )


class Migration(migrations.Migration):
    """All of them."""

    initial = True
    dependencies = [("extras", "0133_make_cf_minmax_decimal"), ("dcim", "0216_latitude_longitude_validators")]
    operations = [
        FABRIC,
        *(resource(kind) for kind in KINDS),
        *(migrations.AlterUniqueTogether(kind.lower(), {("fabric", "namespace", "name")}) for kind in KINDS),
    ]
