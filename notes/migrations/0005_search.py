"""Vectors say where their rows stand, and a note's holds the words of its transcript: they are all made anew, in quiet
times. Lists of notes are narrowed by vendor and by template at no more cost than by state."""

from django.db import migrations, models

EMPTY = """
UPDATE notes_transcript SET search = NULL WHERE search IS NOT NULL;
UPDATE notes_note SET search = NULL WHERE search IS NOT NULL;
"""


class Migration(migrations.Migration):
    dependencies = [("notes", "0004_review")]

    operations = [
        migrations.AddIndex(
            model_name="note",
            index=models.Index(fields=["clinic", "vendor", "-id"], name="note_by_vendor"),
        ),
        migrations.AddIndex(
            model_name="note",
            index=models.Index(fields=["clinic", "template", "-id"], name="note_by_template"),
        ),
        migrations.RunSQL(EMPTY, EMPTY),
    ]
