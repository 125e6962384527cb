"""Events, for operators."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from access import desk
from feed.models import Event


@admin.register(Event)
class EventAdmin(desk.ClinicModelAdmin):
    empty = "Nothing has happened yet that the change feed would tell."
    list_display = ("kind", desk.moment("created_at", "when"), "object_id", "position")
    list_filter = (desk.Since,)

    def name(self, event: Event) -> str:
        return event.kind

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    def has_view_permission(self, request: HttpRequest, obj: Event | None = None) -> bool:
        return bool(request.user.is_superuser)
