"""The full-text index, made when nothing else waits: it costs PostgreSQL more than all else that an answer brings.

A row whose words are new has no `search`; it is found by its words once that was filled in, seconds later, and in a
burst of answers after the burst. Whoever changes words empties `search` and rings. A note is found by the words of its
transcript too, so it is filled in after it, and again, and weighed again, when the
transcript is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import OperationalError, connection, transaction
from django.db.models import Exists, OuterRef
from psycopg.errors import ProgramLimitExceeded

from notes.models import Note, Transcript
from notes.search import CONFIGS, INDEXED_BYTES, OTHERS, SHELVES

BATCH = 16
Row = type[Transcript] | type[Note]

OF_LANGUAGES = " ".join(f"WHEN '{code}' THEN '{name}'" for code, name in CONFIGS.items())
CONFIG = f"CASE split_part(lower({{row}}.language), '-', 1) {OF_LANGUAGES} ELSE '{OTHERS}' END"
#: Where a row stands: on the shelves of its clinic and language.
STAND = f"' ' || right({{row}}.clinic_id::text, 12) || ' ' || {CONFIG} || ' ' || left({{row}}.id::text, %d)"
PLACE = ", ".join(STAND % digits for digits in (*SHELVES, 0))
PLACES = {name: f"ARRAY[{PLACE.format(row=name)}]" for name in ("row", "said")}
WORDS: dict[Row, str] = {
    Transcript: """
        SELECT string_agg(line->>'text', E'\\n' ORDER BY place)
        FROM jsonb_array_elements(row.lines) WITH ORDINALITY AS spoken (line, place)""",
    Note: """
        SELECT concat_ws(E'\\n', row.title, string_agg(concat_ws(E'\\n', title, text), E'\\n' ORDER BY position))
        FROM notes_notesection WHERE note_id = row.id""",
}
#: What a row is found by besides its own words, without the place that it has from elsewhere.
BESIDES: dict[Row, str] = {
    Transcript: "NULL::tsvector",
    Note: f"SELECT ts_delete(search, {PLACES['said']}) FROM notes_transcript AS said WHERE request_id = row.request_id",  # noqa: S608
}
# So many characters that they cannot be more bytes than that: each one beyond ASCII takes up to three bytes more.
INDEXED = f"left(words, greatest({INDEXED_BYTES} / 4, {INDEXED_BYTES} - octet_length(words) + length(words)))"
FILL = f"""
UPDATE {{table}} AS old
SET search = to_tsvector(new.config, coalesce({INDEXED}, '')) || coalesce(new.besides, '') || array_to_tsvector(places)
FROM (
    SELECT row.id, ({CONFIG.format(row="row")})::regconfig AS config, ({{words}}) AS words, ({{besides}}) AS besides,
        {PLACES["row"]} AS places
    FROM {{table}} AS row WHERE row.id = ANY(%s)
) AS new
WHERE old.id = new.id
"""  # noqa: S608 (our own names)


def is_due() -> bool:
    return any(kind.objects.filter(search=None).exists() for kind in WORDS)


def index_due() -> bool:
    """Fills in a batch of each kind, the newest first. True when more may be due."""
    return BATCH in [_batch(Transcript.objects.all()), _batch(_with_words_indexed())]


def _with_words_indexed() -> Any:
    unindexed = Transcript.objects.filter(request=OuterRef("request"), search=None)
    return Note.objects.exclude(Exists(unindexed))


@transaction.atomic
def _batch(rows: Any) -> int:
    due = rows.filter(search=None).order_by("-pk").select_for_update(skip_locked=True, no_key=True)
    ids = list(due.values_list("pk", flat=True)[:BATCH])
    if ids:
        _fill(rows.model, ids)
    if ids and rows.model is Transcript:
        _begin_anew(Transcript.objects.filter(pk__in=ids).values("request"))
    return len(ids)


def _begin_anew(spoken: Any) -> None:
    """The notes of these requests, locked in their order, as by all who hold several.

    Also those without `search` as far as this transaction sees: one may be filled in at this moment, without it.
    """
    notes = Note.objects.filter(request__in=spoken).order_by("pk").select_for_update(no_key=True)
    Note.objects.filter(pk__in=list(notes.values_list("pk", flat=True))).update(search=None, weighed_version=0)


def _fill(kind: Row, ids: Sequence[UUID]) -> None:
    """One whose words PostgreSQL cannot index is found by none, and keeps the others from nothing."""
    query = FILL.format(table=kind._meta.db_table, words=WORDS[kind], besides=BESIDES[kind])
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
