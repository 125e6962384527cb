"""Links that programs are given: the vendor's, or ours once there is a copy, signed and good for as long as those."""

from __future__ import annotations

import struct
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.urls import reverse

from access.log import Actor
from access.models import AccessEntry
from config import tickets
from recordings import links, playing, rate, services
from recordings.models import Recording, RecordingPart
from vendors.base import VendorError

SAVING_SECONDS, PLAYING_SECONDS, LONGER_BY = 3600, 15 * 60, 10 * 60
PURPOSE, LAYOUT = b"recording", ">16sQ16sB"
KINDS = [AccessEntry.Actor.API_KEY, AccessEntry.Actor.APPLICATION]


@dataclass(frozen=True, slots=True)
class Opened:
    """What a link of ours opens, and for whom it was made."""

    part_id: UUID
    by: Actor


def given(recording: Recording, *, download: bool, by: Actor) -> dict[str, Any]:
    """Fresh links to all parts; of what was lost, to those that are here. Raises VendorError."""
    if recording.is_ours or recording.is_lost:
        ours = [_ours(part, recording, download, by) for part in recording.copied_parts()]
        if not ours:
            raise VendorError(services.GONE, permanent=True, code=links.GONE)
        return {"recordings": ours, "is_streamable": True}
    found = links.ask(recording, download=download, patience=rate.HURRY)
    services.there(recording, found.links)
    theirs = [
        {
            "recording_id": link.recording_id,
            "presigned_url": link.url,
            "expires_at": int(link.expires_at.timestamp()),
            "sequence_number": link.sequence_number,
        }
        for link in found.links
    ]
    return {"recordings": theirs, "is_streamable": found.is_streamable}


def ends(shown: Any) -> datetime:
    """When the first of the links ends that `given` gave."""
    return datetime.fromtimestamp(min(link["expires_at"] for link in shown["recordings"]), UTC)


def _ours(part: RecordingPart, recording: Recording, download: bool, by: Actor) -> dict[str, Any]:
    seconds = SAVING_SECONDS if download else playing_seconds(recording.duration_ms or 0)
    expires_at = int(time.time()) + seconds
    return {
        "recording_id": part.vendor_ref,
        "presigned_url": _address(part, expires_at, seconds, by),
        "expires_at": expires_at,
        "sequence_number": part.number,
    }


def playing_seconds(duration_ms: int) -> int:
    """A quarter of an hour; of what is longer, as long as it lasts and ten minutes."""
    seconds = duration_ms // 1000
    return seconds + LONGER_BY if seconds > PLAYING_SECONDS else PLAYING_SECONDS


def _address(part: RecordingPart, expires_at: int, seconds: int, by: Actor) -> str:
    if playing.redirect() == playing.S3:
        return playing.signed(part.storage_key, seconds)
    return f"{settings.PUBLIC_URL}{reverse('recording-linked', args=[ticket(part.pk, expires_at, by)])}"


def ticket(part_id: UUID, expires_at: int, by: Actor) -> str:
    kind = KINDS.index(AccessEntry.Actor(by.kind))
    return tickets.issue(PURPOSE, struct.pack(LAYOUT, part_id.bytes, expires_at, UUID(by.id).bytes, kind))


def read(text: str, address: str | None) -> Opened | None:
    """None for what we did not make, or whose time is over."""
    payload = tickets.read(PURPOSE, text, struct.calcsize(LAYOUT))
    if payload is None:
        return None
    part, expires_at, program, kind = struct.unpack(LAYOUT, payload)
    if expires_at < time.time():
        return None
    return Opened(UUID(bytes=part), Actor(KINDS[kind], str(UUID(bytes=program)), address))
