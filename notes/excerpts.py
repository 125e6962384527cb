"""Where a note or a transcript has the words that were searched for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Model

from access.desk import Excerpt
from notes.indexing import CONFIG
from notes.lines import speaker
from notes.models import Note, Transcript

#: Around a match in what PostgreSQL answers; no text keeps such letters of its own.
BEGIN, END = "\x02", "\x03"
OPTIONS = f"StartSel={BEGIN}, StopSel={END}, HighlightAll=true"
#: Letters that are shown before the first match, and from it on.
BEFORE, FROM = 60, 140
#: Letters of one section or line that are looked through: PostgreSQL makes no vector of more than 1 MiB.
LOOKED_THROUGH = 50_000
#: Lines of a transcript that are looked through, each for itself; what is said later is found, and not shown.
MOST_LINES = 5000

# None where the index knows that nobody says any of it.
LINES = f"""
    SELECT said.id, coalesce(line->>'speaker', ''), line->>'text'
    FROM notes_transcript AS said, jsonb_array_elements(lines) WITH ORDINALITY AS spoken (line, place)
    WHERE {{which}} AND said.search @@ eased AND place <= {MOST_LINES}
    ORDER BY place"""  # noqa: S608 (our own names)
#: What a row can be found by, in its order: the transcript that says it, who or which section, text.
PARTS: dict[type[Model], str] = {
    Transcript: LINES.format(which="said.id = row.id"),
    Note: f"""
    SELECT NULL::uuid, '', row.title
    UNION ALL (SELECT NULL, title, text FROM notes_notesection WHERE note_id = row.id ORDER BY position)
    UNION ALL ({LINES.format(which="said.request_id = row.request_id")})""",  # noqa: S608 (our own names)
}
# Of each row the first part that has all the words, else the first that has one. Parts are parsed one by one, each
# once, and none after one that has all of them: PostgreSQL fills a CTE no further than it is read.
BEST = f"""
SELECT row.id, part.source, part.by, ts_headline(config, part.text, eased, '{OPTIONS}')
FROM {{table}} AS row,
    LATERAL (SELECT ({CONFIG.format(row="row")})::regconfig) AS spoken (config),
    LATERAL websearch_to_tsquery(config, %s) AS asked,
    LATERAL (SELECT replace(querytree(asked), ' & ', ' | ')::tsquery) AS of_any (eased),
    LATERAL (
        WITH found AS MATERIALIZED (
            SELECT source, by, short.text, vector @@ asked AS has_all
            FROM ({{parts}}) AS one (source, by, text),
                LATERAL translate(left(one.text, {LOOKED_THROUGH}), '{BEGIN}{END}', '') AS short (text),
                LATERAL to_tsvector(config, short.text) AS vector
            WHERE vector @@ eased
        )
        (SELECT * FROM found WHERE has_all LIMIT 1) UNION ALL (SELECT * FROM found LIMIT 1) LIMIT 1
    ) AS part
WHERE row.id = ANY(%s)
"""  # noqa: S608 (our own names)


def excerpts(rows: Sequence[Any], words: str) -> Mapping[UUID, Excerpt]:
    """By the ids of these rows, all notes or all transcripts; none for a row that has the words in no one place."""
    if not rows:
        return {}
    kind, by_id = type(rows[0]), {row.pk: row for row in rows}
    with connection.cursor() as cursor:
        query = BEST.format(table=kind._meta.db_table, parts=PARTS[kind])
        cursor.execute(query, [words.replace("\0", " "), list(by_id)])
        return {pk: _excerpt(by_id[pk], *found) for pk, *found in cursor.fetchall()}


def _excerpt(row: Any, source: UUID | None, by: str, headline: str) -> Excerpt:
    if source is None:
        return Excerpt(by, list(_around_match(headline)), row)
    said = Transcript(pk=source, clinic_id=row.clinic_id)
    return Excerpt(speaker({"speaker": by}), list(_around_match(headline)), said)


def _around_match(headline: str) -> Iterator[tuple[bool, str]]:
    before, *marked = headline.split(BEGIN)
    yield False, before if len(before) <= BEFORE else f"… {before[-BEFORE:].partition(' ')[2]}"
    left = FROM
    for piece in marked:
        match, _, after = piece.partition(END)
        for is_match, text in ((True, match), (False, after)):
            if len(text) > left:
                yield is_match, text[:left].rpartition(" ")[0]
                yield False, " …"
                return
            yield is_match, text
            left -= len(text)
