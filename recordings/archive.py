"""Copies of recordings, made long before their vendors delete them: each part to a local file, looked at, and stored.

Claimed by lease, the most urgent first. A copy is begun when its session is complete and tried until the vendor has
none any more; between two tries lies never more than an hour.
"""

from __future__ import annotations

import hashlib
import logging
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from access import log as access_log
from access.models import AccessEntry
from config import files, leases
from feed import events
from recordings import downloads, links, rate, services, states, wav, whole
from recordings.downloads import Copy
from recordings.models import Links, Recording, RecordingPart
from vendors.base import Link, Superseded, VendorError

log = logging.getLogger(__name__)

LEASE = timedelta(minutes=2)
#: While a part goes to a storage elsewhere, or is read back from there, nobody says how far that is.
SAVING = timedelta(minutes=15)
RENEWED_EVERY = 20.0
#: Workers that look for work at once see as many of the most urgent.
LOOKED_AT = 50
FIRST_PAUSE, LONGEST_PAUSE = 15.0, 3600.0
#: Tries, which take about a day, at what more tries are not likely to change (one at what they cannot); from then on it
#: is tried daily, and so long before the end.
MOST_TRIES = 30
DAILY = timedelta(days=1)
LAST_TRIES = [timedelta(hours=hours) for hours in (24, 6, 1, 0)]
BOUNDED = {links.PENDING, "not_wav", "too_large"}
#: So long after the end a recording that nobody could ask for is given up.
GRACE = services.GRACE
SENDER = access_log.worker("archive")


def is_due() -> bool:
    return bool(leases.due_ids(Recording, 1))


def archive_due() -> bool:
    """Copies the most urgent one that is due. True when there may be more."""
    recording = claim()
    if recording is None:
        return False
    archive(recording)
    return True


def claim() -> Recording | None:
    due = Recording.objects.filter(next_attempt_at__lte=timezone.now()).order_by("available_until")
    for recording_id in due.values_list("pk", flat=True)[:LOOKED_AT]:
        for recording in leases.claim(Recording, lease=LEASE, ids=[recording_id]):
            return recording
    return None


def archive(recording: Recording) -> None:
    """Copies what is not here yet and writes what came of it, if the lease is still held."""
    try:
        copy_all(Lease(recording))
    except Superseded:
        log.warning("recording %s is not this worker's any more", recording.pk)
    except Exception as error:
        failed(recording, refusal_of(recording, error))


def refusal_of(recording: Recording, error: Exception) -> VendorError:
    """What staff are told of it. Whatever is unexpected may not happen again."""
    if isinstance(error, VendorError):
        return error
    log.error("recording %s could not be stored", recording.pk, exc_info=error)
    if isinstance(error, NotStored):
        message, code = "The storage did not take it. Tell the operator.", "not_stored"
    else:
        message, code = "It failed here. Tell the operator.", "failed_here"
    return VendorError(message, permanent=False, code=code)


class NotStored(Exception):
    """The storage failed."""


@contextmanager
def storing() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        raise NotStored from error


