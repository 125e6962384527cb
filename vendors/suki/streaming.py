"""Audio on its way to Suki: paced, counted, and taken up again where a connection broke.

What was handed to a connection is not sent again, whether or not it arrived: better a gap than words said twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from vendors.base import Progress, Sound, Unreadable, VendorError
from vendors.suki import frames
from vendors.websocket import WebSocket

GROUP_MS = 1_000
#: While the audio is fetched, and decoded up to where it goes on.
KEEP_SECONDS = 10.0
#: After so much audio an earlier break is forgotten.
HEADWAY_MS = 10_000
#: Beside the audio's own length.
SPARE_SECONDS = 900.0
#: Of one connection: ten a second for hours.
MOST_MESSAGES = 200_000
MOST_AT_ONCE = 100
#: Of finals.
MOST_CHARACTERS = 2_000_000
PARTIAL_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Patience:
    """`tries` at a session without headway, with pauses that double; Suki frees one that broke off after 25 s.

    `quiet_seconds`: how long a dictation's end is waited for while nothing is heard, `end_seconds`: whatever is.
    """

    tries: int = 9
    first_seconds: float = 0.5
    longest_seconds: float = 10.0
    quiet_seconds: float = 30.0
    end_seconds: float = 300.0

    def pause(self, tries: int) -> float:
        return min(self.first_seconds * 2.0 ** (tries - 1), self.longest_seconds)


class Tape:
    """A sound, and how far it has been played. `begins_ms`: what was to be played of others before it."""

    def __init__(self, sound: Sound, progress: Progress, *, begins_ms: int, in_real_time: bool) -> None:
        self._sound = sound
        self.progress = progress
        self._begins_ms = begins_ms
        self._in_real_time = in_real_time
        self._frames: Iterator[bytes] | None = None
        self._next: bytes | None = None
        self.at_ms = self._told_ms = min(max(0, progress.sent_ms - begins_ms), sound.duration_ms)
        self._over_at = time.monotonic()

    @property
    def is_over(self) -> bool:
        return self.at_ms >= self._sound.duration_ms

    @property
    def over_seconds(self) -> float:
        """For how long nothing has been left to be played."""
        return time.monotonic() - self._over_at if self.is_over else 0.0

    @property
    def is_heard_out(self) -> bool:
        return self.progress.heard_ms >= self.ends_ms

    @property
    def ends_ms(self) -> int:
        return self._begins_ms + self._sound.duration_ms

    @property
    def longest_seconds(self) -> float:
        return self._sound.duration_ms / 1000 + SPARE_SECONDS

    def wind(self) -> None:
        """Has the next frame at hand, for which no connection then waits. Raises VendorError, Superseded."""
        if self._next is not None or self.is_over:
            return
        with ThreadPoolExecutor(1) as pool:
            pulling = pool.submit(self._pull)
            while not wait([pulling], KEEP_SECONDS).done:
                self.keep()
        self._next = pulling.result()

    def play(self) -> Iterator[tuple[bytes, float]]:
        """From here on: each frame, and the seconds that are left until the next one is due. Raises Superseded."""
        began, began_ms = time.monotonic(), self.at_ms
        while (frame := self._next) is not None:
            self._tell(len(frame))
            self._next = None
            due = began + (self.at_ms - began_ms) / 1000
            yield frame, max(0.0, due - time.monotonic()) if self._in_real_time else 0.0
            self._next = self._pull()
        self.at_ms = max(self.at_ms, self._sound.duration_ms)
        self._over_at = time.monotonic()

    def keep(self) -> None:
        """Says that the work goes on. Raises Superseded."""
        self.progress.sending(max(self.progress.sent_ms, self._begins_ms + self._told_ms))

    def close(self) -> None:
        """Ends whatever reads and decodes the audio."""
        frames, self._frames = self._frames, None
        if isinstance(frames, Generator):
            frames.close()

    def _pull(self) -> bytes | None:
        if self._frames is None:
            self._frames = self._sound.frames(self.at_ms)
        try:
            return next(self._frames, None)
        except VendorError:
            self._frames = None  # it would seem to be at its end now
            raise

    def _tell(self, size: int) -> None:
        """Counts a frame as sent, and tells so a second ahead."""
        self._over_at = time.monotonic()
        self.at_ms += size * 1000 // self._sound.speech.bytes_per_second
        if self.at_ms > self._told_ms:
            ahead = min(self.at_ms + GROUP_MS - 100, self._sound.duration_ms)
            self._told_ms = max(self.at_ms, ahead)
            self.keep()


class Listener:
    """Takes what the other side says, so that it can go on saying it; on an ambient stream nothing of it counts."""

    has_ended = False

    def __init__(self, line: WebSocket) -> None:
        self._line = line
        self._left = MOST_MESSAGES

    def listen(self, seconds: float) -> bool:
        """For so long, or until the end is told. Returns whether anything was said. Raises VendorError."""
        until, left = time.monotonic() + seconds, self._left
        for _ in range(MOST_AT_ONCE):
            message = self._line.receive(until - time.monotonic())
            if message is None:
                break
            self._left -= 1
            self.take(message)
            if self.has_ended:
                break
        if self._left <= 0:
            raise _too_much()
        return self._left < left

    def take(self, message: str | bytes) -> None:
        """One message."""


class Ear(Listener):
    """Takes what a dictation is understood as: each final, and of what may still change the latest now and then."""

    def __init__(self, line: WebSocket, progress: Progress) -> None:
        super().__init__(line)
        self._progress = progress
        self._partial = ""
        self._tell_at = 0.0
        self._room = MOST_CHARACTERS

    def listen(self, seconds: float) -> bool:
        said = super().listen(seconds)
        if self._partial and time.monotonic() >= self._tell_at:
            self._progress.heard(self._partial, is_final=False)
            self._partial, self._tell_at = "", time.monotonic() + PARTIAL_SECONDS
        return said

    def take(self, message: str | bytes) -> None:
        # One that cannot be read is no reason to lose the others.
        with suppress(Unreadable):
            heard = frames.read_heard(message)
            if heard is None:
                self.has_ended = True
            elif not heard.is_final:
                self._partial = heard.text
            elif heard.text.strip():
                self._hear(heard.text)

    def _hear(self, final: str) -> None:
        self._room -= len(final)
        if self._room < 0:
            raise _too_much()
        self._partial = ""
        self._progress.heard(final, is_final=True)


def stream(tape: Tape, open_line: Callable[[], WebSocket], patience: Patience, started_at: datetime) -> None:
    """An ambient session's audio, to its end, over as many connections as it takes. Raises VendorError, Superseded."""

    def talk(line: WebSocket) -> None:
        if not tape.at_ms:
            line.send(frames.start_time(started_at))
        _play(tape, line, frames.stream_audio, Listener(line))
        line.send(frames.END_OF_STREAM)
        tape.progress.heard_out(tape.ends_ms)

    if tape.is_over and not tape.is_heard_out:  # whoever sent the last of it never said so
        tape.progress.broke()
    _persist(tape, open_line, talk, patience, lambda: tape.is_over)


