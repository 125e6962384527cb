"""The sessions, ambient and dictated, with all that was done to them: the ledger of this vendor."""

import threading
import time
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.kept import Kept
from sandbox.ledger import now
from sandbox.sockets import Socket
from sandbox.suki.clock import rfc3339
from sandbox.suki.contract import AUDIO_CONFIG
from sandbox.suki.hearing import Speech
from sandbox.suki.spool import SAMPLE_BYTES, Spool

AMBIENT, DICTATION = "ambient", "dictation"
READY, IDLE, RUNNING = "ready", "idle", "running"
COMPLETED, SKIPPED, ABORTED, FAILED = "completed", "skipped", "aborted", "failed"
OVER = (COMPLETED, SKIPPED, ABORTED, FAILED)
AUDIO_LIMIT = 1024 * 1024 * 1024
REQUESTS_SHOWN = 500
OFFENCES_KEPT = 100
FRAMES_REMEMBERED = 600
HANDSHAKE_SECONDS = 5
CONTAINERS = (b"RIFF", b"fLaC", b"OggS", b"ID3", b"\x1aE\xdf\xa3")


@dataclass(eq=False)
class Line:
    """One WebSocket of a session, from its handshake to its end."""

    socket: Socket
    subprotocol: str | None
    opened: str = field(default_factory=now)
    closed: str | None = None
    ended_by: str | None = None
    close_code: int | None = None
    frames: Counter[str] = field(default_factory=Counter)
    audio_bytes: int = 0
    faults: list[str] = field(default_factory=list)

    def shown(self) -> dict[str, Any]:
        shown = {name: value for name, value in vars(self).items() if name != "socket"}
        return shown | {"frames": dict(self.frames), "faults": list(self.faults)}


@dataclass(eq=False)
class Session:
    """`created` and `started` (the START_TIME) are Unix seconds, by the vendor's clock and the client's.

    `finals` of a dictation are those that were sent to whoever listened.
    """

    id: str
    kind: str
    provider: str | None
    created: float
    origin: str
    state: str = READY
    encounter_id: str | None = None
    config: dict[str, Any] = field(default_factory=lambda: dict(AUDIO_CONFIG))
    context: dict[str, Any] = field(default_factory=dict)
    chunks: int = 1
    started: float | None = None
    ended: bool = False
    spool: Spool | None = None
    speech: Speech | None = None
    finals: list[str] = field(default_factory=list)
    error: str | None = None
    lines: list[Line] = field(default_factory=list)
    offences: Counter[str] = field(default_factory=Counter)
    requests: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=REQUESTS_SHOWN))
    webhooks: list[dict[str, Any]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    audio_frames: int = 0
    repeated_frames: int = 0
    busy_until: float = 0.0
    lock: threading.RLock = field(default_factory=threading.RLock)
    _recent: deque[int] = field(default_factory=lambda: deque(maxlen=FRAMES_REMEMBERED))

    @property
    def duration_ms(self) -> int:
        return self.spool.duration_ms if self.spool else 0

    @property
    def is_over(self) -> bool:
        return self.state in OVER

    def offend(self, what: str) -> None:
        with self.lock:
            is_known = what in self.offences or len(self.offences) < OFFENCES_KEPT
            self.offences[what if is_known else "more"] += 1

    def count(self, line: Line, kind: str) -> None:
        with self.lock:
            line.frames[kind] += 1

    def hear(self, line: Line, samples: bytes) -> None:
        """Keeps the samples of one frame, and notes what is wrong with them."""
        with self.lock:
            self.spool = self.spool or Spool(self.config["sample_rate_hertz"])
            for offence in self.wrong_with(samples):
                self.offend(offence)
            self.repeated_frames += any(samples) and hash(samples) in self._recent
            self._recent.append(hash(samples))
            self.audio_frames += 1
            line.audio_bytes += len(samples)
            self.spool.add(samples[: AUDIO_LIMIT - self.spool.size])

    def wrong_with(self, samples: bytes) -> list[str]:
        """The offences of a frame; the first may be the beginning of a file instead of samples."""
        found = {
            "container_header": not self.audio_frames and samples.startswith(CONTAINERS),
            "odd_bytes": len(samples) % SAMPLE_BYTES != 0,
            "empty_frame": not samples,
            "long_frame": len(samples) > self.config["sample_rate_hertz"] * SAMPLE_BYTES // 10,
            "over_the_limit": self.spool is not None and self.spool.size + len(samples) > AUDIO_LIMIT,
        }
        return [name for name, is_wrong in found.items() if is_wrong]

    def send_away(self) -> None:
        """Whoever still talks is hung up on."""
        for line in list(self.lines):
            if line.closed is None:
                line.socket.send_away()

    def accepts(self) -> bool:
        """Whether a dictation's socket may be opened now; one that broke off keeps it busy a little longer."""
        with self.lock:
            if self.state == RUNNING and self.busy_until and time.monotonic() >= self.busy_until:
                self.state = IDLE
            return self.state in (READY, IDLE)

    def claim(self) -> bool:
        """Takes a dictation for one socket, if it accepts any; a handshake that comes to nothing soon frees it."""
        with self.lock:
            if not self.accepts():
                return False
            self.state, self.busy_until = RUNNING, time.monotonic() + HANDSHAKE_SECONDS
            return True

    def shown(self) -> dict[str, Any]:
        with self.lock:
            self.accepts()
            names = ("id", "kind", "provider", "state", "encounter_id", "config", "context", "chunks", "ended", "error")
            frames = sum((line.frames for line in self.lines), Counter[str]())
            return {
                **{name: getattr(self, name) for name in names},
                "created": rfc3339(self.created),
                "started": rfc3339(self.started) if self.started is not None else None,
                **self.shown_audio(),
                "frames": dict(frames),
                "sockets": [line.shown() for line in self.lines],
                "offences": dict(self.offences),
                "requests": list(self.requests),
                "webhooks": list(self.webhooks),
                "faults": list(self.faults),
            }

    def shown_audio(self) -> Mapping[str, Any]:
        return {
            "audio_frames": self.audio_frames,
            "repeated_frames": self.repeated_frames,
            "audio_bytes": self.spool.size if self.spool else 0,
            "sha256": self.spool.sha256 if self.spool else None,
            "duration_ms": self.duration_ms,
        }


class Sessions(Kept[Session]):
    """By their ids."""

    def clear(self) -> None:
        for session in self.all():
            session.send_away()
        super().clear()
