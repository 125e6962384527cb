"""Which parts a vendor's latest answer names, and since when a recording is lost."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("recordings", "0006_archive")]
    operations = [
        migrations.AlterField(
            "recording",
            "state",
            models.CharField(
                choices=[
                    ("pending", "not seen at the vendor yet"),
                    ("available", "at the vendor, not yet copied"),
                    ("archived", "copied"),
                    ("lost", "gone before it was copied"),
                ],
                default="pending",
                max_length=20,
            ),
        ),
        migrations.AddField("recording", "lost_at", models.DateTimeField(blank=True, null=True)),
        migrations.AddIndex(
            "recording",
            models.Index(fields=["lost_at"], name="recording_lost", condition=models.Q(("state", "lost"))),
        ),
        migrations.AddField("recordingpart", "is_named", models.BooleanField(default=True)),
    ]
