"""A transcript, a note and its versions are of the clinic of their request (see ingest's 0003)."""

from django.db import migrations

FORWARD = """
ALTER TABLE notes_transcript ADD CONSTRAINT transcript_in_its_requests_clinic
    FOREIGN KEY (request_id, clinic_id) REFERENCES ingest_asyncrequest (id, clinic_id);
ALTER TABLE notes_note ADD CONSTRAINT note_in_its_requests_clinic
    FOREIGN KEY (request_id, clinic_id) REFERENCES ingest_asyncrequest (id, clinic_id);
ALTER TABLE notes_note ADD CONSTRAINT note_of_clinic UNIQUE (id, clinic_id);
ALTER TABLE notes_noteversion ADD CONSTRAINT version_in_its_notes_clinic
    FOREIGN KEY (note_id, clinic_id) REFERENCES notes_note (id, clinic_id);
"""
BACKWARD = """
ALTER TABLE notes_noteversion DROP CONSTRAINT version_in_its_notes_clinic;
ALTER TABLE notes_note DROP CONSTRAINT note_of_clinic;
ALTER TABLE notes_note DROP CONSTRAINT note_in_its_requests_clinic;
ALTER TABLE notes_transcript DROP CONSTRAINT transcript_in_its_requests_clinic;
"""


class Migration(migrations.Migration):
    dependencies = [("notes", "0001_initial"), ("ingest", "0003_one_clinic")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
