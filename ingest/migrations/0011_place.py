"""Where a try is to be gone on with, in its vendor's own terms, and by which id its support finds the latest call."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("ingest", "0010_announced")]

    operations = [
        migrations.AddField(
            "submission",
            "place",
            models.JSONField(
                db_default={},
                default=dict,
                help_text="Where a vendor that confirms what it has stored is to be gone on with.",
            ),
        ),
        migrations.AddField(
            "submission",
            "call_id",
            models.CharField(
                blank=True,
                db_default="",
                help_text="By which the vendor's support finds the latest call.",
                max_length=64,
            ),
        ),
    ]
