"""How lists are cut into pages: by cursors, in an order that ends in the id, and without counting."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import F, QuerySet
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan, TupleLessThan
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from config import cursors
from config.problems import invalid

if TYPE_CHECKING:  # DRF's views load what the settings name, and that is here
    from rest_framework.views import APIView

PAGE, LONGEST_PAGE = 50, 200
EPOCH, MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)


class ById:
    """In the order of the rows' making."""

    columns: tuple[str, ...] = ("id",)
    size = 16

    def place(self, row: Any) -> bytes:
        value: bytes = row.pk.bytes
        return value

    def values(self, place: bytes) -> tuple[Any, ...]:
        """Of the columns, at that place."""
        return (UUID(bytes=place),)


class ByTime(ById):
    """In the order of a time, and of ids within the same."""

    size = 24

    def __init__(self, column: str) -> None:
        self.columns = (column, "id")

    def place(self, row: Any) -> bytes:
        passed = (getattr(row, self.columns[0]) - EPOCH) // MICROSECOND
        return int(passed).to_bytes(8, signed=True) + super().place(row)

    def values(self, place: bytes) -> tuple[Any, ...]:
        passed = int.from_bytes(place[:8], signed=True)
        return (EPOCH + passed * MICROSECOND, *super().values(place[8:]))


class NewestFirst(BasePagination):
    """`{"next", "previous", "results"}`. A cursor is a direction and the place of the row where a page ended."""

    parameters = ("cursor", "limit")

    def order(self, request: Request) -> ById:
        return ById()

    def paginate_queryset(self, queryset: Any, request: Request, view: APIView | None = None) -> list[Any]:
        self._request, self._order = request, self.order(request)
        backwards, place = self._read_cursor(request.query_params.get("cursor"))
        limit = read_limit(request.query_params.get("limit"))
        rows = queryset.order_by(*(f"{'' if backwards else '-'}{column}" for column in self._order.columns))
        if place:
            rows = rows.filter(_beyond(self._order.columns, place, backwards))
        found, reached = self.take(rows, limit + 1, request, backwards=backwards)
        page = found[:limit]
        beyond = self._order.place(page[-1]) if len(found) > limit else reached
        before = self._order.place(page[0]) if page and place else None
        if backwards:
            page.reverse()
            beyond, before = before, beyond
        self._next, self._previous = self._link(b"<", beyond), self._link(b">", before)
        return page

    def take(
        self, rows: QuerySet[Any], most: int, request: Request, *, backwards: bool
    ) -> tuple[list[Any], bytes | None]:
        """The first rows, in their order; and if what comes after a certain place was not looked at, that place."""
        return list(rows[:most]), None

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"next": self._next, "previous": self._previous, "results": data})

    def _link(self, direction: bytes, place: bytes | None) -> str | None:
        if place is None:
            return None
        cursor = cursors.write(*self._list, direction + place)
        return str(replace_query_param(self._request.build_absolute_uri(), "cursor", cursor))

    @property
    def _list(self) -> tuple[str, UUID]:
        """Which list of whose: a cursor is of one alone."""
        program: Any = self._request.auth
        return f"{self._request.path_info} {self._order.columns[0]}", program.clinic_id

    def _read_cursor(self, text: str | None) -> tuple[bool, tuple[Any, ...]]:
        """(backwards, the values where to go on)."""
        if text is None:
            return False, ()
        read = cursors.read(*self._list, text, 1 + self._order.size) or b""
        try:
            values = self._order.values(read[1:]) if read[:1] in (b"<", b">") else ()
        except OverflowError:
            values = ()
        if not values:
            raise invalid("cursor", "invalid", "Take a cursor from next or previous as it is.")
        return read[:1] == b">", values

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        link = {"type": ["string", "null"], "format": "uri"}
        properties = {"next": link, "previous": link, "results": schema}
        return {"type": "object", "required": list(properties), "properties": properties}

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        limit = {"type": "integer", "minimum": 1, "maximum": LONGEST_PAGE, "default": PAGE}
        return [
            {"name": "cursor", "in": "query", "schema": {"type": "string"}, "description": "Out of next or previous."},
            {"name": "limit", "in": "query", "schema": limit, "description": "Rows a page."},
        ]


def _beyond(columns: tuple[str, ...], values: tuple[Any, ...], backwards: bool) -> Any:
    """As a comparison of rows, which PostgreSQL takes to an index over these columns."""
    lookup = TupleGreaterThan if backwards else TupleLessThan
    return lookup(Tuple(*map(F, columns)), values)


def read_limit(text: str | None) -> int:
    if text is None:
        return PAGE
    if not re.fullmatch(r"[0-9]{1,3}", text) or not 1 <= int(text) <= LONGEST_PAGE:
        raise invalid("limit", "invalid", f"Give a whole number from 1 to {LONGEST_PAGE}.")
    return int(text)
