"""Lists that cost the same however many rows there are."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.contrib import admin
from django.contrib.admin.views.main import PAGE_VAR
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from access import roles
from access.models import Clinic
from config.ids import first_id
from config.rows import guess


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
        there = max(guess(rows), self.MOST)
        return f"{float(f'{there:.1e}'):,.0f}"


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
        return queryset.filter(pk__gte=first_id(timezone.now() - age))


class By(admin.SimpleListFilter):
    """By the value of the column that `parameter_name` names. Subclasses say which there are."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(**{str(self.parameter_name): self.value()}) if self.value() else queryset


class Asked(admin.SimpleListFilter):
    """A filter that is on or off. Subclasses say what it leaves."""

    on = "yes"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", self.on)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return self.narrowed(queryset) if self.value() == "yes" else queryset

    def narrowed(self, rows: Any) -> QuerySet[Any]:
        raise NotImplementedError


class Between(admin.ListFilter):
    """From one day to another, both whole, by the clinic's clocks; of somebody with several clinics by those of one."""

    title = "day"
    parameter_name = "day"
    template = "admin/between.html"
    FROM, TO = "day__from", "day__to"

    def __init__(self, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        self.days = {name: day_of(params.pop(name, [""])[-1]) for name in (self.FROM, self.TO)}

    def expected_parameters(self) -> list[str | None]:
        return [self.FROM, self.TO]

    def has_output(self) -> bool:
        return True

    def choices(self, changelist: Any) -> Iterator[dict[str, Any]]:
        """What else the list is narrowed by, for the form to keep."""
        yield from ({"name": name, "value": value} for name, value in _others(changelist, self.expected_parameters()))

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        first, last = self.days[self.FROM], self.days[self.TO]
        if first is None and last is None:
            return queryset
        zone = zone_of(request)
        if first:
            queryset = queryset.filter(pk__gte=_first_id(first, zone))
        return queryset.filter(pk__lt=_first_id(last + timedelta(days=1), zone)) if last else queryset


def day_of(text: str) -> date | None:
    """None for what is no day that a clock can show."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 1970 < day.year < 9999 else None


def _first_id(day: date, zone: ZoneInfo) -> UUID:
    return first_id(datetime(day.year, day.month, day.day, tzinfo=zone))


def zone_of(request: HttpRequest) -> ZoneInfo:
    """Whose clocks a list goes by."""
    theirs = Clinic.objects.filter(pk__in=roles.clinics(request, roles.Role.VIEWER))
    return ZoneInfo(theirs.values_list("time_zone", flat=True).first() or "UTC")


def _others(changelist: Any, names: list[str | None]) -> Iterator[tuple[str, str]]:
    for name, values in changelist.filter_params.items():
        if name not in (*names, PAGE_VAR):
            yield from ((name, value) for value in values)
