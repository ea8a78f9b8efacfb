"""Events of links whose rules did not run yet."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Of what was before, nothing is owed."""

    dependencies = (("netbox_fgd_sync", "0003_changerecord_fabric"),)
    operations = (
        migrations.AddField(
            model_name="fabriclink",
            name="owed_events",
            field=models.JSONField(default=list, editable=False),
        ),
    )
