"""Fields that take exactly what they say: nothing is coerced, trimmed or repeated back to the sender."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django import forms
from django.db.models import QuerySet
from django_filters import filters
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail
from rest_framework.request import Request

from config.ids import first_id
from config.problems import plainly

RFC3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)", re.ASCII | re.IGNORECASE
)
A_MOMENT = "Give a time with its offset as RFC 3339 has it, such as 2026-03-01T09:30:00Z."


def moment(text: str) -> datetime:
    """The time that an RFC 3339 text says, in UTC. Raises ValueError."""
    match = RFC3339.fullmatch(text)
    if not match:
        raise ValueError
    date, time, fraction, offset = match.groups()
    try:
        return datetime.fromisoformat(f"{date}T{time}.{(fraction or '0')[:6]:0<6}{offset.upper()}").astimezone(UTC)
    except OverflowError:
        raise ValueError from None


class Text(serializers.CharField):
    """A string of at most `max_length` characters, and wholly matching `pattern` when one is given."""

    default_error_messages = {"pattern": "This does not have the form that is asked for."}

    def __init__(self, *, max_length: int, pattern: str | None = None, **kwargs: Any) -> None:
        super().__init__(max_length=max_length, trim_whitespace=False, **kwargs)
        self.pattern = pattern

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        if self.pattern and not re.fullmatch(self.pattern, data, re.ASCII):
            self.fail("pattern")
        return data


class Choice(serializers.ChoiceField):
    default_error_messages = {"unknown": "Give one of: {known}."}

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str) or data not in self.choices:
            self.fail("unknown", known=", ".join(self.choices))
        return data


class Flag(serializers.BooleanField):
    """true or false, and no word for them."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid")
        return data


class Id(serializers.UUIDField):
    def to_internal_value(self, data: Any) -> UUID:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Moment(serializers.DateTimeField):
    default_error_messages = {"invalid": A_MOMENT}

    def to_internal_value(self, value: Any) -> datetime:
        try:
            return moment(value)
        except (ValueError, TypeError):
            self.fail("invalid")


class Closed(serializers.Serializer[Any]):
    """Refuses any other member than its own: to pass it over would look like success."""

    default_error_messages = {"unknown": "There is no such member. There are: {known}."}

    def to_internal_value(self, data: Any) -> Any:
        unknown = self._unknown(data) if isinstance(data, dict) else {}
        try:
            value = super().to_internal_value(data)
        except serializers.ValidationError as wrong:
            detail: Any = wrong.detail
            raise serializers.ValidationError(detail | unknown) from None
        if unknown:
            raise serializers.ValidationError(unknown)
        return value

    def _unknown(self, data: dict[str, Any]) -> dict[str, list[ErrorDetail]]:
        refused = ErrorDetail(
            self.error_messages["unknown"].format(known=", ".join(self.fields) or "none"), code="unknown"
        )
        return {plainly(name, "body"): [refused] for name in data if name not in self.fields}


def take_nothing(request: Request) -> None:
    """For what needs no body. Raises ValidationError where there is something in it."""
    Closed(data=request.data).is_valid(raise_exception=True)


class Changes(Closed):
    """What a PATCH may change."""

    default_error_messages = {"unknown": "This cannot be changed here. These can: {known}."}


class _MomentInQuery(forms.CharField):
    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if not text:
            return None
        try:
            return moment(re.sub(r" (\d\d:\d\d)$", r"+\1", text))  # a plus sign left as it is arrives as a space
        except ValueError:
            raise forms.ValidationError(A_MOMENT, code="invalid") from None


class MomentFilter(filters.IsoDateTimeFilter):  # type: ignore[misc]
    field_class = _MomentInQuery


class CreatedFilter(MomentFilter):
    """By `created_at`. Ids begin with the same time, and lists are in their order: they lead to the rows."""

    APART_SECONDS = 60

    def filter(self, rows: QuerySet[Any], value: datetime | None) -> QuerySet[Any]:
        if value is None:
            return rows
        near = first_id(value, seconds=-self.APART_SECONDS if self.lookup_expr == "gte" else self.APART_SECONDS)
        return rows.filter(**{f"created_at__{self.lookup_expr}": value, f"id__{self.lookup_expr}": near})
