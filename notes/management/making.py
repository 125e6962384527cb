"""Rows of made-up consultations, thousands in a statement, for trying the service at its full size.

Consultations are numbered from 0 and lie in that order in the two years before now. A session's `correlation_id` is its
number, so that an index tells which are there already; all ids are made of number and moment: ids.py. The first ones
have texts of their own. The others' are copied from those inside PostgreSQL, each with a sentence added that holds one
name found in no other note and one found in some thirty of a million. What is told of them: events.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.db import connection, transaction

from notes.indexing import CONFIG, PLACE
from notes.management.events import EACH_EVENT, EVENTS, tell
from notes.management.ids import (
    ADDENDUM,
    CALLBACK,
    CORRELATION,
    IS_SIGNED,
    NOTE,
    REQUEST,
    SECTION,
    SESSION,
    SUBMISSION,
    TRANSCRIPT,
    VERSION,
)
from notes.management.texts import name, write

#: How many have texts of their own.
POOL = 2000
TOWNS = 33_333
#: With this the encounter_ref of every made session begins.
MADE = "made-"

#: The consultations to be made as `made`, each with its text as `told`.
ROWS = """
FROM (
    SELECT *, CASE WHEN mod(luck, 10) < 6 THEN 'nabla' WHEN mod(luck, 10) < 9 THEN 'suki' ELSE 'dragon' END AS vendor,
        CASE WHEN %(count)s - n <= %(count)s * 0.003 THEN 'needs_review'
            WHEN %(count)s - n <= %(count)s * 0.0035 THEN 'in_review'
            WHEN %(count)s - n <= %(count)s * 0.004 THEN 'approved'
            WHEN luck < 5 THEN 'rejected' WHEN luck < 6 THEN 'entered_in_error' WHEN luck < 26 THEN 'amended'
            ELSE 'signed' END AS state
    FROM (
        SELECT *, mod(n * 2654435761, 1000) AS luck,
            %(now)s::timestamptz - interval '730 days' * (1 - n::float8 / %(count)s) AS at,
            (%(people)s::int[])[1 + mod(n * 2654435761, cardinality(%(people)s::int[]))] AS person
        FROM unnest(%(numbers)s::bigint[], %(texts)s::bigint[], %(sentences)s::text[]) AS given (n, text, added)
    ) AS numbered
) AS made JOIN ({texts}) AS told USING (text)
"""
OWN = """
SELECT *, NULL::tsvector AS said, NULL::tsvector AS noted FROM jsonb_to_recordset(%(own)s::jsonb)
    AS own (text bigint, language text, template text, title text, lines jsonb, sections jsonb)
"""
COPIED = f"""
SELECT pool.text, note.language, note.template, note.title, transcript.lines, version.sections,
    ts_delete(transcript.search, ARRAY[{PLACE.format(row="transcript")}]) AS said,
    ts_delete(note.search, ARRAY[{PLACE.format(row="note")}]) AS noted
FROM generate_series(0, {POOL - 1}) AS pool (text)
JOIN ingest_session AS session
    ON session.clinic_id = %(clinic)s::uuid AND session.correlation_id = {CORRELATION.format("pool.text")}
JOIN notes_transcript AS transcript ON transcript.session_id = session.id
JOIN notes_note AS note ON note.session_id = session.id
JOIN notes_noteversion AS version ON version.note_id = note.id AND version.number = 1
"""  # noqa: S608 (our own names)
ADDED = f"to_tsvector(({CONFIG.format(row='told')})::regconfig, added)"
#: As they were given, with the added sentence at the end of the first.
SECTIONS = "jsonb_set(told.sections, '{0,text}', to_jsonb(rtrim((told.sections->0->>'text') || ' ' || added)))"
LINE = """
jsonb_build_object('text', added, 'speaker', told.lines->1->>'speaker',
    'start_offset_ms', (told.lines->-1->>'end_offset_ms')::int + 500,
    'end_offset_ms', (told.lines->-1->>'end_offset_ms')::int + 2500)
