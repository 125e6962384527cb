"""Audio that is streamed, answers that are fetched, and dictations as they are heard.

A partner's accounts share their webhooks: a callback may come before it is known which clinic it is for.
"""

import django.db.models.deletion
import django.utils.timezone
import uuid_utils.compat
from django.db import migrations, models

FORWARD = """
ALTER TABLE ingest_submission ADD CONSTRAINT submission_of_clinic UNIQUE (id, clinic_id);
ALTER TABLE ingest_inquiry ADD CONSTRAINT inquiry_in_its_submissions_clinic
    FOREIGN KEY (submission_id, clinic_id) REFERENCES ingest_submission (id, clinic_id);
ALTER TABLE ingest_utterance ADD CONSTRAINT utterance_in_its_submissions_clinic
    FOREIGN KEY (submission_id, clinic_id) REFERENCES ingest_submission (id, clinic_id);
ALTER TABLE ingest_callback ADD CONSTRAINT callback_of_a_request_has_its_clinic
    CHECK (clinic_id IS NOT NULL OR request_id IS NULL);
"""
BACKWARD = """
ALTER TABLE ingest_callback DROP CONSTRAINT callback_of_a_request_has_its_clinic;
ALTER TABLE ingest_utterance DROP CONSTRAINT utterance_in_its_submissions_clinic;
ALTER TABLE ingest_inquiry DROP CONSTRAINT inquiry_in_its_submissions_clinic;
ALTER TABLE ingest_submission DROP CONSTRAINT submission_of_clinic;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0006_reviewers"),
        ("ingest", "0007_lists"),
    ]

    operations = [
        migrations.CreateModel(
            name="Inquiry",
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
                    "error_code",
                    models.CharField(blank=True, help_text="Why the vendor did not say, the last time.", max_length=64),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Utterance",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("number", models.PositiveIntegerField(help_text="Counts from 1 in its submission.")),
                ("text", models.TextField()),
                ("is_final", models.BooleanField(default=False)),
            ],
        ),
        migrations.RemoveConstraint(
            model_name="callback",
            name="callback_state_known",
        ),
        migrations.AddField(
            model_name="submission",
            name="sent_ms",
            field=models.PositiveIntegerField(
                db_default=0, default=0, help_text="Milliseconds of the audio that were streamed so far."
            ),
        ),
        migrations.AddField(
            model_name="vendoraccount",
            name="partner",
            field=models.CharField(
                blank=True, help_text="Accounts of one partner share their webhooks.", max_length=200
            ),
        ),
        migrations.AlterField(
            model_name="callback",
            name="clinic",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                help_text="Empty until it is known which of a partner's clinics it is for; operators alone see it then.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="access.clinic",
            ),
        ),
        migrations.AlterField(
            model_name="callback",
            name="named_request",
            field=models.CharField(
                blank=True, help_text="What an orphan calls its request: our id, else the vendor's.", max_length=200
            ),
        ),
        migrations.AlterField(
            model_name="callback",
            name="proven_by",
            field=models.CharField(
                choices=[
                    ("ticket", "ticket of a submission"),
                    ("api_key", "API key of a partner system"),
                    ("application", "token of a partner system"),
                    ("account", "the vendor's signature"),
                    ("polled", "fetched from the vendor"),
                    ("streamed", "the last word of a stream to the vendor"),
                ],
                max_length=20,
            ),
        ),
        migrations.AlterField(
            model_name="callback",
            name="state",
            field=models.CharField(
                choices=[
                    ("stored", "stored, not yet processed"),
                    ("applied", "applied"),
                    ("notice", "announces an answer, which is fetched"),
                    ("duplicate", "says what was already applied"),
                    ("conflict", "a second, different answer"),
                    ("mismatch", "names another request than the address it came to"),
                    ("not_applied", "came too late to count"),
                    ("orphan", "for a request we do not know"),
                    ("junk", "not an answer of this vendor"),
                    ("failed", "could not be processed"),
                ],
                default="stored",
                max_length=20,
            ),
        ),
        migrations.AddIndex(
            model_name="vendoraccount",
            index=models.Index(
                condition=models.Q(("partner", ""), _negated=True),
                fields=["vendor", "partner"],
                name="account_by_partner",
            ),
        ),
        migrations.AddConstraint(
            model_name="callback",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "state__in",
                        [
                            "stored",
                            "applied",
                            "notice",
                            "duplicate",
                            "conflict",
                            "mismatch",
                            "not_applied",
                            "orphan",
                            "junk",
                            "failed",
                        ],
                    )
                ),
                name="callback_state_known",
            ),
        ),
        migrations.AddField(
            model_name="inquiry",
            name="clinic",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="access.clinic"
            ),
        ),
        migrations.AddField(
            model_name="inquiry",
            name="submission",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT, related_name="inquiry", to="ingest.submission"
            ),
        ),
        migrations.AddField(
            model_name="utterance",
            name="clinic",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="access.clinic"
            ),
        ),
        migrations.AddField(
            model_name="utterance",
            name="submission",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="utterances",
                to="ingest.submission",
            ),
        ),
        migrations.AddIndex(
            model_name="inquiry",
            index=models.Index(
                condition=models.Q(("next_attempt_at__isnull", False)), fields=["next_attempt_at"], name="inquiry_due"
            ),
        ),
        migrations.AddConstraint(
            model_name="utterance",
            constraint=models.UniqueConstraint(
                fields=("submission", "number"), name="utterance_numbered_in_its_submission"
            ),
        ),
        migrations.AddConstraint(
            model_name="utterance",
            constraint=models.UniqueConstraint(
                condition=models.Q(("is_final", False)), fields=("submission",), name="utterance_one_still_changes"
            ),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
