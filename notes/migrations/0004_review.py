"""Review: who holds a note, what was typed into it, its evidence and addenda; and the lock on what is signed.

A signed note keeps its words and its signature whoever asks: PostgreSQL refuses to change the note and to add, change
or move its sections, for every role that may not drop the triggers. Deleting is the owner's alone, by its grants. A
note is signed by an UPDATE, never born signed, but for the owner who restores or makes one.
"""

import django.db.models.deletion
import django.utils.timezone
import uuid_utils.compat
from django.conf import settings
from django.db import migrations, models

OF_CLINIC = """
ALTER TABLE notes_addendum ADD CONSTRAINT addendum_in_its_notes_clinic
    FOREIGN KEY (note_id, clinic_id) REFERENCES notes_note (id, clinic_id);
ALTER TABLE notes_draft ADD CONSTRAINT draft_in_its_notes_clinic
    FOREIGN KEY (note_id, clinic_id) REFERENCES notes_note (id, clinic_id);
ALTER TABLE notes_evidence ADD CONSTRAINT evidence_in_its_notes_clinic
    FOREIGN KEY (note_id, clinic_id) REFERENCES notes_note (id, clinic_id);
ALTER TABLE notes_dismissal ADD CONSTRAINT dismissal_in_its_notes_clinic
    FOREIGN KEY (note_id, clinic_id) REFERENCES notes_note (id, clinic_id);
"""
NOT_OF_CLINIC = """
ALTER TABLE notes_dismissal DROP CONSTRAINT dismissal_in_its_notes_clinic;
ALTER TABLE notes_evidence DROP CONSTRAINT evidence_in_its_notes_clinic;
ALTER TABLE notes_draft DROP CONSTRAINT draft_in_its_notes_clinic;
ALTER TABLE notes_addendum DROP CONSTRAINT addendum_in_its_notes_clinic;
"""
# What may still change is named: a column that is added later is locked by itself.
LOCK = """
CREATE FUNCTION notes_refuse(what text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a signed note is locked: %', what USING ERRCODE = 'restrict_violation';
END $$;

CREATE FUNCTION notes_lock_note() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    free CONSTANT text[] := '{state,reason,updated_at,search,weighed_version}';
    follows CONSTANT text[] := CASE OLD.state WHEN 'entered_in_error' THEN '{}' ELSE '{amended,entered_in_error}' END;
BEGIN
    IF to_jsonb(OLD) - free IS DISTINCT FROM to_jsonb(NEW) - free THEN
        PERFORM notes_refuse('its words and its signature stay');
    ELSIF NEW.state <> ALL (follows || OLD.state::text) THEN
        PERFORM notes_refuse('it can only be amended or entered in error');
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER note_locked BEFORE UPDATE ON notes_note
    FOR EACH ROW WHEN (OLD.signed_at IS NOT NULL) EXECUTE FUNCTION notes_lock_note();

CREATE FUNCTION notes_born_unsigned() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT pg_has_role(current_user, (SELECT relowner FROM pg_class WHERE oid = TG_RELID), 'USAGE') THEN
        PERFORM notes_refuse('a note is signed after it was made');
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER note_born_unsigned BEFORE INSERT ON notes_note
    FOR EACH ROW WHEN (NEW.signed_at IS NOT NULL) EXECUTE FUNCTION notes_born_unsigned();

-- It waits for a signature that is being written at this moment, then looks. In one statement the planner would look
-- first, and lock what it has found.
CREATE FUNCTION notes_check_unsigned(notes uuid[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM notes_note WHERE id = ANY (notes) ORDER BY id FOR SHARE;
    IF EXISTS (SELECT FROM notes_note WHERE id = ANY (notes) AND signed_at IS NOT NULL) THEN
        PERFORM notes_refuse('so are its sections');
    END IF;
END $$;
CREATE FUNCTION notes_lock_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM notes_check_unsigned(ARRAY(SELECT DISTINCT note_id FROM added));
    RETURN NULL;
END $$;
CREATE FUNCTION notes_lock_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM notes_check_unsigned(ARRAY(SELECT note_id FROM before UNION SELECT note_id FROM after));
    RETURN NULL;
END $$;
CREATE TRIGGER sections_locked_added AFTER INSERT ON notes_notesection
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION notes_lock_added();
CREATE TRIGGER sections_locked_changed AFTER UPDATE ON notes_notesection
    REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION notes_lock_changed();
"""
UNLOCK = """
DROP TRIGGER sections_locked_changed ON notes_notesection;
DROP TRIGGER sections_locked_added ON notes_notesection;
DROP TRIGGER note_born_unsigned ON notes_note;
DROP TRIGGER note_locked ON notes_note;
DROP FUNCTION notes_lock_changed, notes_lock_added, notes_check_unsigned, notes_born_unsigned, notes_lock_note;
DROP FUNCTION notes_refuse;
"""
OF_REQUEST = """
UPDATE notes_note SET vendor = request.vendor FROM ingest_asyncrequest AS request WHERE request.id = request_id
"""


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0005_desk_forms"),
        ("ingest", "0006_no_result_digest"),
        ("notes", "0003_indexed_later"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Addendum",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("number", models.PositiveIntegerField(help_text="Addenda of one note count from 1.")),
                ("text", models.TextField()),
            ],
            options={
                "verbose_name_plural": "addenda",
            },
        ),
        migrations.CreateModel(
            name="Dismissal",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("warning", models.CharField(max_length=200)),
                ("reason", models.CharField(max_length=200)),
            ],
        ),
        migrations.CreateModel(
            name="Draft",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("based_on", models.PositiveIntegerField()),
                ("title", models.TextField(blank=True)),
                ("texts", models.JSONField(help_text="The text of each section, in their order.")),
                ("saved_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
        ),
        migrations.CreateModel(
            name="Evidence",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("version", models.PositiveIntegerField()),
                ("sources", models.JSONField(default=list)),
                ("unsaid", models.JSONField(default=list)),
                ("unreflected", models.JSONField(default=list)),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.AddField(
            model_name="note",
            name="holder",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                help_text="Who has claimed it for review, and alone may change it.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="note",
            name="reason",
            field=models.CharField(blank=True, help_text="Why it was rejected or entered in error.", max_length=500),
        ),
        migrations.AddField(
            model_name="note",
            name="vendor",
            field=models.CharField(default="", max_length=20),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="note",
            name="weighed_version",
            field=models.PositiveIntegerField(default=0, help_text="Which version Evidence is about: weighing.py."),
        ),
        migrations.AddIndex(
            model_name="note",
            index=models.Index(
                condition=models.Q(("weighed_version__lt", models.F("version"))), fields=["-id"], name="note_unweighed"
            ),
        ),
        migrations.AddIndex(
            model_name="note",
            index=models.Index(
                condition=models.Q(("state__in", ("in_review", "approved"))),
                fields=["holder", "state"],
                name="note_held",
            ),
        ),
        migrations.AddConstraint(
            model_name="note",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("signed_at__isnull", False),
                    models.Q(("state__in", ["signed", "amended"]), _negated=True),
                    _connector="OR",
                ),
                name="note_signed_is_signed",
            ),
        ),
        migrations.AddConstraint(
            model_name="note",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("signed_at__isnull", True),
                    ("state__in", ["signed", "amended", "entered_in_error"]),
                    _connector="OR",
                ),
                name="note_unsigned_is_unsigned",
            ),
        ),
        migrations.AddConstraint(
            model_name="note",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("holder__isnull", False),
                    models.Q(("state__in", ("in_review", "approved")), _negated=True),
                    _connector="OR",
                ),
                name="note_under_review_has_its_reviewer",
            ),
        ),
        migrations.AddField(
            model_name="addendum",
            name="author",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="addendum",
            name="clinic",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="access.clinic"
            ),
        ),
        migrations.AddField(
            model_name="addendum",
            name="note",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="addenda", to="notes.note"
            ),
        ),
        migrations.AddField(
            model_name="dismissal",
            name="author",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="dismissal",
            name="clinic",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="access.clinic"
            ),
        ),
        migrations.AddField(
            model_name="dismissal",
            name="note",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="dismissals", to="notes.note"
            ),
        ),
        migrations.AddField(
            model_name="draft",
            name="clinic",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="access.clinic"
            ),
        ),
        migrations.AddField(
            model_name="draft",
            name="note",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="drafts", to="notes.note"
            ),
        ),
        migrations.AddField(
            model_name="draft",
            name="user",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="evidence",
            name="clinic",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="access.clinic"
            ),
        ),
        migrations.AddField(
            model_name="evidence",
            name="note",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.CASCADE, related_name="evidence", to="notes.note"
            ),
        ),
        migrations.AddConstraint(
            model_name="addendum",
            constraint=models.UniqueConstraint(fields=("note", "number"), name="addendum_numbered_in_its_note"),
        ),
        migrations.AddConstraint(
            model_name="dismissal",
            constraint=models.UniqueConstraint(fields=("note", "warning"), name="warning_dismissed_once"),
        ),
        migrations.AddConstraint(
            model_name="draft",
            constraint=models.UniqueConstraint(fields=("note", "user"), name="draft_once_a_person"),
        ),
        migrations.RunSQL(OF_REQUEST, migrations.RunSQL.noop),
        migrations.RunSQL(OF_CLINIC, NOT_OF_CLINIC),
        migrations.RunSQL(LOCK, UNLOCK),
    ]
