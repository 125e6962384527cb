"""Requests of several audio files, one after the other; how far a dictation was heard, and where connections broke."""

import django.contrib.postgres.fields
from django.db import migrations, models

LENGTHS = """
UPDATE ingest_asyncrequest request SET audio_ms = audio.duration_ms FROM ingest_audio audio
WHERE audio.id = request.audio_id
"""


class Migration(migrations.Migration):
    dependencies = [
        ("ingest", "0008_streams"),
    ]

    operations = [
        migrations.AddField(
            model_name="asyncrequest",
            name="all_audio",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="The session's audio before that one too, one after the other.",
            ),
        ),
        migrations.AddField(
            model_name="asyncrequest",
            name="audio_ms",
            field=models.PositiveIntegerField(
                blank=True, help_text="Milliseconds of all audio that is sent.", null=True
            ),
        ),
        migrations.AddField(
            model_name="submission",
            name="broke_at_ms",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.PositiveIntegerField(),
                db_default=[],
                default=list,
                help_text="Milliseconds of the audio, just before which some was perhaps lost with a connection.",
                size=None,
            ),
        ),
        migrations.AddField(
            model_name="submission",
            name="heard_ms",
            field=models.PositiveIntegerField(
                db_default=0, default=0, help_text="Milliseconds of the audio whose words were all heard."
            ),
        ),
        migrations.AddField(
            model_name="inquiry",
            name="error_message",
            field=models.CharField(blank=True, max_length=500),
        ),
        migrations.RunSQL(LENGTHS, migrations.RunSQL.noop),
    ]
