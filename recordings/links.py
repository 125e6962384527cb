"""Links to a vendor's recordings: asked for at the account's rate, kept encrypted, fresh while somebody listens.

A link opens a recording for whoever has it: none is ever logged.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from cryptography.fernet import InvalidToken
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from config import leases, secrets
from recordings import rate, services
from recordings.models import Links, Recording
from vendors.base import Held, Link, RecordingLinks, VendorError

log = logging.getLogger(__name__)

LEASE = timedelta(minutes=5)
AT_ONCE = 20
#: Longer than one call to the vendor, after its turn has come.
ASKING = timedelta(seconds=90)
WAIT_SECONDS, LOOK_SECONDS = 30.0, 0.2
LISTENING = timedelta(minutes=30)
NOTED_EVERY = timedelta(minutes=1)
#: So long before they expire they are asked for anew; of short-lived ones in their last fifth. What would be due at
#: once has ended by our clock, and is asked for after a pause.
AHEAD, SOONEST = timedelta(minutes=2), timedelta(seconds=5)
#: A link is not begun with in its last seconds.
LAST = timedelta(seconds=2)
ATTEMPTS, PAUSE = 5, timedelta(seconds=20)
GONE, PENDING = services.GONE_CODE, "recording_pending"


# --- The vendor
def ask(recording: Recording, *, download: bool, patience: float) -> RecordingLinks:
    """Fresh links, in the order of the parts. `download`: for saving; else for playing, or for saving where none are.

    Raises VendorError, with PENDING also where the vendor has no part of it yet. What is gone is noted as lost.
    """
    rate.wait_for_turn(recording.account_id, recording.account.options, patience)
    try:
        found = _asked(recording, download)
    except VendorError as error:
        if error.code == GONE:
            services.lost(recording, error.code, services.GONE)
        raise
    if not found.is_streamable and not download:
        return RecordingLinks(ask(recording, download=True, patience=patience).links, is_streamable=False)
    if not found.links:
        raise VendorError("The vendor has no part of it yet.", permanent=False, code=PENDING)
    return found


def _asked(recording: Recording, download: bool) -> RecordingLinks:
    vendor = recording.account.connected()
    return vendor.recordings(Held(recording.vendor_ref, recording.clinician_ref), download=download)


# --- For playing
def playable(recording: Recording) -> Links:
    """Links that can be played now, and a note that somebody does. Raises VendorError."""
    kept = _kept(recording)
    if not _is_good(kept):
        kept = refreshed(recording, kept)
    _opened(kept)
    return kept


def refreshed(recording: Recording, stale: Links) -> Links:
    """Other links than these. However many ask at once, one of them asks the vendor. Raises VendorError."""
    ends = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < ends:
        kept = _kept(recording)
        if bytes(kept.sealed) != bytes(stale.sealed) and _opens(kept):
            return kept
        if _is_mine(kept):
            return _renewed(recording, kept, rate.HURRY)
        time.sleep(LOOK_SECONDS)
    raise VendorError("Another process asks for its links and has none yet.", permanent=False, code="vendor_busy")


def opened(kept: Links) -> list[Link]:
    """The links themselves."""
    return [
        Link(one["recording_id"], one["url"], datetime.fromtimestamp(one["expires_at"], UTC), one["sequence_number"])
        for one in secrets.decrypt(bytes(kept.sealed))["links"]
    ]


def _is_good(kept: Links) -> bool:
    """Whether they have not expired, and can be read."""
    return kept.expires_at is not None and kept.expires_at >= timezone.now() + LAST and _opens(kept)


def _opens(kept: Links) -> bool:
    """Whether they can be read: CREDENTIAL_KEYS may have changed since, and a row that was just made has none."""
    try:
        return bool(opened(kept))
    except InvalidToken:
        return False


def _kept(recording: Recording) -> Links:
    return Links.objects.get_or_create(recording=recording, defaults={"clinic_id": recording.clinic_id})[0]


def _is_mine(kept: Links) -> bool:
    """Whether nobody else is asking for them: then this one does, for a while."""
    now, kept.lease_token = timezone.now(), uuid4()
    free = Links.objects.filter(Q(lease_until=None) | Q(lease_until__lt=now), pk=kept.pk, sealed=bytes(kept.sealed))
    return bool(free.update(lease_until=now + ASKING, lease_token=kept.lease_token))


def _renewed(recording: Recording, kept: Links, patience: float) -> Links:
    """Asks the vendor, and gives up the lease. Raises VendorError."""
    try:
        found = ask(recording, download=False, patience=patience)
    except BaseException:
        Links.objects.filter(pk=kept.pk, lease_token=kept.lease_token).update(lease_until=None, lease_token=None)
        raise
    services.there(recording, found.links)
    return keep(kept, found)


def keep(kept: Links, found: RecordingLinks) -> Links:
    """Puts fresh links in the place of these."""
    kept.sealed, kept.expires_at = seal(found.links), min(link.expires_at for link in found.links)
    kept.is_streamable = found.is_streamable
    facts = {"sealed": kept.sealed, "expires_at": kept.expires_at, "is_streamable": kept.is_streamable, "attempts": 0}
    Links.objects.filter(pk=kept.pk).update(**facts, **leases.due_again(_ahead(kept.expires_at)))
    return kept


def seal(links: Sequence[Link]) -> bytes:
    return secrets.encrypt(
        {
            "links": [
                {
                    "recording_id": link.recording_id,
                    "url": link.url,
                    "expires_at": link.expires_at.timestamp(),
                    "sequence_number": link.sequence_number,
                }
                for link in links
            ]
        }
    )


def _ahead(expires_at: datetime) -> datetime:
    now = timezone.now()
    ahead = expires_at - min(AHEAD, max(expires_at - now, timedelta()) / 5)
    return ahead if ahead > now + SOONEST else now + PAUSE


def _opened(kept: Links) -> None:
    """Somebody plays it: noted once a minute, and it is due again where it was no longer."""
    now = timezone.now()
    if kept.opened_at and kept.opened_at > now - NOTED_EVERY:
        return
    Links.objects.filter(pk=kept.pk).update(opened_at=now)
    if kept.expires_at:
        Links.objects.filter(pk=kept.pk, next_attempt_at=None).update(next_attempt_at=_ahead(kept.expires_at))


# --- Before they expire
def is_due() -> bool:
    return bool(leases.due_ids(Links, 1))


def refresh_due() -> bool:
    """Asks for some of those that expire soon. True when there may be more."""
    claimed = leases.claim(Links, lease=LEASE, limit=AT_ONCE)
    recordings = Recording.objects.select_related("account").in_bulk([kept.recording_id for kept in claimed])
    for kept in sorted(claimed, key=lambda one: one.expires_at or timezone.now()):
        _refresh(recordings[kept.recording_id], kept)
    return bool(claimed)


def _refresh(recording: Recording, kept: Links) -> None:
    held = Links.objects.filter(pk=kept.pk, lease_token=kept.lease_token)
    is_heard = kept.opened_at is not None and kept.opened_at > timezone.now() - LISTENING
    if not is_heard or recording.state not in Recording.UNCOPIED or kept.attempts > ATTEMPTS:
        held.update(attempts=0, **leases.finished())
        return
    try:
        found = ask(recording, download=False, patience=rate.PATIENCE)
    except VendorError as error:
        log.info("the links of recording %s stay as they are for now: %s", recording.pk, error.code)
        held.update(**leases.due_again(timezone.now() + max(PAUSE, _seconds(error.retry_after))))
    else:
        with transaction.atomic():
            if held.select_for_update().exists():
                keep(kept, found)


def _seconds(number: Any) -> timedelta:
    return timedelta(seconds=min(float(number or 0), 3600.0))
