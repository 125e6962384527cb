"""A recording by stream, WebSocket or gRPC: sent no further ahead than is confirmed, taken up again where it broke.

What the other side says that it has stored is where the next connection begins.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from vendors.base import Progress, VendorError
from vendors.dragon.content import Content
from vendors.dragon.patience import Patience
from vendors.dragon.refusals import silent
from vendors.dragon.wire import Heard

PIECE_BYTES = 64 * 1024
#: Sent and not confirmed, at most.
WINDOW_BYTES = 1024 * 1024
TELL_SECONDS = 0.5
KEEP_SECONDS = 10.0


class Line(Protocol):
    """An open connection. Each method raises VendorError."""

    call_id: str

    def open(self, starting_offset: int) -> None: ...

    def send(self, start: int, data: bytes) -> None: ...

    def close_recording(self) -> None: ...

    def receive(self, seconds: float) -> Heard | None:
        """What is said next; None where nothing is in time."""


class Take:
    """One recording of a session on its way. `number`: of it; `begins_ms`: audio of the session before it.

    Its place: `recording`, `form` of its content, and how many bytes are `stored`. `sent`: the end of what this
    connection has brought.
    """

    def __init__(self, content: Content, progress: Progress, *, number: int, form: int, begins_ms: int) -> None:
        self.content, self.progress = content, progress
        self.begins_ms = begins_ms
        place = progress.place if progress.place.get("recording") == number else {}
        self.stored = self.sent = place.get("stored", 0)
        self._place = {"recording": number, "form": form, "streamed": 1}
        self._told_at = time.monotonic()

    def heard(self, heard: Heard, call_id: str) -> None:
        """Raises Superseded, and VendorError for more than was ever sent."""
        if heard.stored > self.content.size:
            message = "Dragon Copilot confirms more audio than there is. It is tried again."
            raise VendorError(message, permanent=False, code="answer_unreadable", call_id=call_id)
        # Of what an earlier connection brought it may have more than we know: what was not sent now does not count. The
        # last word does, also where it takes back what was said before.
        stored = max(0, min(heard.stored, self.sent))
        self.stored = stored if heard.is_closed else max(self.stored, stored)
        self.keep_every(TELL_SECONDS)

    def keep_every(self, seconds: float) -> None:
        """Says how far it is, unless that was done just now. Raises Superseded."""
        if time.monotonic() - self._told_at >= seconds:
            self.keep()

    def keep(self) -> None:
        """Says how far it is. Raises Superseded."""
        self._told_at = time.monotonic()
        until_ms = self.begins_ms + self.content.until_ms(self.stored)
        self.progress.reached({**self._place, "stored": self.stored}, until_ms)


def record(take: Take, connect: Callable[[], AbstractContextManager[Line]], patience: Patience) -> str:
    """All of it, over as many connections as it takes. Gives the last one's id. Raises VendorError, Superseded."""
    take.keep()  # before the first byte: in this form, whatever comes
    tries = 0
    while True:
        stored = take.stored
        try:
            with connect() as line:
                _talk(take, line, patience)
                return line.call_id
        except VendorError as error:
            take.keep()
            tries = 1 if take.stored > stored else tries + 1
            if error.permanent or not patience.allows(tries, error.retry_after):
                raise
            time.sleep(patience.pause(tries, error.retry_after))


def _talk(take: Take, line: Line, patience: Patience) -> None:
    take.sent = take.stored
    line.open(take.sent)
    for piece in take.content.pieces(take.sent, PIECE_BYTES):
        while take.sent - take.stored >= WINDOW_BYTES:
            _await(take, line, patience)
        line.send(take.sent, piece)
        take.sent += len(piece)
        take.keep_every(KEEP_SECONDS)
        while (heard := line.receive(0)) is not None:
            take.heard(heard, line.call_id)
    line.close_recording()
    while not _await(take, line, patience):
        pass
    if take.stored < take.content.size:
        message = "Dragon Copilot closed the recording before it had stored all of it. It is tried again."
        raise VendorError(message, permanent=False, code="recording_short", call_id=line.call_id)


def _await(take: Take, line: Line, patience: Patience) -> bool:
    """Waits for what has to come next. Whether the recording is closed by it. Raises VendorError, Superseded."""
    until = time.monotonic() + patience.quiet_seconds
    while (left := until - time.monotonic()) > 0:
        if heard := line.receive(min(left, KEEP_SECONDS)):
            take.heard(heard, line.call_id)
            return heard.is_closed
        take.keep()
    raise silent(line.call_id)
