"""That a recording was removed is told in the change feed."""

from django.db import migrations

FORWARD = """
CREATE TRIGGER recording_deleted AFTER DELETE ON recordings_recording
    FOR EACH ROW EXECUTE FUNCTION feed_tell_deleted('recording');
"""


class Migration(migrations.Migration):
    dependencies = [("recordings", "0008_lists_by_vendor"), ("feed", "0003_tombstones")]
    operations = [migrations.RunSQL(FORWARD, "DROP TRIGGER recording_deleted ON recordings_recording")]
