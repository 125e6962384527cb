"""By which id a vendor's support finds the call that did not say."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("ingest", "0011_place")]

    operations = [
        migrations.AddField(
            "inquiry",
            "call_id",
            models.CharField(
                blank=True, db_default="", help_text="By which the vendor's support finds that call.", max_length=64
            ),
        ),
    ]
