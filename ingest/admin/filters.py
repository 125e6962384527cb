"""How staff narrow lists of requests and callbacks."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from access import desk
from ingest.models import Callback
from vendors import VENDORS

State = Callback.State
PROBLEMS = [State.FAILED, State.JUNK, State.CONFLICT, State.MISMATCH, State.ORPHAN]


class OfVendor(admin.SimpleListFilter):
    title = "vendor"
    parameter_name = "vendor"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in sorted(VENDORS)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(vendor=self.value()) if self.value() else queryset


class Overdue(desk.Asked):
    title = "waiting too long"
    parameter_name = "overdue"
    on = "overdue"

    def narrowed(self, rows: Any) -> QuerySet[Any]:
        overdue: QuerySet[Any] = rows.overdue()
        return overdue


class WithProblem(desk.Asked):
    title = "problem"
    parameter_name = "problem"
    on = "with a problem"

    def narrowed(self, rows: Any) -> QuerySet[Any]:
        troubled: QuerySet[Any] = rows.filter(state__in=PROBLEMS)
        return troubled
