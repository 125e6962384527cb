"""How the list of recordings can be narrowed."""

from __future__ import annotations

from typing import Any

from django_filters.rest_framework import ChoiceFilter, FilterSet, UUIDFilter

from recordings.models import Recording
from vendors import VENDORS


class RecordingFilters(FilterSet):  # type: ignore[misc]
    session = UUIDFilter(field_name="session_id")
    state = ChoiceFilter(choices=Recording.State.choices)
    vendor = ChoiceFilter(choices=[(name, name) for name in VENDORS])

    class Meta:
        model: Any = Recording
        fields: list[str] = []
