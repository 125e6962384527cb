"""API keys, for managers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from access import desk, keys, log, programs
from access.models import ApiKey, Membership, Scope

MOST_DAYS = 36_500
HOURS = 24


class ProgramForm(desk.ClinicForm):
    """What every program is given, however it proves itself."""

    name = desk.NameField(max_length=100, label="Name", help_text="What uses it, such as “EHR”.")
    scopes = forms.MultipleChoiceField(
        choices=[(value, f"{words} ({value})") for value, words in Scope.choices],
        widget=forms.CheckboxSelectMultiple,
        label="It may",
    )
    days = forms.IntegerField(
        min_value=1,
        max_value=MOST_DAYS - 1,
        required=False,
        label="Days until it expires",
        help_text="Empty: it never does, until somebody revokes it.",
    )

    field_order: Sequence[str] = ("clinic", "name")


class OverlapForm(desk.DeskForm):
    hours = forms.IntegerField(
        min_value=0,
        max_value=int(keys.LONGEST_OVERLAP / timedelta(hours=1)),
        label="Hours that the old key goes on",
        help_text="Long enough to give the new one to whatever uses it. 0: it ends now.",
    )


def expiry(days: int | None) -> datetime | None:
    return timezone.now() + timedelta(days=days) if days else None


@admin.display(description="may")
def may(program: Any) -> str:
    return ", ".join(program.scopes)


@admin.register(ApiKey)
class ApiKeyAdmin(desk.ManagedModelAdmin):
    readers = Membership.Role.MANAGER
    heavy = ("digest",)
    adding = "Make an API key"
    empty = "No program has a key yet. Make one for the system that sends consultations here."
    unseen = "If you did not see the key, rotate it: that shows a new one."
    ends = {"revoke": "Whoever uses it is refused from then on. It cannot be undone; a new key can be made."}
    list_display = (
        "name",
        "prefix",
        "state",
        may,
        desk.moment("created_at", "created"),
        desk.moment("last_used_at", "last used"),
        desk.moment("ends_at", "ends"),
        desk.moment("revoked_at", "revoked"),
    )
    actions = ("revoke",)
    pages = {"rotate": "Rotate"}
    refusals = (keys.NotLive,)

    def name(self, key: ApiKey) -> str:
        return f"{key.name} ({key.prefix})"

    @admin.display(description="state")
    def state(self, key: ApiKey) -> str:
        if key.revoked_at:
            return "revoked"
        if not key.is_live(timezone.now()):
            return "expired" if key.retires_at is None else "rotated, ended"
        return f"rotated, goes on until {desk.in_clinic_time(key.ends_at, key.clinic)}" if key.retires_at else "in use"

    def buttons(self, key: ApiKey) -> list[str]:
        if key.revoked_at:
            return []
        return ["rotate", "revoke"] if key.is_live(timezone.now()) else ["revoke"]

    def add(self, request: HttpRequest) -> HttpResponse:
        def do(answers: dict[str, Any]) -> desk.Done:
            facts = {name: answers[name] for name in ("name", "scopes")}
            made = keys.create(answers["clinic"], **facts, expires_at=expiry(answers["days"]), by=log.actor(request))
            return desk.Done(made[0], "The new API key", "API key", made[1])

        return self.asked(request, ProgramForm(request), self.adding, do)

    def rotate_view(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        key = self.managed(request, object_id)

        def do(answers: dict[str, Any]) -> desk.Done:
            fresh, token = keys.rotate(key, overlap=timedelta(hours=answers["hours"]), by=log.actor(request))
            return desk.Done(fresh, f"The key in place of {self.name(key)}", "API key", token)

        return self.asked(request, OverlapForm(request, {"hours": HOURS}), "Rotate", do, key)

    @admin.action(permissions=["manage"], description="Revoke")
    def revoke(self, request: HttpRequest, rows: QuerySet[ApiKey]) -> None:
        revoke(self, request, rows, "The key is revoked: whoever used it is refused from now on.")


def revoke(page: desk.ClinicModelAdmin, request: HttpRequest, rows: QuerySet[Any], done: str) -> None:
    by = log.actor(request)
    page.each(request, rows, lambda program: programs.revoke(program, by=by), done, logs=True)
