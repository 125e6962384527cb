"""Recordings that are not here yet, read from their vendors' links: a piece at a time, each by a request of its own.

So a listener who pauses keeps no line to the vendor open, a link that expires in the middle is followed by another, and
no more than a piece is held.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from django.db import close_old_connections, connection

from config import files
from config.outbound import outbound
from recordings import downloads, links, services, wav, whole
from recordings.models import Links, Recording, RecordingPart
from vendors.answers import Response
from vendors.base import Link, VendorError

PIECE = 512 * 1024
#: How much of a part is looked at for its header.
HEAD = 64 * 1024
#: For one piece; and for all that is asked before an answer begins, while a thread of Django's waits.
PIECE_SECONDS, BEGIN_SECONDS = 25.0, 20.0


@dataclass(frozen=True, slots=True)
class Piece:
    """Some bytes of a part, and how many it has in all."""

    body: bytes
    size: int


class Afar:
    """The vendor's copy of a recording. Whatever it does raises VendorError: `recording_pending`, `recording_gone`."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.begins_until: float | None = time.monotonic() + BEGIN_SECONDS
        self._use(links.playable(recording))

    def _use(self, kept: Links) -> None:
        self.kept = kept
        self.links: dict[str, Link] = {link.recording_id: link for link in links.opened(kept)}

    def parts(self, number: int | None = None) -> list[RecordingPart]:
        """All of them, or those of the number, each looked at."""
        found = services.there(self.recording, list(self.links.values()))
        parts = [found[recording_id] for recording_id in self.links]
        wanted = [part for part in parts if number in (None, part.number)]
        for part in wanted:
            if not part.is_known:
                self._look(part)
        return wanted

    def _look(self, part: RecordingPart) -> None:
        head = self._piece(part, 0, HEAD)

        def read_at(offset: int, length: int) -> bytes:
            if offset >= head.size:
                return b""
            ends = min(offset + length, head.size)
            return head.body[offset:ends] if ends <= len(head.body) else self._piece(part, offset, ends).body

        try:
            sound = wav.look(head.size, read_at)
        except wav.NotWav:
            message = f"What the vendor has as part {part.number} is not a WAV file."
            raise VendorError(message, permanent=False, code="not_wav") from None
        whole.note(part, head.size, sound)

    def read(self, part: RecordingPart, start: int, stop: int) -> Iterator[bytes]:
        for begin in range(start, stop, PIECE):
            piece = self._piece(part, begin, min(begin + PIECE, stop))
            if piece.size != part.size:
                RecordingPart.objects.filter(pk=part.pk, storage_key="").update(size=None, pcm_start=None)
                raise VendorError("The vendor's recording is another than before.", permanent=False, code="changed")
            yield piece.body

    def _piece(self, part: RecordingPart, start: int, stop: int) -> Piece:
        """By the link that is kept; where its host does not take it any more, by another one. Where neither will do,
        it may have been copied since."""
        try:
            answer = self._get(part, start, stop)
            if answer.status in downloads.REFUSED and not _is_copied(part):
                self._use(links.refreshed(self.recording, self.kept))
                answer = self._get(part, start, stop)
            return _read(answer, start, stop)
        except VendorError:
            if not _is_copied(part):
                raise
            return Piece(b"".join(files.read(part.storage_key, start, min(stop, part.size or 0))), part.size or 0)

    def _get(self, part: RecordingPart, start: int, stop: int) -> Response:
        if part.vendor_ref not in self.links:
            raise VendorError("The vendor names other parts than before.", permanent=False, code="parts_changed")
        asked = {"Range": f"bytes={start}-{stop - 1}"}
        seconds = min(PIECE_SECONDS, (self.begins_until or float("inf")) - time.monotonic())
        if seconds <= 0:
            raise VendorError("The vendor's recording comes too slowly.", permanent=False, code="no_answer")
        url = self.links[part.vendor_ref].url
        return outbound().request("GET", url, headers=asked, max_bytes=PIECE, total_timeout=seconds)


def _is_copied(part: RecordingPart) -> bool:
    if not connection.in_atomic_block:
        close_old_connections()  # a reader's own may have been idle for long
    part.refresh_from_db()
    return part.is_ours


def _read(answer: Response, start: int, stop: int) -> Piece:
    """What was asked for; a host that knows no ranges may send the whole, where that is no more than a piece."""
    if answer.status == 200:
        return Piece(answer.body[start:stop], len(answer.body))
    found = downloads.CONTENT_RANGE.fullmatch(answer.headers.get("Content-Range", "").strip())
    if answer.status != 206 or not found or found[1] != str(start):
        message = f"The recording cannot be fetched (HTTP {answer.status})."
        raise VendorError(message, permanent=False, code="not_fetched")
    size = int(found[2])
    if len(answer.body) != min(stop, size) - start:
        raise VendorError("A piece of the recording came incomplete.", permanent=False, code="no_answer")
    return Piece(answer.body, size)
