"""Who listened to what, and what is drawn of each audio: those that are there already are due."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.utils.timezone
import uuid_utils.compat
from django.conf import settings
from django.db import migrations, models

FORWARD = """
ALTER TABLE ingest_audio ADD CONSTRAINT audio_of_clinic UNIQUE (id, clinic_id);
ALTER TABLE recordings_waveform ADD CONSTRAINT waveform_in_its_audios_clinic
    FOREIGN KEY (audio_id, clinic_id) REFERENCES ingest_audio (id, clinic_id);
"""
BACKWARD = """
ALTER TABLE recordings_waveform DROP CONSTRAINT waveform_in_its_audios_clinic;
ALTER TABLE ingest_audio DROP CONSTRAINT audio_of_clinic;
"""
# Under the audio's own id, which is unique and in the order of their making as well.
DUE = """
INSERT INTO recordings_waveform (id, clinic_id, created_at, audio_id, problem, attempts, next_attempt_at)
SELECT id, clinic_id, now(), id, '', 0, now() FROM ingest_audio
"""


class Migration(migrations.Migration):
    dependencies = [
        ("recordings", "0002_one_clinic"),
        ("ingest", "0006_no_result_digest"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.CreateModel(
            name="Listening",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("begun_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "audio",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="ingest.audio"),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Waveform",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("attempts", models.PositiveIntegerField(default=0)),
                (
                    "next_attempt_at",
                    models.DateTimeField(blank=True, help_text="When it is due; empty: nothing to do.", null=True),
                ),
                ("lease_until", models.DateTimeField(blank=True, null=True)),
                ("lease_token", models.UUIDField(blank=True, null=True)),
                (
                    "peaks",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.PositiveSmallIntegerField(), blank=True, null=True, size=None
                    ),
                ),
                (
                    "problem",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("missing", "the bytes are not in the storage"),
                            ("unreadable", "the bytes could not be decoded"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "audio",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="waveform", to="ingest.audio"
                    ),
                ),
                (
                    "clinic",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="access.clinic",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("next_attempt_at__isnull", False)),
                        fields=["next_attempt_at"],
                        name="waveform_due",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("peaks__isnull", True), ("peaks__len", 600), _connector="OR"),
                        name="waveform_has_all_its_parts",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("problem__in", ["", "missing", "unreadable"])),
                        name="waveform_problem_known",
                    ),
                ],
            },
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
        migrations.RunSQL(DUE, migrations.RunSQL.noop),
    ]
