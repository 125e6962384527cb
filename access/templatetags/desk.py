"""What the admin's templates need of the desk."""

from __future__ import annotations

from typing import Any

from django import template

from access import roles
from access.desk import counts, display

register = template.Library()

register.filter("clock", display.clock)
register.filter("mark", display.mark)
register.filter("short", display.short)
register.filter("reference", display.reference)
register.filter("address", display.address_of)
register.filter("vendor", display.vendor)

DAILY = ["Note", "Transcript", "Session", "AsyncRequest", "Callback", "Recording"]


@register.filter
def daily(apps: list[dict[str, Any]] | None) -> list[dict[str, Any]]:
    """The lists of daily work, of those the person may see."""
    lists = {model["object_name"]: model for app in apps or [] for model in app["models"]}
    return [lists[name] for name in DAILY if name in lists]


@register.simple_tag(takes_context=True)
def is_in_no_clinic(context: dict[str, Any]) -> bool:
    """Somebody who is signed in, and whom no clinic has, nor the operators."""
    request = context.get("request")
    if request is None or not hasattr(request, "user") or not request.user.is_authenticated:
        return False
    return not roles.may(request, roles.Role.VIEWER)


@register.simple_tag(takes_context=True)
def is_reviewer(context: dict[str, Any]) -> bool:
    """Of any clinic."""
    return bool(roles.clinics(context["request"], roles.Role.REVIEWER))


@register.simple_tag(takes_context=True)
def what_waits(context: dict[str, Any]) -> list[dict[str, str | bool]]:
    return counts.counted(context["request"])
