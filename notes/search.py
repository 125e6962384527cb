"""Full text, newest first, at the same cost however many rows there are.

A row is indexed in its own language (notes/indexing.py), and searched in it. Beside its words its vector holds where
it stands, in words that begin with a blank, as no text brings them: its clinic and language, each with the beginning
of its id at several lengths. An id begins with its time, so that is a shelf: what a clinic got within 17 minutes, five
hours, three days, seven weeks. The index is asked for the newest shelves first, and for wider ones until enough is
found: docs/decisions/0012-search-shelf-by-shelf.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from django.contrib.postgres.search import SearchQueryField
from django.db import connection
from django.db.models import BooleanField, F, Func, Model, QuerySet, Value
from django.db.models.functions import Coalesce

Row = TypeVar("Row", bound=Model)

CONFIGS = {"en": "english", "fr": "french", "es": "spanish"}
OTHERS = "simple"
#: Digits of an id that say on which shelf a row stands: each holds sixteen of those before it, that of none holds all.
SHELVES = (7, 6, 5, 4)
EVERYWHERE = ("",)
AT_ONCE = 4
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


def matching(rows: QuerySet[Row], what: Asked) -> QuerySet[Row]:
    """All rows that hold it. Slow where they are many: `newest` is not."""
    return rows.filter(Holds(F("search"), Unread(Value(what.on(EVERYWHERE))))) if what else rows.none()


def guessed(rows: QuerySet[Row], what: Asked) -> QuerySet[Row]:
    """The same, for PostgreSQL to guess how many they are."""
    return rows.filter(Holds(F("search"), Query(Value(what.on(EVERYWHERE))))) if what else rows.none()


def newest(rows: QuerySet[Row], what: Asked, most: int) -> list[UUID]:
    """The ids of the newest of the rows that hold it, newest first."""
    first = rows.order_by("-pk").values_list("pk", flat=True).first()
    if not what or first is None:
        return []
    found = _taken(rows, [what.on(shelves) for shelves in _shelves(first)], most)
    return found if len(found) == most else _taken(rows, [what.on(EVERYWHERE)], most)


def _taken(rows: QuerySet[Row], queries: list[str], most: int) -> list[UUID]:
    """The first ids that these queries find: PostgreSQL takes them in turn, and none once there are enough."""
    of_one = rows.filter(Holds(F("search"), Query(Func(template="shelf.query"))))
    # By the ids themselves PostgreSQL might walk all rows in their order, and unpack the vector of each.
    newest_first = of_one.order_by(Coalesce("pk", "pk").desc()).values("pk")[:most]
    hits, given = newest_first.query.sql_with_params()
    with connection.cursor() as cursor:
        sql = f"SELECT hit.id FROM unnest(%s::text[]) AS shelf (query), LATERAL ({hits}) AS hit (id) LIMIT %s"  # noqa: S608
        cursor.execute(sql, [queries, *given, most])
        return [pk for (pk,) in cursor.fetchall()]


def _shelves(first: UUID) -> Iterator[list[str]]:
    """Shelves from that of the row back in time, some AT_ONCE: of each width, up to where one of the next begins."""
    place = int(first.hex[: SHELVES[0]], 16)
    for digits in SHELVES:
        begin = place & ~15
        for last in range(place, begin - 1, -AT_ONCE):
            yield [f"{shelf:0{digits}x}" for shelf in range(max(begin, last - AT_ONCE + 1), last + 1)]
        place = (begin >> 4) - 1


class Holds(Func):
    """Whether a vector matches a query."""

    template = "%(expressions)s"
    arg_joiner = " @@ "
    output_field = BooleanField()


class Query(Func):
    template = "(%(expressions)s)::tsquery"
    output_field = SearchQueryField()


class Unread(Query):
    """One that the planner does not read.

    Of one that it reads it often thinks that many rows match, and then unpacks the vector of every row there is: it
    does not count what unpacking costs.
    """

    template = "(SELECT %(expressions)s::tsquery)"
