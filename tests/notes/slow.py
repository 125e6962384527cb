"""Rows that PostgreSQL takes long to look at, as it would at a hundred thousand of them."""

from __future__ import annotations

from typing import Any

from django.db import connection

#: So dear that PostgreSQL asks it last, of rows that have the words.
LOOK = """
CREATE FUNCTION look_at(one uuid, slow uuid, seconds float8) RETURNS boolean COST 100000 LANGUAGE plpgsql AS $$ BEGIN
    IF one = slow THEN PERFORM pg_sleep(seconds); END IF;
    RETURN true;
END $$
"""


def make_slow() -> None:
    with connection.cursor() as cursor:
        cursor.execute(LOOK)


def looked_at(rows: Any, slow: Any, seconds: float) -> Any:
    """These notes, of which that one takes so long."""
    return rows.extra(where=["look_at(notes_note.id, %s, %s)"], params=[slow, seconds])
