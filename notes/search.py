"""Full text, newest first, at the same cost however many rows there are.

A row is indexed in its own language (notes/indexing.py), and searched in it. Beside its words its vector holds where
it stands, in words that begin with a blank, as no text brings them: its clinic and language, each with the beginning
of its id at several lengths. An id begins with its time, so that is a shelf: what a clinic got within 17 minutes, five
hours, three days, seven weeks. The index is asked for the newest shelves first, and for wider ones until enough is
found or time is up: docs/decisions/0012-search-shelf-by-shelf.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID

import psycopg
from django.contrib.postgres.search import SearchQueryField
from django.db import connection, transaction
from django.db.models import BooleanField, F, Func, Model, QuerySet, Value
from django.db.models.functions import Coalesce
from psycopg.errors import QueryCanceled

from config.ids import moment_of
from config.rows import guess

Row = TypeVar("Row", bound=Model)

CONFIGS = {"en": "english", "fr": "french", "es": "spanish"}
OTHERS = "simple"
#: Digits of an id that say on which shelf a row stands: each holds sixteen of those before it, that of none holds all.
SHELVES = (7, 6, 5, 4)
EVERYWHERE = ("",)
AT_ONCE = 4
#: Hits that are fetched and sorted sooner than the index is asked for one group of shelves after the other.
FEW = 10_000
#: PostgreSQL refuses a tsvector over 1 MiB, hyphens and links can make one four times as large as its text, and a note
#: is indexed with its transcript.
INDEXED_BYTES = 120_000


@dataclass(frozen=True, slots=True)
class Asked:
    """What is looked for and where: by language, a tsquery as PostgreSQL writes it; none where that would be empty."""

    spoken: Mapping[str, str]
    clinics: Sequence[UUID]

    def __bool__(self) -> bool:
        return bool(self.spoken and self.clinics)

    def on(self, shelves: Sequence[str]) -> str:
        return " | ".join(f"({query}) & {self._places(config, shelves)}" for config, query in self.spoken.items())

    def _places(self, config: str, shelves: Sequence[str]) -> str:
        places = (f"' {str(clinic)[-12:]} {config} {shelf}'" for clinic in self.clinics for shelf in shelves)
        return f"({' | '.join(places)})"


def asked(words: str, clinics: Sequence[UUID]) -> Asked:
    """Words as search engines take them: quotes, OR, a minus sign for without."""
    configs = (*CONFIGS.values(), OTHERS)
    queries = ", ".join(f"websearch_to_tsquery('{config}', %s)::text" for config in configs)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {queries}", [words.replace("\0", " ")] * len(configs))
        read = zip(configs, cursor.fetchone(), strict=True)
        return Asked({config: query for config, query in read if query}, clinics)


def guessed(rows: QuerySet[Row], what: Asked) -> QuerySet[Row]:
    """All rows that hold it, for PostgreSQL to guess how many they are: to look for them all may take minutes."""
    return rows.filter(Holds(F("search"), Query(Value(what.on(EVERYWHERE))))) if what else rows.none()


@dataclass(frozen=True, slots=True)
class Hits:
    """Rows that were found, in order. `reached`: time ended there, and what comes after that id was not looked at.

    `is_stuck`: nothing was looked at, so `reached` is where it began.
    """

    ids: Sequence[UUID]
    reached: UUID | None = None
    is_stuck: bool = False

    @property
    def back_to(self) -> datetime | None:
        return moment_of(self.reached) if self.reached else None


def found(rows: QuerySet[Row], what: Asked, most: int, seconds: float = 0, *, is_oldest_first: bool = False) -> Hits:
    """The ids of so many of the rows that hold it, newest first. `seconds`: of looking, 0 for without end.

    What seems to be rare is looked for everywhere at once, for a quarter more of that time.
    """
    if what and guess(guessed(rows, what)) < FEW:
        with suppress(QueryCanceled):
            hits = list(_taken(rows, [what.on(EVERYWHERE)], most, seconds / 4, is_oldest_first))
            return Hits([pk for _, pk in hits if pk])
    return _by_shelves(rows, what, most, seconds, is_oldest_first)


def _by_shelves(rows: QuerySet[Row], what: Asked, most: int, seconds: float, is_oldest_first: bool) -> Hits:
    ends = [rows.order_by(by).values_list("pk", flat=True).first() for by in ("-pk", "pk")]
    near, far = reversed(ends) if is_oldest_first else ends
    if not what or near is None or far is None:
        return Hits([])
    groups = list(_groups(near, far))
    ids: list[UUID] = []
    reached = None
    try:
        queries = [what.on(group.shelves) for group in groups]
        for number, pk in _taken(rows, queries, most, seconds, is_oldest_first):
            reached = pk or groups[number - 1].far
            ids += [pk] if pk else []
    except QueryCanceled:
        if len(ids) < most:
            return Hits(ids, reached or groups[0].near, is_stuck=reached is None)
    return Hits(ids[:most])


def _taken(
    rows: QuerySet[Row], queries: list[str], most: int, seconds: float, is_oldest_first: bool
) -> Iterator[tuple[int, UUID | None]]:
    """What these queries find, each with the query's number from 1, and one row of those that find nothing.

    PostgreSQL takes them in turn, and none once there are enough. Raises QueryCanceled after the last row that it had.
    """
    of_one = rows.filter(Holds(F("search"), Query(Func(template="shelf.query"))))
    # By the ids themselves PostgreSQL might walk all rows in their order, and unpack the vector of each.
    pk = Coalesce("pk", "pk")
    hits, given = (
        of_one.order_by(pk.asc() if is_oldest_first else pk.desc()).values("pk")[:most].query.sql_with_params()
    )
    sql = f"""
        SELECT number, hit.id FROM unnest(%s::text[]) WITH ORDINALITY AS shelf (query, number)
        LEFT JOIN LATERAL ({hits}) AS hit (id) ON true LIMIT %s
    """  # noqa: S608
    try:
        with _within(seconds), connection.cursor() as cursor:
            yield from cursor.cursor.stream(sql, [queries, *given, most + len(queries)])
    except QueryCanceled:
        raise
    except psycopg.Error:
        with connection.wrap_database_errors:  # a stream is psycopg's own, whose errors nobody else knows
            raise


@contextmanager
def _within(seconds: float) -> Iterator[None]:
    if not seconds:
        yield
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = {max(1, round(seconds * 1000))}")
        yield
        # Time may end after the last row and before the statement does: all rows are there, the transaction has failed.
        transaction.set_rollback(True)


@dataclass(frozen=True, slots=True)
class Group:
    """Shelves of one width, side by side, by how ids on them begin; and no id on them lies beyond `near` and `far`."""

    digits: int
    first: int
    last: int
    is_flipped: bool = False

    @property
    def shelves(self) -> list[str]:
        return [f"{shelf:0{self.digits}x}" for shelf in range(self.first, self.last + 1)]

    @property
    def near(self) -> UUID:
        return self._oldest if self.is_flipped else self._newest

    @property
    def far(self) -> UUID:
        return self._newest if self.is_flipped else self._oldest

    @property
    def _oldest(self) -> UUID:
        return UUID(int=self.first << 128 - 4 * self.digits)

    @property
    def _newest(self) -> UUID:
        return UUID(int=(self.last + 1 << 128 - 4 * self.digits) - 1)

    def flipped(self) -> Group:
        most = 16**self.digits - 1
        return Group(self.digits, most - self.last, most - self.first, is_flipped=True)


def _groups(near: UUID, far: UUID) -> Iterator[Group]:
    """From one row back in time to another, some shelves AT_ONCE: of each width, up to where one of the next begins.

    To a row that is newer, the same forward in time.
    """
    if near < far:
        yield from (group.flipped() for group in _groups(_flipped(near), _flipped(far)))
        return
    place = int(near.hex[: SHELVES[0]], 16)
    for digits in SHELVES:
        end = int(far.hex[:digits], 16)
        begin = end if digits == SHELVES[-1] else max(place & ~15, end)
        for last in range(place, begin - 1, -AT_ONCE):
            yield Group(digits, max(begin, last - AT_ONCE + 1), last)
        place = (begin >> 4) - 1


def _flipped(pk: UUID) -> UUID:
    """By which the oldest ids are the newest."""
    return UUID(int=2**128 - 1 - pk.int)


class Holds(Func):
    """Whether a vector matches a query."""

    template = "%(expressions)s"
    arg_joiner = " @@ "
    output_field = BooleanField()


class Query(Func):
    template = "(%(expressions)s)::tsquery"
    output_field = SearchQueryField()
