"""A draft tells the tab it was typed in, so that a person's second tab does not write over it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("notes", "0005_search")]

    operations = [migrations.AddField("draft", "tab", models.UUIDField(null=True))]
