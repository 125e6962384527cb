"""The full-text index, made when nothing else waits: it costs PostgreSQL more than all else that an answer brings.

A row whose words are new has no `search`; it is found by its words once that was filled in, seconds later, and in a
burst of answers after the burst. Whoever changes words empties `search` and rings.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db import OperationalError, connection, transaction
from psycopg.errors import ProgramLimitExceeded

from notes.models import Note, Transcript
from notes.search import CONFIGS, INDEXED_BYTES, OTHERS

BATCH = 16
Row = type[Transcript] | type[Note]

WORDS: dict[Row, str] = {
    Transcript: """
        SELECT string_agg(line->>'text', E'\\n' ORDER BY place)
        FROM jsonb_array_elements(row.lines) WITH ORDINALITY AS spoken (line, place)""",
    Note: """
        SELECT concat_ws(E'\\n', row.title, string_agg(concat_ws(E'\\n', title, text), E'\\n' ORDER BY position))
        FROM notes_notesection WHERE note_id = row.id""",
}
OF_LANGUAGES = " ".join(f"WHEN '{code}' THEN '{name}'" for code, name in CONFIGS.items())
CONFIG = f"CASE split_part(lower(row.language), '-', 1) {OF_LANGUAGES} ELSE '{OTHERS}' END::regconfig"
# So many characters that they cannot be more bytes than that: each one beyond ASCII takes up to three bytes more.
INDEXED = f"left(words, greatest({INDEXED_BYTES} / 4, {INDEXED_BYTES} - octet_length(words) + length(words)))"
FILL = """
UPDATE {table} AS old SET search = to_tsvector(new.config, coalesce({indexed}, ''))
FROM (SELECT row.id, {config} AS config, ({words}) AS words FROM {table} AS row WHERE row.id = ANY(%s)) AS new
WHERE old.id = new.id
"""


def is_due() -> bool:
    return any(kind.objects.filter(search=None).exists() for kind in WORDS)


def index_due() -> bool:
    """Fills in a batch of each kind, the newest first. True when more may be due."""
    return BATCH in [_batch(kind) for kind in WORDS]


@transaction.atomic
def _batch(kind: Row) -> int:
    due = kind.objects.filter(search=None).order_by("-pk").select_for_update(skip_locked=True, no_key=True)
    ids = list(due.values_list("pk", flat=True)[:BATCH])
    if ids:
        _fill(kind, ids)
    return len(ids)


def _fill(kind: Row, ids: Sequence[UUID]) -> None:
    """One whose words PostgreSQL cannot index is found by none, and keeps the others from nothing."""
    query = FILL.format(table=kind._meta.db_table, config=CONFIG, words=WORDS[kind], indexed=INDEXED)
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(query, [list(ids)])
    except OperationalError as error:
        if not isinstance(error.__cause__, ProgramLimitExceeded):
            raise
        if len(ids) == 1:
            kind.objects.filter(pk=ids[0]).update(search="")
            return
        for one in ids:
            _fill(kind, [one])
