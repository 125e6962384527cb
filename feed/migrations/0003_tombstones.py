"""Whatever is removed is told of, whoever removes it: triggers on the tables themselves call this.

The id is a UUIDv7: 48 bits of milliseconds before the rest of a random one, and two bits that turn version 4 into 7.
"""

from django.db import migrations

FORWARD = """
CREATE FUNCTION feed_event_id() RETURNS uuid LANGUAGE sql VOLATILE AS $$
    SELECT encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
        PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1 FOR 6),
        52, 1), 53, 1), 'hex')::uuid
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
