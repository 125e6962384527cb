"""The full-text index is made after the rows. What is long is compressed with lz4 where the server was built with it, and
elsewhere not at all: over a transcript pglz takes a quarter of all that PostgreSQL does for a callback."""

import django.contrib.postgres.search
from django.conf import settings
from django.db import migrations, models

LONG = """
DO $$ BEGIN
    ALTER TABLE notes_transcript ALTER COLUMN lines SET COMPRESSION lz4, ALTER COLUMN search SET COMPRESSION lz4;
    ALTER TABLE notes_note ALTER COLUMN search SET COMPRESSION lz4;
    ALTER TABLE notes_noteversion ALTER COLUMN sections SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN
    ALTER TABLE notes_transcript ALTER COLUMN lines SET STORAGE EXTERNAL, ALTER COLUMN search SET STORAGE EXTERNAL;
    ALTER TABLE notes_note ALTER COLUMN search SET STORAGE EXTERNAL;
END $$
"""


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0005_desk_forms"),
        ("ingest", "0005_door"),
        ("notes", "0002_one_clinic"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name="note",
            name="search",
            field=django.contrib.postgres.search.SearchVectorField(
                editable=False, help_text="Empty until it is indexed: notes/indexing.py.", null=True
            ),
        ),
        migrations.AlterField(
            model_name="transcript",
            name="search",
            field=django.contrib.postgres.search.SearchVectorField(
                editable=False, help_text="Empty until it is indexed: notes/indexing.py.", null=True
            ),
        ),
        migrations.AddIndex(
            model_name="note",
            index=models.Index(condition=models.Q(("search__isnull", True)), fields=["-id"], name="note_unindexed"),
        ),
        migrations.AddIndex(
            model_name="transcript",
            index=models.Index(
                condition=models.Q(("search__isnull", True)), fields=["-id"], name="transcript_unindexed"
            ),
        ),
        migrations.RunSQL(LONG, migrations.RunSQL.noop),
    ]
