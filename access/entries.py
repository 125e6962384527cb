"""The access log as people read it: who did it by name, and each row as one line of a file for an auditor."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from django.db.models import BigIntegerField, Case, CharField, OuterRef, Q, Subquery, UUIDField, Value, When
from django.db.models.functions import Cast

from access import log
from access.log import Actor
from access.models import AccessEntry, AllowedApplication, ApiKey, Clinic, User

FORMATS = ("csv", "jsonl")
PAGE = 1000
COLUMNS = (
    "id",
    "time",
    "clinic",
    "actor_kind",
    "actor_id",
    "actor_name",
    "role",
    "on_behalf_of",
    "action",
    "object_type",
    "object_ids",
    "mode",
    "reason",
    "times",
    "address",
    "request_id",
)
Kind = AccessEntry.Actor
# What an id must look like before PostgreSQL is asked to take it for one.
NUMBER, IDENTIFIER = r"^[0-9]{1,18}$", r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"


def with_names(entries: Any) -> Any:
    """The entries with `actor_name`: the person's, the key's or the application's, empty for others."""
    kinds = {Kind.USER: User, Kind.API_KEY: ApiKey, Kind.APPLICATION: AllowedApplication}
    return entries.annotate(actor_name=_named("actor_kind", "actor_id", kinds))


def with_objects(entries: Any) -> Any:
    """The entries with `object_name`: that of the first object, where it is a person or a program."""
    kinds = {model._meta.model_name: model for model in (User, ApiKey, AllowedApplication)}
    return entries.annotate(object_name=_named("object_type", "object_ids__0", kinds))


def _named(kind: str, key: str, models: Mapping[Any, Any]) -> Case:
    cases = [
        When(
            Q((kind, name), (f"{key}__regex", NUMBER if model is User else IDENTIFIER)),
            then=_name(model, "username" if model is User else "name", key),
        )
        for name, model in models.items()
    ]
    return Case(*cases, default=Value(""), output_field=CharField())


def _name(model: Any, column: str, key: str) -> Subquery:
    as_key = BigIntegerField() if model is User else UUIDField()
    return Subquery(model.objects.filter(pk=Cast(OuterRef(key), as_key)).values(column)[:1])


# --- Files
def export(entries: Any, clinic: Clinic | None, by: Actor, file_format: str) -> Iterator[str]:
    """Lines of the clinic's entries among these, oldest first. That they were asked for is logged at once."""
    log.note(by, AccessEntry.Action.EXPORTED, clinic.pk if clinic else None, "accessentry", mode=file_format)
    rows = _rows(with_names(entries.filter(clinic=clinic)), clinic.slug if clinic else "")
    return (_csv if file_format == "csv" else _json)(rows)


def header(file_format: str) -> str:
    """What stands above the lines."""
    return _csv_line(COLUMNS) if file_format == "csv" else ""


def _rows(entries: Any, clinic: str) -> Iterator[dict[str, Any]]:
    """Page by page, by id: no statement takes long, and no more than a page is held."""
    entries = entries.order_by("pk")
    page = list(entries[:PAGE])
    while page:
        yield from (_shown(entry, clinic) for entry in page)
        page = list(entries.filter(pk__gt=page[-1].pk)[:PAGE])


def _shown(entry: Any, clinic: str) -> dict[str, Any]:
    own = {"time": rfc3339(entry.created_at), "clinic": clinic, "id": str(entry.pk)}
    return {name: own[name] if name in own else getattr(entry, name) for name in COLUMNS}


def rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _json(rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    return (json.dumps(row) + "\n" for row in rows)


def _csv(rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    return (_csv_line(_cell(value) for value in row.values()) for row in rows)


def _cell(value: Any) -> str:
    """A value that a spreadsheet would take for a formula begins with an apostrophe."""
    text = " ".join(value) if isinstance(value, list) else "" if value is None else str(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else text


def _csv_line(cells: Iterable[str]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()
