"""The table of the feed."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """It refers to no other table."""

    initial = True
    dependencies = ()
    operations = (
        migrations.CreateModel(
            name="ChangeRecord",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("txid", models.BigIntegerField()),
                ("cluster", models.BigIntegerField()),
                ("time", models.DateTimeField()),
                ("action", models.CharField(max_length=10)),
                ("object_type", models.CharField(max_length=100)),
                ("object_id", models.BigIntegerField()),
                ("fabric_id", models.BigIntegerField()),
                ("kind", models.CharField(max_length=100)),
                ("namespace", models.CharField(blank=True, max_length=253)),
                ("name", models.CharField(blank=True, max_length=253)),
                ("content", models.JSONField()),
                ("user_name", models.CharField(blank=True, max_length=150)),
                ("user_email", models.CharField(blank=True, max_length=254)),
                ("request_id", models.UUIDField(blank=True, null=True)),
                ("branch", models.CharField(blank=True, max_length=100)),
            ],
            options={
                "ordering": ("txid", "id"),
                "default_permissions": ("view",),
                "indexes": [
                    models.Index(fields=["txid", "id"], name="fgd_change_order"),
                    models.Index(fields=["object_type", "object_id", "id"], name="fgd_change_object"),
                    models.Index(fields=["time"], name="fgd_change_time"),
                ],
            },
        ),
    )
