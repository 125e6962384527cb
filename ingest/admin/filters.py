"""How staff narrow lists of requests and callbacks."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import BadRequest, ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest

from access import desk
from ingest.models.callback import PROBLEMS, Callback
from vendors import VENDORS

State = Callback.State
#: What the filters of the list of callbacks ask for, in words.
WORDS = {
    **{name: name for name in [*State.values, *VENDORS]},
    **{age: f"the past {age}" for age in desk.Since.AGES},
    "yes": "with a problem",
}


class OfVendor(desk.By):
    title = "vendor"
    parameter_name = "vendor"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, vendor.title) for name, vendor in sorted(VENDORS.items())]


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


class OfReplay(admin.SimpleListFilter):
    """The page of a replay leads here: nobody chooses among them in the list."""

    title = "replay"
    parameter_name = "replay"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        replay = request.GET.get(self.parameter_name)
        return [(replay, "of one replay")] if replay else []

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        try:
            return queryset.filter(replay=self.value()) if self.value() else queryset
        except ValidationError:
            raise BadRequest from None


def words(request: HttpRequest) -> str:
    """Which callbacks an action was asked for: those ticked, or all that the filters leave."""
    if request.POST.get("select_across") != "1":
        return "chosen by hand"
    narrowed = [WORDS[value] for value in request.GET.values() if value in WORDS]
    days = {word: desk.day_of(request.GET.get(f"day__{word}", "")) for word in ("from", "to")}
    narrowed += [f"{word} {day}" for word, day in days.items() if day]
    return ", ".join(["of an earlier replay"] * ("replay" in request.GET) + narrowed) or "all in the list"
