"""What belongs together is of one clinic: the database holds it, whatever a query may forget."""

from django.db import migrations

FORWARD = """
ALTER TABLE ingest_session ADD CONSTRAINT session_of_clinic UNIQUE (id, clinic_id);
ALTER TABLE ingest_asyncrequest ADD CONSTRAINT request_of_clinic UNIQUE (id, clinic_id);
ALTER TABLE ingest_vendoraccount ADD CONSTRAINT account_of_clinic UNIQUE (id, clinic_id);
ALTER TABLE ingest_audio ADD CONSTRAINT audio_in_its_sessions_clinic
    FOREIGN KEY (session_id, clinic_id) REFERENCES ingest_session (id, clinic_id);
ALTER TABLE ingest_asyncrequest ADD CONSTRAINT request_in_its_sessions_clinic
    FOREIGN KEY (session_id, clinic_id) REFERENCES ingest_session (id, clinic_id);
ALTER TABLE ingest_asyncrequest ADD CONSTRAINT request_in_its_accounts_clinic
    FOREIGN KEY (account_id, clinic_id) REFERENCES ingest_vendoraccount (id, clinic_id);
ALTER TABLE ingest_submission ADD CONSTRAINT submission_in_its_requests_clinic
    FOREIGN KEY (request_id, clinic_id) REFERENCES ingest_asyncrequest (id, clinic_id);
ALTER TABLE ingest_callback ADD CONSTRAINT callback_in_its_requests_clinic
    FOREIGN KEY (request_id, clinic_id) REFERENCES ingest_asyncrequest (id, clinic_id);
"""
BACKWARD = """
ALTER TABLE ingest_callback DROP CONSTRAINT callback_in_its_requests_clinic;
ALTER TABLE ingest_submission DROP CONSTRAINT submission_in_its_requests_clinic;
ALTER TABLE ingest_asyncrequest DROP CONSTRAINT request_in_its_accounts_clinic;
ALTER TABLE ingest_asyncrequest DROP CONSTRAINT request_in_its_sessions_clinic;
ALTER TABLE ingest_audio DROP CONSTRAINT audio_in_its_sessions_clinic;
ALTER TABLE ingest_vendoraccount DROP CONSTRAINT account_of_clinic;
ALTER TABLE ingest_asyncrequest DROP CONSTRAINT request_of_clinic;
ALTER TABLE ingest_session DROP CONSTRAINT session_of_clinic;
"""


class Migration(migrations.Migration):
    dependencies = [("ingest", "0002_callback_body")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
