"""Whatever is removed is told of, whoever removes it: triggers on the tables themselves call this.

The id is a UUIDv7 whose microseconds follow the milliseconds (RFC 9562, 6.2, method 3): what one transaction removes is
in order. The rest is that of a random one.
"""

from django.db import migrations

FORWARD = """
CREATE FUNCTION feed_event_id() RETURNS uuid LANGUAGE sql VOLATILE AS $$
    SELECT encode(overlay(uuid_send(gen_random_uuid()) PLACING int8send(
        ((now.micros / 1000) << 16) | (7 << 12) | (now.micros % 1000 * 4096 / 1000)) FROM 1 FOR 8), 'hex')::uuid
    FROM (SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS micros) AS now
$$;

-- Called with the object's name: ('note') tells note.deleted. The row's columns are read one by one: the whole of it
-- may be long.
CREATE FUNCTION feed_tell_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    about jsonb := '{}';
BEGIN
    IF TG_ARGV[0] <> 'session' THEN
        about := jsonb_build_object('session', OLD.session_id);
    END IF;
    INSERT INTO feed_event (id, created_at, clinic_id, kind, object_id, data)
        VALUES (feed_event_id(), clock_timestamp(), OLD.clinic_id, TG_ARGV[0] || '.deleted', OLD.id, about);
    RETURN NULL;
END $$;
"""
BACKWARD = """
DROP FUNCTION feed_tell_deleted;
DROP FUNCTION feed_event_id;
"""


class Migration(migrations.Migration):
    dependencies = [("feed", "0002_webhooks")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
