"""/ws/stream: the audio of an ambient session."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from websockets.frames import CloseCode

from sandbox.faults import Fault
from sandbox.sockets import Socket
from sandbox.suki import faults as suki_faults
from sandbox.suki.sessions import RUNNING, Line, Session
from sandbox.suki.settings import Settings
from sandbox.suki.talk import Ended, check_still_open, hear, line_of, read_frame, receive, unpack

END_OF_AUDIO = b"EOF"  # RU9G
LONGEST_PAUSE_SECONDS = 30 * 60
NOISES = 10
STARTED, PAUSED, RESUMED, KEPT_ALIVE = "START_TIME", "PAUSE", "RESUME", "KEEP_ALIVE"
GIVEN_UP = ("CANCEL", "ABORT")


@dataclass
class Streaming:
    """One socket. `heard_at` and `paused_at` are monotonic; `give_up` is what a CANCEL or an ABORT calls."""

    session: Session
    settings: Settings
    faults: Mapping[str, Fault]
    subprotocol: str | None
    give_up: Callable[[Session], None]
    heard_at: float = field(default_factory=time.monotonic)
    paused_at: float | None = None

    def talk(self, socket: Socket) -> None:
        """A newer socket of the same session takes over from an older one, which may be dead without knowing."""
        self.session.send_away()
        with line_of(self.session, socket, self.subprotocol, self.faults) as line:
            with self.session.lock:
                check_still_open(self.session)
                self.session.state = RUNNING
            for noise, _ in zip(suki_faults.beside(self.faults.get("frames")), range(NOISES), strict=False):
                socket.send(noise)
            while True:
                self.take(line, read_frame(self.session, line, receive(self.session, socket, self.patience())))

    def patience(self) -> float:
        now = time.monotonic()
        end = self.heard_at + self.settings.quiet_seconds
        if self.paused_at is not None:
            end = min(end, self.paused_at + LONGEST_PAUSE_SECONDS)
        return max(0.0, end - now)

    def take(self, line: Line, frame: Mapping[str, Any]) -> None:
        kind = frame.get("type")
        if kind == "START_TIME":
            self.start(line, frame)
        elif kind == "AUDIO":
            self.take_audio(line, unpack(self.session, frame, "data"))
        elif kind == "EVENT":
            self.take_event(frame.get("event"))

    def start(self, line: Line, frame: Mapping[str, Any]) -> None:
        """Once a session, and the first is what counts: a further socket begins with the audio."""
        if line.frames["START_TIME"] > 1:
            self.session.offend("start_time_repeated")
        elif any(one.frames["START_TIME"] for one in self.session.lines if one is not line):
            self.session.offend("start_time_twice")
        try:
            told = datetime.fromisoformat((unpack(self.session, frame, "data") or b"").decode())
            moment = told.timestamp() if told.tzinfo else None
        except ValueError:
            moment = None
        if moment is None:
            self.session.offend("start_time_unreadable")
        elif self.session.started is None:
            self.session.started = moment

    def take_audio(self, line: Line, samples: bytes | None) -> None:
        if samples == END_OF_AUDIO:
            self.session.count(line, "end")
            raise Ended("end of audio", CloseCode.NORMAL_CLOSURE)
        if samples is None:
            return
        if not any(one.frames["START_TIME"] for one in self.session.lines):
            self.session.offend("audio_before_start_time")
        if self.paused_at is not None:
            self.session.offend("audio_while_paused")
        self.heard_at = time.monotonic()
        hear(self.session, line, samples, self.faults.get("drop"))

    def take_event(self, event: Any) -> None:
        if event in (PAUSED, RESUMED, KEPT_ALIVE):
            self.heard_at = self.heard_at if event == KEPT_ALIVE and self.paused_at is None else time.monotonic()
        if event == PAUSED:
            self.paused_at = time.monotonic()
        elif event == RESUMED:
            self.paused_at = None
        elif event in GIVEN_UP:
            self.give_up(self.session)
            raise Ended(str(event).lower(), CloseCode.NORMAL_CLOSURE)
        elif event != KEPT_ALIVE:
            self.session.offend("unknown_event")
