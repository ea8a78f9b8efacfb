"""Links of fabrics."""

import django.core.validators
import django.db.models.deletion
import netbox.models.deletion
import taggit.managers
import utilities.json
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """It refers to types, tags and owners, as those were from 4.5 on."""

    dependencies = (
        ("contenttypes", "0002_remove_content_type_name"),
        ("extras", "0134_owner"),
        ("netbox_fgd_sync", "0001_initial"),
        ("users", "0015_owner"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    )

    operations = (
        migrations.CreateModel(
            name="FabricLink",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False)),
                ("created", models.DateTimeField(auto_now_add=True, null=True)),
                ("last_updated", models.DateTimeField(auto_now=True, null=True)),
                (
                    "custom_field_data",
                    models.JSONField(blank=True, default=dict, encoder=utilities.json.CustomFieldJSONEncoder),
                ),
                ("description", models.CharField(blank=True, max_length=200)),
                ("comments", models.TextField(blank=True)),
                ("object_id", models.PositiveBigIntegerField()),
                ("repository_url", models.CharField(blank=True, max_length=500)),
                ("branch", models.CharField(default="main", max_length=255)),
                ("gitops_directory", models.CharField(blank=True, max_length=500)),
                ("credentials_ref", models.CharField(blank=True, max_length=200)),
                ("direction", models.CharField(default="both", max_length=20)),
                ("conflict_winner", models.CharField(default="hold", max_length=20)),
                ("enabled", models.BooleanField(default=True)),
                (
                    "requested_fabric_id",
                    models.PositiveIntegerField(
                        blank=True, null=True, validators=[django.core.validators.MinValueValidator(1)]
                    ),
                ),
                ("fabric_id", models.PositiveIntegerField(blank=True, editable=False, null=True, unique=True)),
                ("applied", models.JSONField(default=dict, editable=False)),
                ("state", models.CharField(default="unregistered", editable=False, max_length=20)),
                ("sync_id", models.CharField(blank=True, editable=False, max_length=64)),
                ("commit_sha", models.CharField(blank=True, editable=False, max_length=64)),
                ("error", models.TextField(blank=True, editable=False)),
                ("counts", models.JSONField(default=dict, editable=False)),
                ("seen_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "object_type",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="contenttypes.contenttype"
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="users.owner",
                    ),
                ),
                (
                    "requested_by",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("tags", taggit.managers.TaggableManager(through="extras.TaggedItem", to="extras.Tag")),
            ],
            options={
                "verbose_name": "fabric link",
                "ordering": ("object_type", "object_id"),
                "permissions": (
                    ("sync", "Start and cancel syncs and dry runs"),
                    ("resolve", "Settle conflicts"),
                    ("release", "Retry and release what is in quarantine"),
                    ("adopt", "Link fabrics that FGD Sync has for another record, or for none"),
                    ("act_as", "Change records in the name of the author of a commit"),
                ),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("object_type", "object_id"), name="netbox_fgd_sync_fabriclink_record"
                    )
                ],
            },
            bases=(netbox.models.deletion.DeleteMixin, models.Model),
        ),
    )
