"""Callbacks processed again: who asked for it, which, and what has come of it."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.contrib import admin, messages
from django.db.models import Case, CharField, F, Func, Q, QuerySet, Value, When
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from access import desk, entries, log, roles
from access.models import AccessEntry, Clinic
from ingest import replays
from ingest.admin.filters import words
from ingest.models import Callback, Replay

MOST_REFUSED = 5000
NOT_THEIRS = "Only a manager of its clinic may do this."
NO_BODY = "Its body is no longer kept."
SETTLED = "It has been applied already, or is being processed at this moment."


@admin.register(Replay)
class ReplayAdmin(desk.ClinicModelAdmin):
    empty = "Nothing was processed again yet. “Process again” stands on callbacks and above their list."
    list_display = (desk.moment("created_at", "when"), "who", "chosen", "progress")
    list_filter = (desk.Since,)
    facts = (desk.moment("created_at", "when"), "who", "progress")

    def get_queryset(self, request: HttpRequest) -> Any:
        rows = replays.with_waiting(super().get_queryset(request))
        return entries.with_names(rows.annotate(actor_kind=part_of_actor(1), actor_id=part_of_actor(2)))

    def name(self, replay: Replay) -> str:
        return replay.chosen

    @admin.display(description="who")
    def who(self, replay: Any) -> str:
        kind = AccessEntry.Actor(replay.actor_kind)
        if kind == AccessEntry.Actor.USER and replay.actor_name:
            return str(replay.actor_name)
        return f"{kind.label} {replay.actor_name or replay.actor_id}".rstrip()

    @admin.display(description="progress")
    def progress(self, replay: Any) -> str:
        return f"{replay.total - replay.waiting:,} of {replay.total:,} processed"

    def page(self, request: HttpRequest, replay: Replay) -> dict[str, Any]:
        numbers = replays.by_state([replay.pk])
        labels = dict(Callback.State.choices)
        return {
            "outcome": [(state, labels[state], number) for state, number in numbers.items()],
            "taken": max(replay.total - sum(numbers.values()), 0),
        }


def part_of_actor(number: int) -> Func:
    """asked_by is kind:id."""
    return Func(F("asked_by"), Value(":"), Value(number), function="split_part", output_field=CharField())


# --- Asking for it
def process_again(request: HttpRequest, callbacks: QuerySet[Callback]) -> None:
    """Those that this person may, and that can; the others are counted by what keeps them from it."""
    every = Clinic.objects.values_list("pk", flat=True)
    managed = every if roles.is_operator(request) else roles.clinics(request, roles.Role.MANAGER)
    theirs = Q(clinic__in=list(managed))  # named for operators too: every index begins with the clinic
    others = refused(callbacks, theirs)
    chosen, made = callbacks.filter(theirs), list[Replay]()
    for clinic_id in replays.counted(chosen):
        made += list(replays.replay(clinic_id, chosen, words(request), log.actor(request)))[-1:]
    if made:
        messages.success(request, done(made))
    for reason, number in others.items():
        some = f" for {number:,}{' or more' if others.total() == MOST_REFUSED else ''}" if number > 1 else ""
        messages.warning(request, f"Not done{some}: {reason}")


def refused(callbacks: QuerySet[Callback], theirs: Q) -> Counter[str]:
    """Why, and how many, of the first MOST_REFUSED."""
    why = Case(When(~theirs, Value(NOT_THEIRS)), When(body=None, then=Value(NO_BODY)), default=Value(SETTLED))
    rows = callbacks.exclude(theirs & replays.able()).order_by().annotate(why=why)
    return Counter(rows.values_list("why", flat=True)[:MOST_REFUSED])


def done(made: list[Replay]) -> SafeString:
    total = sum(replay.total for replay in made)
    many = f" ({total:,} of them)" if total > 1 else ""
    address = desk.address_of(made[0]) if len(made) == 1 else reverse("admin:ingest_replay_changelist")
    return format_html(
        'It is processed again; look in a few seconds.{} <a href="{}">See how far it is</a>', many, address
    )
