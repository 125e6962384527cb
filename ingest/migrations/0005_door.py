"""What the door, its replays and its signs of life need."""

import django.db.models.deletion
import django.utils.timezone
import uuid_utils.compat
from django.db import migrations, models

ONE_CLINIC = """
ALTER TABLE ingest_replay ADD CONSTRAINT replay_of_clinic UNIQUE (id, clinic_id);
ALTER TABLE ingest_callback ADD CONSTRAINT callback_in_its_replays_clinic
    FOREIGN KEY (replay_id, clinic_id) REFERENCES ingest_replay (id, clinic_id);
"""
BACKWARD = """
ALTER TABLE ingest_callback DROP CONSTRAINT callback_in_its_replays_clinic;
ALTER TABLE ingest_replay DROP CONSTRAINT replay_of_clinic;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0005_desk_forms"),
        ("ingest", "0004_partners"),
    ]

    operations = [
        migrations.CreateModel(
            name="Heartbeat",
            fields=[
                ("queue", models.CharField(max_length=40, primary_key=True, serialize=False)),
                ("consumed_at", models.DateTimeField()),
            ],
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
                ],
                max_length=20,
            ),
        ),
        migrations.CreateModel(
            name="Replay",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("asked_by", models.CharField(help_text="Who, as the access log names them.", max_length=82)),
                ("chosen", models.CharField(help_text="Which callbacks, in words.", max_length=200)),
                ("total", models.PositiveIntegerField(default=0, help_text="How many.")),
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
        ),
        migrations.AddField(
            model_name="callback",
            name="replay",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="callbacks",
                to="ingest.replay",
            ),
        ),
        migrations.AddIndex(
            model_name="callback",
            index=models.Index(fields=["vendor", "-id"], name="callback_by_vendor"),
        ),
        migrations.AddIndex(
            model_name="callback",
            index=models.Index(
                condition=models.Q(("replay__isnull", False)), fields=["replay"], name="callback_replayed"
            ),
        ),
        migrations.AddIndex(
            model_name="replay",
            index=models.Index(fields=["clinic", "-id"], name="replay_list"),
        ),
        migrations.RunSQL(ONE_CLINIC, BACKWARD),
    ]