def dictate(tape: Tape, open_line: Callable[[], WebSocket], patience: Patience) -> None:
    """One audio of a dictation, to its end; what is heard is told to its progress. Raises VendorError, Superseded.

    One that breaks off after its last frame is opened again, to hear what is left to be said.
    """

    def talk(line: WebSocket) -> None:
        ear = Ear(line, tape.progress)
        _play(tape, line, frames.dictation_audio, ear)
        line.send(frames.END_OF_DICTATION)
        if not _hear_out(tape, ear, patience):
            tape.progress.broke()
        tape.progress.heard_out(tape.ends_ms)

    _persist(tape, open_line, talk, patience, lambda: tape.is_heard_out)


def _play(tape: Tape, line: WebSocket, frame_of: Callable[[bytes], str], listener: Listener) -> None:
    for pcm, seconds in tape.play():
        line.send(frame_of(pcm))
        listener.listen(seconds)
        if listener.has_ended and not tape.is_over:
            message = "Suki ended the session's stream before all audio was sent."
            raise VendorError(message, permanent=False, code="stream_ended")


def _hear_out(tape: Tape, ear: Ear, patience: Patience) -> bool:
    """Whether the end is told before patience is at its own."""
    quiet_from = time.monotonic()
    while not ear.has_ended and time.monotonic() - quiet_from < patience.quiet_seconds:
        if tape.over_seconds > patience.end_seconds:
            break
        if ear.listen(min(5.0, patience.quiet_seconds)):
            quiet_from = time.monotonic()
        tape.keep()
    return ear.has_ended


def _persist(
    tape: Tape,
    open_line: Callable[[], WebSocket],
    talk: Callable[[WebSocket], None],
    patience: Patience,
    is_done: Callable[[], bool],
) -> None:
    """Opens a connection and talks, and again while that breaks, until it is done or patience is."""
    tries = 0
    while not is_done():
        from_ms = tape.at_ms
        try:
            tape.wind()
            if tape.at_ms:
                tape.progress.broke()
            with open_line() as line:
                talk(line)
        except VendorError as error:
            tries = 1 if tape.at_ms - from_ms >= HEADWAY_MS else tries + 1
            if is_done():
                tape.progress.broke()
                return
            if error.permanent:
                raise
            is_late = tape.over_seconds > patience.end_seconds or (error.retry_after or 0) > patience.longest_seconds
            if is_late or tries >= patience.tries:
                if tape.is_over:
                    return  # nothing is left to be sent: the session's end tells what could not be heard any more
                raise
            _rest(patience.pause(tries), tape)


def _rest(seconds: float, tape: Tape) -> None:
    tape.keep()
    time.sleep(seconds)


def _too_much() -> VendorError:
    message = "Suki says more on one stream than can be meant. Tell the operator, who can ask Suki."
    return VendorError(message, permanent=True, code="stream_flooded")
