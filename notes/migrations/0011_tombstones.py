"""That a transcript or a note was removed is told in the change feed."""

from django.db import migrations

FORWARD = """
CREATE TRIGGER transcript_deleted AFTER DELETE ON notes_transcript
    FOR EACH ROW EXECUTE FUNCTION feed_tell_deleted('transcript');
CREATE TRIGGER note_deleted AFTER DELETE ON notes_note
    FOR EACH ROW EXECUTE FUNCTION feed_tell_deleted('note');
"""
BACKWARD = """
DROP TRIGGER note_deleted ON notes_note;
DROP TRIGGER transcript_deleted ON notes_transcript;
"""


class Migration(migrations.Migration):
    dependencies = [("notes", "0010_lists_by_change"), ("feed", "0003_tombstones")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
