"""How an audio sounds. Those that were drawn before are due once more: they are looked at, the newest first."""

from django.db import migrations, models

DUE = """
UPDATE recordings_waveform SET next_attempt_at = now(), attempts = 0 WHERE peaks IS NOT NULL AND quality IS NULL
"""


class Migration(migrations.Migration):
    dependencies = [("recordings", "0004_expiring")]

    operations = [
        migrations.AddField(
            model_name="waveform",
            name="quality",
            field=models.JSONField(blank=True, help_text="The fields of recordings.quality.Quality.", null=True),
        ),
        migrations.RunSQL(DUE, migrations.RunSQL.noop),
    ]
