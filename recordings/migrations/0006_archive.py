"""What is copied of a recording, part by part, and the vendor's links to it; a recording can be listened to itself."""

import django.db.models.deletion
import django.utils.timezone
import uuid_utils.compat
from django.db import migrations, models

FORWARD = """
ALTER TABLE recordings_recording ADD CONSTRAINT recording_of_clinic UNIQUE (id, clinic_id);
ALTER TABLE recordings_recordingpart ADD CONSTRAINT part_in_its_recordings_clinic
    FOREIGN KEY (recording_id, clinic_id) REFERENCES recordings_recording (id, clinic_id);
ALTER TABLE recordings_links ADD CONSTRAINT links_in_their_recordings_clinic
    FOREIGN KEY (recording_id, clinic_id) REFERENCES recordings_recording (id, clinic_id);
"""
BACKWARD = """
ALTER TABLE recordings_links DROP CONSTRAINT links_in_their_recordings_clinic;
ALTER TABLE recordings_recordingpart DROP CONSTRAINT part_in_its_recordings_clinic;
ALTER TABLE recordings_recording DROP CONSTRAINT recording_of_clinic;
"""
UNCOPIED = models.Q(("state__in", ["pending", "available"]))
ID = models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)
DUE = models.DateTimeField(blank=True, help_text="When it is due; empty: nothing to do.", null=True)


def created_at():
    return ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False))


def clinic():
    return (
        "clinic",
        models.ForeignKey(
            db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="access.clinic"
        ),
    )


class Migration(migrations.Migration):
    dependencies = [("access", "0006_reviewers"), ("ingest", "0007_lists"), ("recordings", "0005_quality")]
    operations = [
        migrations.RenameField("recording", "parts", "part_count"),
        migrations.RemoveField("recording", "storage_key"),
        migrations.AddField(
            "recording",
            "clinician_ref",
            models.CharField(
                blank=True, help_text="The vendor's user that it is kept for.", max_length=200, default=""
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            "recording",
            "error_code",
            models.CharField(blank=True, help_text="Why the last attempt did not succeed.", max_length=64, default=""),
            preserve_default=False,
        ),
        migrations.AddField(
            "recording",
            "error_message",
            models.CharField(blank=True, max_length=500, default=""),
            preserve_default=False,
        ),
        migrations.AlterField(
            "recording",
            "state",
            models.CharField(
                choices=[
                    ("pending", "the vendor is still processing it"),
                    ("available", "at the vendor, not yet copied"),
                    ("archived", "copied"),
                    ("lost", "gone before it was copied"),
                ],
                default="pending",
                max_length=20,
            ),
        ),
        migrations.AlterField(
            "recording", "size", models.PositiveBigIntegerField(blank=True, help_text="Bytes.", null=True)
        ),
        migrations.RemoveIndex("recording", "recording_expiring"),
        migrations.AddIndex(
            "recording",
            models.Index(fields=["clinic", "available_until"], name="recording_expiring", condition=UNCOPIED),
        ),
        migrations.AddIndex(
            "recording", models.Index(fields=["available_until"], name="recording_at_risk", condition=UNCOPIED)
        ),
        migrations.AddIndex(
            "recording",
            models.Index(
                fields=["available_until", "next_attempt_at"],
                name="recording_urgent",
                condition=models.Q(("next_attempt_at__isnull", False)),
            ),
        ),
        migrations.AddIndex("recording", models.Index(fields=["clinic", "state", "-id"], name="recording_by_state")),
        migrations.CreateModel(
            name="RecordingPart",
            fields=[
                ("id", ID),
                created_at(),
                ("number", models.IntegerField(help_text="The vendor's sequence number.")),
                ("vendor_ref", models.CharField(help_text="The vendor's own id of this part.", max_length=200)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "not yet copied"),
                            ("archived", "copied"),
                            ("unreadable", "not a WAV file"),
                        ],
                        default="pending",
                        max_length=20,
                    ),
                ),
                (
                    "etag",
                    models.CharField(
                        blank=True, help_text="The vendor's, by which a copy is gone on with.", max_length=200
                    ),
                ),
                ("storage_key", models.CharField(blank=True, max_length=200)),
                ("sha256", models.CharField(blank=True, max_length=64)),
                ("size", models.PositiveBigIntegerField(blank=True, help_text="Bytes.", null=True)),
                ("form", models.BinaryField(blank=True, null=True)),
                ("pcm_start", models.PositiveBigIntegerField(blank=True, null=True)),
                ("pcm_size", models.PositiveBigIntegerField(blank=True, null=True)),
                ("header_holds", models.BooleanField(default=False)),
                ("duration_ms", models.PositiveIntegerField(blank=True, null=True)),
                clinic(),
                (
                    "recording",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="parts",
                        to="recordings.recording",
                    ),
                ),
            ],
            options={
                "ordering": ["number", "vendor_ref"],
                "constraints": [
                    models.UniqueConstraint(fields=("recording", "vendor_ref"), name="recording_part_once"),
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["pending", "archived", "unreadable"])),
                        name="recording_part_state_known",
                    ),
                    models.CheckConstraint(
                        condition=~models.Q(state="archived")
                        | (~models.Q(storage_key="") & models.Q(size__isnull=False, pcm_start__isnull=False)),
                        name="recording_part_copied_is_known",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Links",
            fields=[
                ("id", ID.clone()),
                created_at(),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("next_attempt_at", DUE),
                ("lease_until", models.DateTimeField(blank=True, null=True)),
                ("lease_token", models.UUIDField(blank=True, null=True)),
                ("sealed", models.BinaryField(blank=True, default=b"")),
                ("expires_at", models.DateTimeField(blank=True, null=True)),
                ("is_streamable", models.BooleanField(default=True)),
                ("opened_at", models.DateTimeField(blank=True, null=True)),
                clinic(),
                (
                    "recording",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="links", to="recordings.recording"
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "links",
                "indexes": [
                    models.Index(
                        condition=models.Q(("next_attempt_at__isnull", False)),
                        fields=["next_attempt_at"],
                        name="links_due",
                    )
                ],
            },
        ),
        migrations.AlterField(
            "listening",
            "audio",
            models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="ingest.audio"
            ),
        ),
        migrations.AddField(
            "listening",
            "recording",
            models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="recordings.recording"
            ),
        ),
        migrations.AddConstraint(
            "listening",
            models.CheckConstraint(
                condition=models.Q(audio__isnull=True) ^ models.Q(recording__isnull=True),
                name="listening_to_one_thing",
            ),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
