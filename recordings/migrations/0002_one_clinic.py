"""A recording is of the clinic of its session and account (see ingest's 0003)."""

from django.db import migrations

FORWARD = """
ALTER TABLE recordings_recording ADD CONSTRAINT recording_in_its_sessions_clinic
    FOREIGN KEY (session_id, clinic_id) REFERENCES ingest_session (id, clinic_id);
ALTER TABLE recordings_recording ADD CONSTRAINT recording_in_its_accounts_clinic
    FOREIGN KEY (account_id, clinic_id) REFERENCES ingest_vendoraccount (id, clinic_id);
"""
BACKWARD = """
ALTER TABLE recordings_recording DROP CONSTRAINT recording_in_its_accounts_clinic;
ALTER TABLE recordings_recording DROP CONSTRAINT recording_in_its_sessions_clinic;
"""


class Migration(migrations.Migration):
    dependencies = [("recordings", "0001_initial"), ("ingest", "0003_one_clinic")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