"""

Columns = Mapping[str, str]
#: Dragon Copilot's notes are made without one.
TEMPLATE = "CASE vendor WHEN 'dragon' THEN '' ELSE told.template END"
OURS = {"clinic_id": "%(clinic)s::uuid", "created_at": "at"}
OF_REQUEST = {**OURS, "session_id": SESSION, "request_id": REQUEST, "language": "told.language"}
INSERTS: dict[str, Columns] = {
    "ingest_session": {
        **{"id": SESSION, **OURS, "correlation_id": CORRELATION.format("n"), "language": "told.language"},
        **{"kind": "CASE WHEN luck < 100 THEN 'dictation' ELSE 'ambient' END", "state": "'closed'"},
        **{"encounter_ref": f"'{MADE}' || n", "patient_ref": "'patient-' || mod(n, 100000)"},
        **{"clinician_ref": "'clinician-' || person", "consent": "true", "started_at": "at"},
    },
    "ingest_asyncrequest": {
        **{"id": REQUEST, **OURS, "session_id": SESSION, "vendor": "vendor", "submitted_elsewhere": "true"},
        **{"output_objects": "ARRAY['transcript_item', 'note']", "language": "told.language"},
        **{"note_template": TEMPLATE, "section_style": "'auto'", "split_by_sentence": "false"},
        **{"split_by_problem": "false", "state": "'ready'", "waiting_since": "at", "submitted_at": "at"},
        **{"finished_at": "at + interval '2 minutes'", "failure_code": "''", "failure_message": "''"},
        **{"failure_retryable": "false"},
    },
    "ingest_submission": {
        **{"id": SUBMISSION, **OURS, "request_id": REQUEST, "number": "1", "client_request_id": f"'{MADE}' || n"},
        **{"asked_by": "''", "vendor_request_id": "''", "state": "'answered'", "unanswered": "false"},
        **{"error_code": "''", "error_message": "''", "submitted_at": "at", "attempts": "1"},
    },
    # As retention leaves them: the body is gone, its key and digest stay.
    "ingest_callback": {
        **{"id": CALLBACK, **OURS, "vendor": "vendor", "proven_by": "'ticket'", "proven_id": SUBMISSION},
        **{"event_id": "n::text", "submission_id": SUBMISSION, "request_id": REQUEST, "size": "54000"},
        **{"digest": "sha256(n::text::bytea)", "content_type": "'application/json'", "state": "'applied'"},
        **{"problem": "''", "attempts": "1", "named_request": "''", "received_at": "at + interval '2 minutes'"},
        **{"processed_at": "at + interval '2 minutes'"},
    },
    "notes_transcript": {
        **{"id": TRANSCRIPT, **OF_REQUEST, "search": f"told.said || {ADDED}"},
        "lines": f"CASE added WHEN '' THEN told.lines ELSE told.lines || {LINE} END",
    },
    # Born unsigned, as PostgreSQL demands; they are signed and indexed in one go, below.
    "notes_note": {
        **{"id": NOTE, **OF_REQUEST, "title": "told.title", "template": TEMPLATE, "vendor": "vendor"},
        **{"state": f"CASE WHEN {IS_SIGNED} THEN 'approved' ELSE state END", "version": "1", "weighed_version": "1"},
        "reason": "CASE state WHEN 'rejected' THEN 'Of another patient.' ELSE '' END",
        "holder_id": f"CASE WHEN {IS_SIGNED} OR state IN ('in_review', 'approved') THEN person END",
        "updated_at": "at + interval '1 hour'",
    },
    "notes_notesection": {
        **{"id": SECTION, "note_id": NOTE, "position": "position", "key": "section->>'key'"},
        **{"title": "section->>'title'", "text": "section->>'text'"},
    },
    "notes_noteversion": {
        **{"id": VERSION, **OURS, "note_id": NOTE, "number": "1", "title": "told.title", "sections": SECTIONS},
    },
}
EACH_SECTION = f", jsonb_array_elements({SECTIONS}) WITH ORDINALITY AS one (section, position)"
SIGN = f"""
UPDATE notes_note AS old SET state = new.state, signed_by_id = signer,
    signed_at = CASE WHEN signer IS NOT NULL THEN at + interval '1 hour' END,
    search = new.words || array_to_tsvector(ARRAY[{PLACE.format(row="old")}])
FROM (
    SELECT {NOTE} AS id, state, at, CASE WHEN {IS_SIGNED} THEN person END AS signer, told.noted || {ADDED} AS words
    {{rows}}
) AS new WHERE old.id = new.id
"""  # noqa: S608 (our own names)
ADDENDA: Columns = {
    **{"id": ADDENDUM, **OURS, "note_id": NOTE, "number": "1", "text": "told.title", "author_id": "person"},
}


@dataclass(frozen=True, slots=True)
class Making:
    """`count` consultations of a clinic, signed by `people`, up to `now`."""

    clinic: UUID
    count: int
    people: Sequence[int]
    now: datetime

    @transaction.atomic
    def make(self, numbers: range) -> int:
        """Makes those of these numbers that are missing; all are below POOL, or none. How many that were."""
        missing = self.missing(numbers)
        if missing:
            self.insert(missing, OWN if missing[0] < POOL else COPIED)
        return len(missing)

    def missing(self, numbers: range) -> list[int]:
        query = f"""
            SELECT n FROM generate_series(%s::bigint, %s) AS n WHERE NOT EXISTS (
                SELECT FROM ingest_session WHERE clinic_id = %s AND correlation_id = {CORRELATION.format("n")})
        """  # noqa: S608 (our own names)
        with connection.cursor() as cursor:
            cursor.execute(query, [numbers[0], numbers[-1], self.clinic])
            return [number for (number,) in cursor.fetchall()]

    def insert(self, numbers: Sequence[int], texts: str) -> None:
        rows, given = ROWS.replace("{texts}", texts), self.given(numbers)
        with connection.cursor() as cursor:
            for table, columns in INSERTS.items():
                cursor.execute(into(table, columns, rows + EACH_SECTION * (table == "notes_notesection")), given)
            cursor.execute(SIGN.replace("{rows}", rows), given)
            cursor.execute(into("notes_addendum", ADDENDA, f"{rows} WHERE state = 'amended'"), given)
            tell(cursor, into("feed_event", EVENTS, rows + EACH_EVENT), given)

    def given(self, numbers: Sequence[int]) -> dict[str, Any]:
        has_own = numbers[0] < POOL
        own = [{"text": number} | asdict(write(number)) for number in numbers] if has_own else []
        return {
            "numbers": list(numbers),
            "texts": list(numbers) if has_own else [number * 48_271 % POOL for number in numbers],
            "sentences": ["" if has_own else sentence(number) for number in numbers],
            "own": orjson.dumps(own).decode(),
            **asdict(self),
        }


def into(table: str, columns: Columns, rows: str) -> str:
    """Rows that are searched get their place into `search` beside their words, as notes.indexing puts it there."""
    given = ", ".join(f"{value} AS {column}" for column, value in columns.items())
    place = {"search": f"search || array_to_tsvector(ARRAY[{PLACE.format(row='row')}])"}
    kept = ", ".join(place.get(column, column) for column in columns)
    return f"INSERT INTO {table} ({', '.join(columns)}) SELECT {kept} FROM (SELECT {given} {rows}) AS row"  # noqa: S608


def sentence(number: int) -> str:
    """With a name of its own, and one that it shares with every so many others."""
    return f"Dr {name(number)}, {name(POOL + number % TOWNS, 3)}."
