"""A vendor's later text of a note stands beside words that somebody has reviewed, also beside signed ones.

A note may get other sections than it had, so those that it had go. The application's role deletes nothing by itself: it
has a function for this, which refuses what is signed.
"""

from django.db import migrations, models

MAY_CHANGE = """
CREATE OR REPLACE FUNCTION notes_lock_note() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    free CONSTANT text[] := '{%s}';
    follows CONSTANT text[] := CASE OLD.state WHEN 'entered_in_error' THEN '{}' ELSE '{amended,entered_in_error}' END;
BEGIN
    IF to_jsonb(OLD) - free IS DISTINCT FROM to_jsonb(NEW) - free THEN
        PERFORM notes_refuse('its words and its signature stay');
    ELSIF NEW.state <> ALL (follows || OLD.state::text) THEN
        PERFORM notes_refuse('it can only be amended or entered in error');
    END IF;
    RETURN NEW;
END $$;
"""
BEFORE = "state,reason,updated_at,search,weighed_version"
# It runs as its owner, so it looks for tables where nobody else can put any.
REMOVE = """
CREATE FUNCTION notes_remove_sections(notes uuid[]) RETURNS void LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM notes_check_unsigned(notes);
    DELETE FROM notes_notesection WHERE note_id = ANY (notes);
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("notes", "0007_vendor_and_template")]

    operations = [
        migrations.AddField(
            "note",
            "offered_version",
            models.PositiveIntegerField(
                blank=True,
                help_text="A later text of the vendor's, beside these words until somebody decides.",
                null=True,
            ),
        ),
        migrations.AddField("noteversion", "vendor_text", models.PositiveIntegerField(db_default=1)),
        migrations.AddField("noteversion", "as_of", models.DateTimeField(blank=True, null=True)),
        migrations.AddIndex(
            "note",
            models.Index(
                condition=models.Q(("offered_version__isnull", False)), fields=["clinic", "-id"], name="note_offered"
            ),
        ),
        migrations.RunSQL(MAY_CHANGE % f"{BEFORE},offered_version", MAY_CHANGE % BEFORE),
        migrations.RunSQL(REMOVE, "DROP FUNCTION notes_remove_sections"),
    ]
