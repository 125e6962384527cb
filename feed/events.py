"""Recording that something happened: the one thing other apps ask of the feed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from uuid import UUID

from django.utils import timezone
from uuid_utils.compat import uuid7

from config import rows
from feed.models import Event


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened to a row. `data` holds ids, states and numbers, never a patient's words."""

    kind: str
    clinic_id: UUID
    object_id: UUID
    data: dict[str, str | int | None] = field(default_factory=dict)


def record(kind: str, *, clinic_id: UUID, object_id: UUID, **data: str | int | None) -> None:
    """Adds an event to the transaction under way."""
    record_all([Happening(kind, clinic_id, object_id, data)])


def record_all(happenings: Iterable[Happening]) -> None:
    """Adds events to the transaction under way, in their order, by one statement."""
    now = timezone.now()
    rows.insert(Event, [{"id": uuid7(), "created_at": now} | asdict(one) for one in happenings])


def was_deleted(clinic_id: UUID, object_id: UUID) -> bool:
    """Whether the clinic had a row of this id, and it was removed."""
    tombstones = Event.objects.filter(clinic=clinic_id, object_id=object_id, kind__endswith=".deleted")
    return tombstones.exists()
