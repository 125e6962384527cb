"""Lists that cost the same however many rows there are."""

from __future__ import annotations

import json
from datetime import timedelta
from functools import cached_property
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone


class CappedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts no further than MOST. Who wants older rows narrows the list.

    `all_rows`: what the pages were taken from, where that is more than they hold.
    """

    MOST = 1000
    all_rows: QuerySet[Any] | None = None

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by()[: self.MOST].count())

    @property
    def is_capped(self) -> bool:
        return self.count >= self.MOST

    @property
    def about(self) -> str:
        """How many there may be, as PostgreSQL guesses from its statistics: two digits and zeros, such as 41,000."""
        rows: Any = self.object_list if self.all_rows is None else self.all_rows
        plan = json.loads(rows.order_by().select_related(None).values("pk").explain(format="json"))
        guess = max(int(plan[0]["Plan"]["Plan Rows"]), self.MOST)
        return f"{float(f'{guess:.1e}'):,.0f}"


class Since(admin.SimpleListFilter):
    """By age, read from the ids: a UUIDv7 begins with its milliseconds, and lists are indexed by id."""

    title = "time"
    parameter_name = "since"
    AGES = {"day": timedelta(days=1), "week": timedelta(days=7), "month": timedelta(days=31)}

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("day", "past 24 hours"), ("week", "past 7 days"), ("month", "past 31 days")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        age = self.AGES.get(self.value() or "")
        if age is None:
            return queryset
        milliseconds = int((timezone.now() - age).timestamp() * 1000)
        return queryset.filter(pk__gte=UUID(int=milliseconds << 80))


class Asked(admin.SimpleListFilter):
    """A filter that is on or off. Subclasses say what it leaves."""

    on = "yes"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", self.on)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return self.narrowed(queryset) if self.value() == "yes" else queryset

    def narrowed(self, rows: Any) -> QuerySet[Any]:
        raise NotImplementedError
