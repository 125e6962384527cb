"""Answers to POST requests with an `Idempotency-Key`."""

import django.db.models.deletion
import django.utils.timezone
import uuid_utils.compat
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("access", "0007_webhook_scope")]

    operations = [
        migrations.CreateModel(
            name="KeptAnswer",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("key", models.BinaryField(max_length=32, unique=True)),
                ("asked", models.BinaryField(max_length=32)),
                ("answer", models.BinaryField()),
                ("expires_at", models.DateTimeField()),
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
            options={"indexes": [models.Index(fields=["expires_at"], name="kept_answer_ends")]},
        ),
    ]
