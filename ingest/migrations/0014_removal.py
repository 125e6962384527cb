"""Sessions are removed whole, which is told in the change feed; their files are remembered until they are gone too."""

import django.db.models.deletion
import django.utils.timezone
import uuid_utils.compat
from django.db import migrations, models

FORWARD = """
CREATE TRIGGER session_deleted AFTER DELETE ON ingest_session
    FOR EACH ROW EXECUTE FUNCTION feed_tell_deleted('session');
CREATE TRIGGER audio_deleted AFTER DELETE ON ingest_audio
    FOR EACH ROW EXECUTE FUNCTION feed_tell_deleted('audio');
CREATE TRIGGER request_deleted AFTER DELETE ON ingest_asyncrequest
    FOR EACH ROW EXECUTE FUNCTION feed_tell_deleted('request');
"""
BACKWARD = """
DROP TRIGGER request_deleted ON ingest_asyncrequest;
DROP TRIGGER audio_deleted ON ingest_audio;
DROP TRIGGER session_deleted ON ingest_session;
"""


class Migration(migrations.Migration):
    dependencies = [("ingest", "0013_lists_by_reference"), ("feed", "0003_tombstones")]

    operations = [
        migrations.CreateModel(
            name="RemovedFile",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("storage_key", models.CharField(max_length=200)),
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
            options={"abstract": False},
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
