"""Recordings come to be known, are wanted now, and are lost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from uuid_utils.compat import uuid7

from config import leases, rows
from feed import events
from recordings.models import Links, Recording, RecordingPart
from vendors import VENDORS
from vendors.base import Link

State = Recording.State
GONE = "The vendor has deleted it."


class NotNow(Exception):
    """It cannot be done as the recording is. The text says why."""


class OfAnother(Exception):
    """The vendor's recording belongs to another session already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What a vendor keeps of a session that ended at a time. `ref`: its own id of it; `clinician_ref`: its user."""

    clinic_id: UUID
    session_id: UUID
    account_id: UUID
    vendor: str
    ref: str
    clinician_ref: str
    ended_at: datetime


def register_all(kept: Iterable[Kept]) -> set[UUID]:
    """Makes them known and due, by one statement. Gives the ids of those that are new; the others stay as they are.

    Runs in the caller's transaction: whoever commits it rings.
    """
    return rows.insert(Recording, [_columns(one) for one in kept], once="account_id, vendor_ref")


def register(kept: Kept) -> Recording:
    """The same for one: the recording, however often it is called."""
    register_all([kept])
    found: Recording = Recording.objects.get(account=kept.account_id, vendor_ref=kept.ref)
    return found


def adopt(kept: Kept) -> Recording:
    """register(), for what another system has made. Raises OfAnother."""
    recording = register(kept)
    if recording.session_id != kept.session_id:
        raise OfAnother
    return recording


def _columns(kept: Kept) -> dict[str, Any]:
    now = timezone.now()
    return {
        "id": uuid7(),
        "created_at": now,
        "clinic_id": kept.clinic_id,
        "session_id": kept.session_id,
        "account_id": kept.account_id,
        "vendor": kept.vendor,
        "vendor_ref": kept.ref,
        "clinician_ref": kept.clinician_ref,
        "state": State.PENDING,
        "available_until": kept.ended_at + VENDORS[kept.vendor].recordings_kept,
        "attempts": 0,
        "next_attempt_at": now,
        **dict.fromkeys(["sha256", "error_code", "error_message"], ""),
        "part_count": 0,
    }


def archive_now(recording: Recording) -> None:
    """Makes it due at once. Raises NotNow. The next sweep rings."""
    idle = Q(lease_until=None) | Q(lease_until__lt=timezone.now())
    uncopied = Recording.objects.filter(pk=recording.pk, state__in=Recording.UNCOPIED)
    if not uncopied.exists():
        raise NotNow("It is copied, or gone at the vendor.")
    if not uncopied.filter(idle).update(attempts=0, **leases.due_again(timezone.now())):
        raise NotNow("It is being copied at this moment.")


def there(recording: Recording, links: Sequence[Link]) -> Mapping[str, RecordingPart]:
    """The vendor has it: its parts by the vendor's ids of them. What was pending is available from now on."""
    with transaction.atomic():
        made = [
            RecordingPart(
                clinic_id=recording.clinic_id,
                recording=recording,
                number=link.sequence_number,
                vendor_ref=link.recording_id,
            )
            for link in links
        ]
        RecordingPart.objects.bulk_create(made, ignore_conflicts=True)
        pending = Recording.objects.filter(pk=recording.pk, state=State.PENDING)
        if pending.update(state=State.AVAILABLE, part_count=len(links)):
            _tell(recording, "recording.available")
    if recording.state == State.PENDING:  # in whoever's hands it has moved
        recording.state = State.AVAILABLE
    return {part.vendor_ref: part for part in recording.parts.filter(vendor_ref__in=[one.vendor_ref for one in made])}


@transaction.atomic
def lost(recording: Recording, code: str, message: str, token: UUID | None = None) -> bool:
    """The vendor has none any more, and never will. False where somebody is still copying it: they see for themselves.

    `token`: of the lease of whoever says so.
    """
    mine = Q(lease_token=token) if token else Q(lease_until=None) | Q(lease_until__lt=timezone.now())
    uncopied = Recording.objects.filter(mine, pk=recording.pk, state__in=Recording.UNCOPIED)
    reason = {"error_code": code, "error_message": message[:500]}
    if not uncopied.update(state=State.LOST, **reason, **leases.finished()):
        return False
    Links.objects.filter(recording=recording.pk).delete()
    recording.state = State.LOST
    _tell(recording, "recording.lost")
    return True


def _tell(recording: Recording, kind: str) -> None:
    session = str(recording.session_id)
    events.record(kind, clinic_id=recording.clinic_id, object_id=recording.pk, session=session)
