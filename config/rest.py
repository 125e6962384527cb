"""What REST views share: how lists are cut, filters checked and clinics kept apart."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import Model, QuerySet
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from config.problems import invalid

if TYPE_CHECKING:  # DRF's views load what the settings name, and that is here
    from rest_framework.views import APIView

    from access.models import Clinic

PAGE, LONGEST_PAGE = 50, 200


class NewestFirst(BasePagination):
    """`{"next", "previous", "results"}`. A cursor is a direction and the id where the page before ended."""

    def paginate_queryset(self, queryset: Any, request: Request, view: APIView | None = None) -> list[Any]:
        backwards, position = _read_cursor(request.query_params.get("cursor"))
        limit = _read_limit(request.query_params.get("limit"))
        rows = queryset.order_by("id" if backwards else "-id")
        if position:
            rows = rows.filter(**{"id__gt" if backwards else "id__lt": position})
        found = self.take(rows, limit + 1, request)
        more, page = len(found) > limit, found[:limit]
        if backwards:
            page.reverse()
        self._url = request.build_absolute_uri()
        self._next = _cursor("<", page[-1]) if page and (more or backwards) else None
        self._previous = _cursor(">", page[0]) if page and (more if backwards else position) else None
        return page

    def take(self, rows: QuerySet[Any], most: int, request: Request) -> list[Any]:
        """The first rows, in their order."""
        return list(rows[:most])

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"next": self._link(self._next), "previous": self._link(self._previous), "results": data})

    def _link(self, cursor: str | None) -> str | None:
        return replace_query_param(self._url, "cursor", cursor) if cursor else None

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


def _cursor(direction: str, row: Model) -> str:
    return base64.urlsafe_b64encode(direction.encode() + row.pk.bytes).decode().rstrip("=")


def _read_cursor(text: str | None) -> tuple[bool, UUID | None]:
    """(backwards, the id where to go on)."""
    if text is None:
        return False, None
    try:
        read = base64.b64decode(text + "=", altchars=b"-_", validate=True)
    except ValueError:
        read = b""
    if len(read) != 17 or read[:1] not in (b"<", b">"):
        raise invalid("cursor", "invalid", "Take a cursor from next or previous as it is.")
    return read[:1] == b">", UUID(bytes=read[1:])


def _read_limit(text: str | None) -> int:
    if text is None:
        return PAGE
    if not re.fullmatch(r"[0-9]{1,3}", text) or not 1 <= int(text) <= LONGEST_PAGE:
        raise invalid("limit", "invalid", f"Give a whole number from 1 to {LONGEST_PAGE}.")
    return int(text)


class StrictFilters(DjangoFilterBackend):  # type: ignore[misc]
    """Refuses what a filter cannot read, and a filter left empty: it would quietly list everything."""

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: APIView) -> QuerySet[Any]:
        known = getattr(getattr(view, "filterset_class", None), "base_filters", {})
        given = request.query_params
        if empty := [name for name in known if name in given and not given[name].strip()]:
            blank = ErrorDetail("Give a value or leave the parameter out.", code="blank")
            raise ValidationError({name: [blank] for name in empty})
        filtered: QuerySet[Any] = super().filter_queryset(request, queryset, view)
        return filtered


class OfClinic:
    """For generic views: the rows of the key's own clinic, so that another clinic's ids are nowhere to be found."""

    request: Any

    @property
    def clinic(self) -> Clinic:
        clinic: Clinic = self.request.auth.clinic
        return clinic

    def get_queryset(self) -> Any:
        rows: Any = super().get_queryset()  # type: ignore[misc]
        return rows.none() if getattr(self, "swagger_fake_view", False) else rows.for_clinic(self.clinic)


def included(request: Request, allowed: Sequence[str]) -> frozenset[str]:
    """What `?include=` asks to be given along."""
    given = request.query_params.get("include")
    words = frozenset() if given is None else frozenset(given.split(","))
    if words - set(allowed):
        raise invalid("include", "unknown", f"Give some of: {', '.join(allowed)}, with commas between.")
    return words
