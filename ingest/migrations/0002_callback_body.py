"""Callbacks' bodies are compressed with lz4 where the server was built with it, and elsewhere not at all: pglz takes longer
over them than all else that the door has done."""

from django.db import migrations

FORWARD = """
DO $$ BEGIN
    ALTER TABLE ingest_callback ALTER COLUMN body SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN
    ALTER TABLE ingest_callback ALTER COLUMN body SET STORAGE EXTERNAL;
END $$
"""


class Migration(migrations.Migration):
    dependencies = [("ingest", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, migrations.RunSQL.noop)]
