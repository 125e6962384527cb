"""The rows that REST shows, asked of PostgreSQL by psycopg alone: no less could be done for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, LiteralString
from uuid import UUID

import psycopg

#: Rows of a list's page.
PAGE = 50
COLUMNS = """
SELECT note.id, note.session_id, note.request_id, note.title, note.template, note.language, note.state, note.reason,
    note.version, note.offered_version, note.created_at, note.updated_at, note.signed_at, signer.username
FROM notes_note AS note LEFT JOIN access_user AS signer ON signer.id = note.signed_by_id
WHERE note.clinic_id = %(clinic)s
"""
ONE = f"{COLUMNS} AND note.id = %(id)s"
SECTIONS = "SELECT note_id, key, title, text FROM notes_notesection WHERE note_id = ANY(%(ids)s) ORDER BY position"
ADDENDA = """
SELECT addendum.note_id, addendum.number, addendum.text, addendum.created_at, author.username
FROM notes_addendum AS addendum JOIN access_user AS author ON author.id = addendum.author_id
WHERE addendum.note_id = ANY(%(ids)s) ORDER BY addendum.number
"""
NEWEST = "SELECT updated_at FROM notes_note WHERE clinic_id = %(clinic)s ORDER BY updated_at DESC LIMIT %(count)s"
FEED = """
SELECT position, id, kind, created_at, object_id, data FROM feed_event
WHERE clinic_id = %(clinic)s AND position > %(after)s ORDER BY position LIMIT %(limit)s
"""


class Raw:
    def __init__(self, connection: psycopg.Connection, clinic: UUID) -> None:
        self.connection, self.clinic = connection, clinic

    def rows(self, query: LiteralString, **given: Any) -> list[Any]:
        return self.connection.execute(query, {"clinic": self.clinic, **given}).fetchall()

    def ids(self) -> list[UUID]:
        """Of all notes, the newest first."""
        return [pk for (pk,) in self.rows("SELECT id FROM notes_note WHERE clinic_id = %(clinic)s ORDER BY id DESC")]

    def session(self, note: UUID) -> UUID:
        ((session,),) = self.rows("SELECT session_id FROM notes_note WHERE id = %(id)s", id=note)
        return UUID(str(session))

    def changed(self, count: int) -> datetime:
        """Since when so many notes have changed."""
        *_, (moment,) = self.rows(NEWEST, count=count)
        return datetime.fromisoformat(str(moment)).astimezone(UTC)

    def note(self, pk: UUID) -> list[Any]:
        return [self.rows(ONE, id=pk), *self.words([pk])]

    def words(self, ids: Sequence[UUID]) -> list[Any]:
        return [self.rows(SECTIONS, ids=list(ids)), self.rows(ADDENDA, ids=list(ids))]

    def notes(self, where: LiteralString = "true", order: LiteralString = "note.id DESC", **given: Any) -> list[Any]:
        """A page; it takes one row more to know whether there is another."""
        return self.rows(f"{COLUMNS} AND {where} ORDER BY {order} LIMIT {PAGE + 1}", **given)[:PAGE]

    def events(self, limit: int) -> Iterator[list[Any]]:
        after = 0
        while page := self.rows(FEED, after=after, limit=limit):
            yield page
            after = page[-1][0]
