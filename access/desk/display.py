"""How values are shown: times in the clinic's zone, states as words in a colour, rows by the clinic's own reference."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.contrib import admin
from django.contrib.admin.utils import display_for_field, display_for_value
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString

from access.models import Clinic
from vendors import VENDORS

NOTHING = "–"  # noqa: RUF001 (an en dash)
#: Whose clocks show what is of no clinic.
NO_CLINIC = Clinic(time_zone="UTC")


def in_clinic_time(value: datetime | None, clinic: Clinic) -> str:
    """By the clinic's clocks."""
    return NOTHING if value is None else in_zone(value, ZoneInfo(clinic.time_zone))


def in_zone(value: datetime, zone: ZoneInfo) -> str:
    """Such as 4 Mar 2026, 14:05."""
    return date_format(timezone.localtime(value, zone), "j M Y, H:i")


def in_words(value: Any, field: Any = None) -> str:
    """A column's value: choices by their label, yes or no, a dash for nothing."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return display_for_field(value, field, NOTHING) if field else display_for_value(value, NOTHING)


def moment(field: str, heading: str) -> Callable[[Any], str]:
    """A list column with a time."""

    @admin.display(description=heading)
    def column(row: Any) -> str:
        return in_clinic_time(getattr(row, field), row.clinic or NO_CLINIC)

    column.__name__ = field
    return column


def moment_of_all(field: str, heading: str) -> Callable[[Any], str]:
    """moment(), for what is of no clinic."""

    @admin.display(description=f"{heading} (UTC)")
    def column(row: Any) -> str:
        return in_clinic_time(getattr(row, field), NO_CLINIC)

    column.__name__ = field
    return column


@admin.display(description="state")
def mark(row: Any) -> SafeString:
    """The row's state: words, and a colour for the eye."""
    words = row.get_state_display()
    if getattr(row, "is_overdue", False):
        return format_html(
            '<span class="lp-mark lp-{}">{}</span> <span class="lp-mark lp-overdue">overdue</span>', row.state, words
        )
    return format_html('<span class="lp-mark lp-{}">{}</span>', row.state, words)


def short(identifier: UUID | str) -> str:
    """The end of an id, enough to tell rows apart: a UUIDv7 begins with the time."""
    text = str(identifier)
    return f"…{text[-8:]}" if len(text) > 8 else text


@admin.display(description="encounter")
def reference(row: Any) -> str:
    """The clinic's own name for the encounter that a session, or a row of a session, is about."""
    session = getattr(row, "session", row)
    return session.encounter_ref or short(session.pk)


@admin.display(description="vendor")
def vendor(row: Any) -> str:
    """By what it calls itself."""
    name: str = row.vendor if hasattr(row, "vendor") else row.request.vendor
    return VENDORS[name].title if name in VENDORS else name


def name_of(row: Any) -> str:
    """What people call a row: by the encounter that it is about, where it is about one."""
    is_of_one = hasattr(row, "encounter_ref") or hasattr(row, "session")
    return reference(row) if is_of_one else str(row)


def address_of(row: Any) -> str:
    """Its page in the admin."""
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def clock(milliseconds: int | None) -> str:
    """m:ss or h:mm:ss, as players show it; empty for what has no place in time."""
    if milliseconds is None:
        return ""
    minutes, seconds = divmod(milliseconds // 1000, 60)
    hours, rest = divmod(minutes, 60)
    return f"{hours}:{rest:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


def link(row: Any) -> SafeString:
    """The row by its encounter, as a link to its page."""
    return format_html('<a href="{}">{}</a>', address_of(row), reference(row))
