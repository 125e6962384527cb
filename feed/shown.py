"""An event as other systems are told of it, by the feed and by webhooks alike: ids, states and numbers alone."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db.models import TextField
from django.db.models.expressions import RawSQL

from feed.models import Event

#: Where an object is shown, by its name: the first half of a kind.
ADDRESSES = {
    "session": "sessions/{id}",
    "audio": "sessions/{session}/audio",
    "request": "requests/{id}",
    "transcript": "transcripts/{id}",
    "note": "notes/{id}",
    "recording": "recordings/{id}",
    "webhook": "webhooks/{id}",
}


#: The event as text of JSON, made by PostgreSQL: for pages of thousands Python would take five times as long.
JSON = """
json_build_object(
    'id', id, 'type', kind, 'timestamp', to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    'data', jsonb_build_object(
        'object', split_part(kind, '.', 1), 'id', object_id,
        'url', CASE
            WHEN kind LIKE '%%.deleted' THEN NULL
            WHEN kind LIKE 'audio.%%' THEN %s || '/sessions/' || (data->>'session') || '/audio'
            ELSE %s || '/' || split_part(kind, '.', 1) || 's/' || object_id
        END) || data)::text
"""


def in_json() -> RawSQL:
    """What `shown` shows, as text, for queries of events alone."""
    return RawSQL(JSON, [api(), api()], TextField())  # noqa: S611 (our own SQL)


def shown(event: Event) -> dict[str, Any]:
    """The event, ready for JSON."""
    about, _, happened = event.kind.partition(".")
    url = None
    if happened != "deleted":
        url = f"{api()}/{ADDRESSES[about].format(id=event.object_id, **event.data)}"
    at = event.created_at.isoformat(timespec="microseconds").replace("+00:00", "Z")
    told = {"object": about, "id": str(event.object_id), "url": url, **event.data}
    return {"id": str(event.pk), "type": event.kind, "timestamp": at, "data": told}


def api() -> str:
    return f"{settings.PUBLIC_URL}/api/v1"
