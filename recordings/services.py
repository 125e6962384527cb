"""Recordings come to be known, are wanted now, and are lost."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from uuid_utils.compat import uuid7

from config import leases, rows
from feed import events
from feed.events import Happening
from recordings import states, tasks
from recordings.models import Links, Recording, RecordingPart
from vendors import VENDORS
from vendors.base import Link

log = logging.getLogger(__name__)

State = Recording.State
GONE = "The vendor has deleted it."
#: The vendor's own word, after which nobody asks again.
GONE_CODE = "recording_gone"
#: So long at least a recording is looked for, however long ago it should have been deleted: its clinic may call the
#: session older than it is at the vendor.
GRACE = timedelta(days=1)


class NotNow(Exception):
    """It cannot be done as the recording is. The text says why."""


class OfAnother(Exception):
    """The vendor's recording belongs to another session already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What a vendor keeps of a session that ended at a time. `ref`: its own id of it; `clinician_ref`: its user.

    `is_certain`: else it may have kept nothing, of a session that it did not write up.
    """

    clinic_id: UUID
    session_id: UUID
    account_id: UUID
    vendor: str
    ref: str
    clinician_ref: str
    ended_at: datetime
    is_certain: bool = True


def register_all(kept: Iterable[Kept]) -> set[UUID]:
    """Makes them known and due, by one statement. Gives the ids of those that are new; the others stay as they are."""
    columns = [_columns(one) for one in kept]
    new = rows.insert(Recording, columns, once="account_id, vendor_ref")
    if new:
        transaction.on_commit(tasks.ring_archive)
    events.record_all(
        Happening("recording.created", row["clinic_id"], row["id"], {"session": str(row["session_id"])})
        for row in columns
        if row["id"] in new
    )
    return new


def register(kept: Kept) -> Recording:
    """The same for one: the recording, however often it is called."""
    register_all([kept])
    found: Recording = Recording.objects.get(account=kept.account_id, vendor_ref=kept.ref)
    return found


def adopt(kept: Kept) -> Recording:
    """register(), for what another system has made; what was given up is looked for again. Raises OfAnother."""
    recording = register(kept)
    if recording.session_id != kept.session_id:
        raise OfAnother
    if is_given_up(recording):
        with suppress(NotNow):  # somebody else was quicker
            archive_now(recording)
        recording.refresh_from_db()
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
        "available_until": min(kept.ended_at, now) + VENDORS[kept.vendor].recordings_kept if kept.is_certain else None,
        "attempts": 0,
        "next_attempt_at": now,
        **dict.fromkeys(["sha256", "error_code", "error_message"], ""),
        "part_count": 0,
    }


def is_given_up(recording: Recording) -> bool:
    """Whether it is lost, and yet not by the vendor's own word."""
    return recording.is_lost and recording.error_code != GONE_CODE


def archive_now(recording: Recording) -> None:
    """Makes it due at once, and again what was given up. Raises NotNow."""
    if is_given_up(recording):
        look_again(recording)
    idle = Q(lease_until=None) | Q(lease_until__lt=timezone.now())
    uncopied = Recording.objects.filter(pk=recording.pk, state__in=Recording.UNCOPIED)
    if not uncopied.exists():
        raise NotNow("It is copied, or gone at the vendor.")
    if not uncopied.filter(idle).update(attempts=0, **leases.due_again(timezone.now())):
        raise NotNow("It is being copied at this moment.")
    transaction.on_commit(tasks.ring_archive)


@transaction.atomic
def look_again(recording: Recording) -> None:
    """For a day at least."""
    state = State.AVAILABLE if recording.parts.exists() else State.PENDING
    states.RECORDING.moves(recording.state, state)
    given_up = Recording.objects.filter(pk=recording.pk, state=State.LOST).exclude(error_code=GONE_CODE)
    if given_up.update(state=state, lost_at=None) and state == State.AVAILABLE:
        _tell(recording, "recording.available")
    late = Recording.objects.filter(pk=recording.pk, available_until__lt=timezone.now() + GRACE)
    late.update(available_until=timezone.now() + GRACE)


def gone_at(recording: Recording) -> datetime:
    """When its vendor has deleted it; if it has one at all, not later."""
    until: datetime = recording.available_until or recording.created_at + VENDORS[recording.vendor].recordings_kept
    return until


def there(recording: Recording, links: Sequence[Link]) -> Mapping[str, RecordingPart]:
    """The vendor has it: its parts by the vendor's ids of them. What was pending is available from now on."""
    refs = {link.recording_id for link in links}
    if recording.state == State.PENDING or set(_named(recording).values_list("vendor_ref", flat=True)) != refs:
        _seen(recording, links)
    return {part.vendor_ref: part for part in recording.parts.filter(vendor_ref__in=refs)}


def name_parts(recording: Recording, refs: Sequence[str]) -> None:
    """These, and no others, are what the vendor has."""
    _named(recording).exclude(vendor_ref__in=refs).update(is_named=False)
    recording.parts.filter(vendor_ref__in=refs, is_named=False).update(is_named=True)


def _named(recording: Recording) -> Any:
    return recording.parts.filter(is_named=True)


@transaction.atomic
def _seen(recording: Recording, links: Sequence[Link]) -> None:
    facts = {"clinic_id": recording.clinic_id, "recording": recording}
    made = [RecordingPart(number=link.sequence_number, vendor_ref=link.recording_id, **facts) for link in links]
    RecordingPart.objects.bulk_create(made, ignore_conflicts=True)
    uncopied = Recording.objects.filter(pk=recording.pk, state__in=Recording.UNCOPIED)
    if uncopied.update(part_count=len(links)):
        name_parts(recording, [link.recording_id for link in links])
    recording.available_until = recording.available_until or _until(recording)
    seen = {"state": State.AVAILABLE, "available_until": recording.available_until}
    if uncopied.filter(state=State.PENDING).update(**seen):
        _tell(recording, "recording.available")
    if recording.state == State.PENDING:  # in whoever's hands it has moved
        recording.state = State.AVAILABLE


def _until(recording: Recording) -> datetime:
    """As its session says."""
    began: datetime = recording.session.started_at or recording.session.created_at
    return min(began, recording.created_at) + VENDORS[recording.vendor].recordings_kept


@transaction.atomic
def lost(recording: Recording, code: str, message: str, token: UUID | None = None) -> bool:
    """The vendor has none any more, and never will. False where somebody is still copying it: they see for themselves;
    and where all of it is here, and only what it is together is not written yet.

    `token`: of the lease of whoever says so.
    """
    if recording.has_all_parts():
        return False
    mine = Q(lease_token=token) if token else Q(lease_until=None) | Q(lease_until__lt=timezone.now())
    uncopied = Recording.objects.filter(mine, pk=recording.pk, state__in=Recording.UNCOPIED)
    reason = {"error_code": code, "error_message": message[:500]}
    if not uncopied.update(state=State.LOST, lost_at=timezone.now(), **reason, **leases.finished()):
        return False
    log.error("recording %s is lost: %s", recording.pk, code)
    Links.objects.filter(recording=recording.pk).delete()
    recording.state = State.LOST
    _tell(recording, "recording.lost")
    return True


def _tell(recording: Recording, kind: str) -> None:
    session = str(recording.session_id)
    events.record(kind, clinic_id=recording.clinic_id, object_id=recording.pk, session=session)
