"""The recordings' part of removing a session."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from config import rows
from recordings.models import Links, Listening, Recording, RecordingPart, Waveform


@dataclass(frozen=True, slots=True)
class Copies:
    """What there is of a session's recordings beside rows: `keys` in the storage, and parts copied halfway."""

    keys: list[str]
    part_ids: list[UUID]


def uncopied(session_ids: Collection[UUID]) -> set[UUID]:
    """Those of the sessions of which a recording is still to be copied."""
    waiting = Recording.objects.filter(session__in=session_ids, state__in=Recording.UNCOPIED)
    return set(waiting.values_list("session", flat=True))


def is_held(session_id: UUID) -> bool:
    """Whether a worker is at one of its recordings; if not, none comes until the transaction ends."""
    leases = list(Recording.objects.select_for_update().filter(session=session_id).values_list("lease_until"))
    return any(until and until > timezone.now() for (until,) in leases)


def copies(session_id: UUID) -> Copies:
    parts = RecordingPart.objects.filter(recording__session=session_id).values_list("pk", "storage_key")
    return Copies(list(dict.fromkeys(key for _, key in parts if key)), [part_id for part_id, _ in parts])


def remove(session_id: UUID) -> Counter[str]:
    """Deletes a session's recordings, and what is drawn and noted of its audio; says how many there were."""
    rows.delete(Listening.objects.filter(Q(recording__session=session_id) | Q(audio__session=session_id)))
    rows.delete(Waveform.objects.filter(audio__session=session_id))
    rows.delete(Links.objects.filter(recording__session=session_id))
    rows.delete(RecordingPart.objects.filter(recording__session=session_id))
    return Counter(recordings=rows.delete(Recording.objects.filter(session=session_id)))
