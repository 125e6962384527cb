"""A vendor may send a supplement to a note: it stands beside the note's words, and is no later text of them."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("notes", "0008_revised_notes")]

    operations = [
        migrations.AddField("noteversion", "is_supplement", models.BooleanField(db_default=False, default=False)),
    ]
