"""Recording that something happened: the one thing other apps ask of the feed."""

from __future__ import annotations

from uuid import UUID

from feed.models import Event


def record(kind: str, *, clinic_id: UUID, object_id: UUID, **data: str | int | None) -> None:
    """Adds an event to the transaction under way. `data` holds ids, states and numbers, never a patient's words."""
    Event.objects.create(kind=kind, clinic_id=clinic_id, object_id=object_id, data=data)
