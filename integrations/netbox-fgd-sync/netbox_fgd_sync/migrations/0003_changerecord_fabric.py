"""An index for the changes of one fabric, the last one first."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """It changes no row."""

    dependencies = (("netbox_fgd_sync", "0002_fabriclink"),)
    operations = (
        migrations.AddIndex(
            model_name="changerecord",
            index=models.Index(fields=["fabric_id", "-id"], name="fgd_change_fabric"),
        ),
    )
