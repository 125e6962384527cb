"""One part of a recording, from the vendor's link to a local file: gone on with where an earlier try stopped.

The local file outlives a break of the line and the death of a worker. Only one process writes it: it holds a lock that
ends with the process.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any
from uuid import UUID

from django.conf import settings

from config.outbound import outbound
from recordings.models import Recording, RecordingPart
from vendors.base import Link, VendorError

CHUNK = 1024 * 1024
#: Longer than any link is good for, so that a slow line may go on with an old one.
LONGEST_SECONDS = 2 * 3600.0
#: What the link's host answers for a link that it does not take, or takes no longer.
REFUSED = (400, 401, 403, 410)
#: Tries in a row that bring something, after each of which the line broke.
BREAKS = 5
ABANDONED_AFTER = 8 * 24 * 3600
PART = re.compile("[0-9a-f-]{36}")
CONTENT_RANGE = re.compile(r"bytes (?:([0-9]{1,18})-[0-9]{1,18}|\*)/([0-9]{1,18})")


class LinkRefused(Exception):
    """The link's host does not take the link."""


class Misplaced(VendorError):
    """What came does not go on with what is here."""


def most_bytes() -> int:
    return settings.RECORDING_MAX_BYTES


@dataclass(slots=True)
class Copy:
    """What is there of a part: `size` bytes in `file`, with their digest."""

    path: Path
    file: IO[bytes]
    size: int = 0
    digest: Any = field(default_factory=hashlib.sha256)

    def look(self) -> None:
        """Takes in what an earlier try has left."""
        self.file.seek(0)
        while chunk := self.file.read(CHUNK):
            self.digest.update(chunk)
            self.size += len(chunk)

    def begin_again(self) -> None:
        self.file.seek(0)
        self.file.truncate()
        self.size, self.digest = 0, hashlib.sha256()

    def add(self, chunk: bytes) -> None:
        self.file.write(chunk)
        self.digest.update(chunk)
        self.size += len(chunk)

    def read_at(self, offset: int, length: int) -> bytes:
        self.file.seek(offset)
        return self.file.read(length)


def folder() -> Path:
    return Path(settings.UPLOAD_DIR) / "recordings"


@contextmanager
def at_hand(part_id: UUID) -> Iterator[Copy]:
    """The local copy of a part, with what is there already. Raises VendorError where another process writes it."""
    folder().mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder() / str(part_id)
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            message = "Another process is copying it at this moment."
            raise VendorError(message, permanent=False, code="being_copied") from None
        copy = Copy(path, file)
        copy.look()
        yield copy


def forget(part_ids: list[UUID]) -> None:
    for part_id in part_ids:
        (folder() / str(part_id)).unlink(missing_ok=True)


def tidy() -> None:
    """Deletes what was left here of copies that nobody goes on with: another machine has finished them, or their
    vendors have deleted the recordings since."""
    leftovers = list(folder().glob("*"))
    ended = _ended([leftover.name for leftover in leftovers]) if leftovers else set()
    for leftover in leftovers:
        with suppress(FileNotFoundError):
            if leftover.name in ended or time.time() - leftover.stat().st_mtime > ABANDONED_AFTER:
                leftover.unlink()


def _ended(names: list[str]) -> set[str]:
    """Those of the parts that are copied, lost, or removed."""
    parts = {name for name in names if PART.fullmatch(name)}
    wanted = RecordingPart.objects.filter(pk__in=parts, recording__state__in=Recording.UNCOPIED)
    going_on = wanted.exclude(state=RecordingPart.State.ARCHIVED).values_list("pk", flat=True)
    return parts - {str(part_id) for part_id in going_on}


def fetch(copy: Copy, part: RecordingPart, link: Link, go_on: Callable[[], None]) -> None:
    """Brings the rest. `go_on` is called with every chunk, and may raise.

    Raises LinkRefused, and VendorError: what has come until then stays. A line that breaks is taken up at once, as long
    as something comes.
    """
    for _ in range(BREAKS):
        before = copy.size
        try:
            return _fetch(copy, part, link, go_on)
        except VendorError as error:
            copy.file.flush()
            if error.code in ("too_large", "answer_too_large"):
                copy.begin_again()
                raise too_large() from None
            if error.code != "no_answer" or copy.size <= before:
                raise
    raise VendorError("The line to the recording breaks again and again.", permanent=False, code="no_answer")


def _fetch(copy: Copy, part: RecordingPart, link: Link, go_on: Callable[[], None]) -> None:
    most = most_bytes()
    asked = {"Range": f"bytes={copy.size}-"} if copy.size else {}
    if asked and part.etag:
        asked["If-Range"] = part.etag
    with outbound().download(link.url, headers=asked, max_bytes=most, total_timeout=LONGEST_SECONDS) as answer:
        try:
            start, whole = _placed(answer.status, answer.headers, copy.size)
        except Misplaced:
            copy.begin_again()
            raise
        if max(whole or 0, copy.size) > most:
            raise too_large()
        if start is None:  # all of it is here
            return
        if start == 0:
            copy.begin_again()
            _note_etag(part, answer.headers)
        copy.file.seek(copy.size)
        for chunk in answer.chunks():
            if copy.size + len(chunk) > most:
                raise too_large()
            copy.add(chunk)
            go_on()
    if whole is not None and copy.size != whole:
        copy.begin_again()
        raise VendorError("The recording came in another length than announced.", permanent=False, code="no_answer")


def _placed(status: int, headers: Mapping[str, str], there: int) -> tuple[int | None, int | None]:
    """Where the answer's body begins, None where nothing more is to come; and the length of the whole, if told."""
    found = CONTENT_RANGE.fullmatch(headers.get("Content-Range", "").strip())
    start, whole = (found[1], int(found[2])) if found else (None, None)
    if status == 200:
        length = headers.get("Content-Length", "")
        return 0, int(length) if re.fullmatch("[0-9]{1,18}", length) else None
    if status == 206 and start is not None and int(start) == there:
        return there, whole
    if status == 416 and whole == there:
        return None, whole
    if status in REFUSED:
        raise LinkRefused
    if status in (206, 416):
        raise Misplaced("The recording came from another place than asked.", permanent=False, code="not_fetched")
    raise VendorError(f"The recording cannot be fetched (HTTP {status}).", permanent=False, code="not_fetched")


def _note_etag(part: RecordingPart, headers: Mapping[str, str]) -> None:
    """A strong one, by which the next try knows that it goes on with the same bytes."""
    etag = headers.get("ETag", "")
    part.etag = etag if etag.startswith('"') and etag.isascii() and etag.isprintable() and len(etag) <= 200 else ""
    RecordingPart.objects.filter(pk=part.pk).update(etag=part.etag)


def too_large() -> VendorError:
    message = f"It is larger than the {most_bytes()} bytes that a recording may have here (RECORDING_MAX_BYTES)."
    return VendorError(message, permanent=True, code="too_large")