class Lease:
    """This worker's hold on a recording."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self._renewed = time.monotonic()

    @property
    def row(self) -> Any:
        """The row, as long as the lease stands and nothing else has moved it."""
        uncopied = Recording.objects.filter(pk=self.recording.pk, state__in=Recording.UNCOPIED)
        return uncopied.filter(lease_token=self.recording.lease_token)

    def renew(self, length: timedelta = LEASE) -> None:
        """Raises Superseded."""
        until = timezone.now() + length
        if not self.row.update(lease_until=until, next_attempt_at=until):
            raise Superseded
        self._renewed = time.monotonic()

    def go_on(self) -> None:
        """The same, where it is time to. Raises Superseded."""
        if time.monotonic() - self._renewed > RENEWED_EVERY:
            self.renew()


def copy_all(lease: Lease) -> None:
    """Raises VendorError, and Superseded."""
    recording = lease.recording
    try:
        parts = parts_of(lease)
    except VendorError as error:
        if not (is_end(recording, error) and recording.has_all_parts()):
            raise
        parts = list(recording.copied_parts())
    finish(lease, parts)


def parts_of(lease: Lease) -> list[RecordingPart]:
    """All that the vendor names, copied. One that cannot be had keeps no other from it.

    Raises VendorError, of several the one that another try is most likely to change, and Superseded.
    """
    recording = lease.recording
    fresh = links.ask(recording, download=True, patience=rate.PATIENCE).links
    parts = services.there(recording, fresh)
    wanted = [link for link in fresh if not parts[link.recording_id].is_ours]
    problems = [problem for link in wanted if (problem := tried(lease, parts[link.recording_id], link))]
    if problems:
        raise min(problems, key=lambda problem: (problem.code != links.GONE, problem.code in BOUNDED))
    return list(recording.parts.filter(vendor_ref__in=parts))


def tried(lease: Lease, part: RecordingPart, link: Link) -> VendorError | None:
    """Copies a part; gives why it could not be. Raises Superseded."""
    try:
        copy(lease, part, link)
    except Superseded:
        raise
    except Exception as error:
        return refusal_of(lease.recording, error)
    return None


def copy(lease: Lease, part: RecordingPart, link: Link) -> None:
    """One part, with one more link where its own is not taken."""
    lease.renew()
    with downloads.at_hand(part.pk) as copied:
        try:
            downloads.fetch(copied, part, link, lease.go_on)
        except downloads.LinkRefused:
            fetch_by_another(lease, part, copied)
        keep(lease, part, copied)
    downloads.forget([part.pk])


def fetch_by_another(lease: Lease, part: RecordingPart, copied: Copy) -> None:
    fresh = links.ask(lease.recording, download=True, patience=rate.PATIENCE).links
    link = next((one for one in fresh if one.recording_id == part.vendor_ref), None)
    if link is None:
        raise VendorError("The vendor names other parts than before.", permanent=False, code="parts_changed")
    try:
        downloads.fetch(copied, part, link, lease.go_on)
    except downloads.LinkRefused:
        message = "The vendor's links are not taken by the host that they lead to."
        raise VendorError(message, permanent=False, code="link_refused") from None


def keep(lease: Lease, part: RecordingPart, copied: Copy) -> None:
    """Looks at a part that is all here, and stores it."""
    copied.file.flush()
    try:
        sound = wav.look(copied.size, copied.read_at)
    except wav.NotWav:
        if not part.etag:  # else what is here now is not fetched again, unless it is another then
            copied.begin_again()
        RecordingPart.objects.filter(pk=part.pk).update(state=RecordingPart.State.UNREADABLE)
        message = f"What the vendor sent as part {part.number} is not a WAV file."
        raise VendorError(message, permanent=False, code="not_wav") from None
    lease.renew(SAVING)
    sha256 = copied.digest.hexdigest()
    key = f"recordings/{part.clinic_id}/{part.recording_id}/{sha256}"
    with storing():
        files.keep(key, copied.path, copied.file)
    whole.note(part, copied.size, sound, state=RecordingPart.State.ARCHIVED, storage_key=key, sha256=sha256)
    lease.renew()


def finish(lease: Lease, parts: Sequence[RecordingPart]) -> None:
    """All its parts are here: what they are together."""
    recording = lease.recording
    lease.renew(SAVING)
    with storing():
        facts = together(parts)
    with transaction.atomic():
        states.RECORDING.moves(recording.state, Recording.State.ARCHIVED)
        archived = {"state": Recording.State.ARCHIVED, "archived_at": timezone.now(), "part_count": len(parts)}
        if not lease.row.update(**archived, **facts, error_code="", error_message="", **leases.finished()):
            raise Superseded
        services.name_parts(recording, [part.vendor_ref for part in parts])
        Links.objects.filter(recording=recording.pk).delete()
        access_log.record(SENDER, AccessEntry.Action.CHANGED, [recording], mode="archived")
        about: dict[str, Any] = {"session": str(recording.session_id), "bytes": facts["size"]}
        events.record("recording.archived", clinic_id=recording.clinic_id, object_id=recording.pk, **about)


def together(parts: Sequence[RecordingPart]) -> Mapping[str, Any]:
    """Size, SHA-256 and length of the whole as it is played; no digest where it can only be played in parts."""
    duration_ms = min(sum(part.duration_ms or 0 for part in parts), wav.LONGEST_MS)
    try:
        joined = whole.Whole.of(parts)
    except whole.Apart:
        return {"size": sum(part.size or 0 for part in parts), "sha256": "", "duration_ms": duration_ms}
    if len(parts) == 1 and not joined.head:
        return {"size": joined.size, "sha256": parts[0].sha256, "duration_ms": duration_ms}
    digest = hashlib.sha256(joined.head)
    for part, start, stop in joined.spans:
        for chunk in files.read(part.storage_key, start, stop):
            digest.update(chunk)
    return {"size": joined.size, "sha256": digest.hexdigest(), "duration_ms": duration_ms}


# --- When it did not work
def failed(recording: Recording, error: VendorError) -> None:
    """Due again after a pause, with the reason; or lost."""
    held = Lease(recording).row
    if error.code == "vendor_busy":  # no try: it never had its turn
        again = timezone.now() + timedelta(seconds=error.retry_after or 1.0)
        held.update(attempts=max(recording.attempts - 1, 0), **leases.due_again(again))
        return
    if is_end(recording, error) and not recording.has_all_parts():
        if services.lost(recording, error.code, error.message, recording.lease_token):
            downloads.forget(list(recording.parts.values_list("pk", flat=True)))
        return
    again = again_at(recording, error)
    held.update(error_code=error.code, error_message=error.message[:500], **leases.due_again(again))
    log.info("recording %s is tried again: %s", recording.pk, error.code)


def is_end(recording: Recording, error: VendorError) -> bool:
    """Whether no try can help any more: the vendor has deleted it, or must have by now."""
    if error.code == "vendor_busy":
        return False
    ends = services.gone_at(recording)
    return error.code == links.GONE or timezone.now() > max(
        ends if error.code in BOUNDED else ends + GRACE, recording.created_at + GRACE
    )


def again_at(recording: Recording, error: VendorError) -> datetime:
    """Exponential, with jitter, an hour at most; what was tried often enough has its few times left."""
    now = timezone.now()
    if error.code in BOUNDED and (error.permanent or recording.attempts >= MOST_TRIES):
        left = [now + DAILY, *(services.gone_at(recording) - before for before in LAST_TRIES)]
        return min(time for time in left if time > now)
    backoff = min(FIRST_PAUSE * 2.0 ** min(recording.attempts - 1, 20), LONGEST_PAUSE)
    wished = min(error.retry_after or 0.0, LONGEST_PAUSE)
    return now + timedelta(seconds=max(backoff * random.uniform(0.75, 1.0), wished))  # noqa: S311
