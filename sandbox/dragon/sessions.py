"""The sessions with all that was done to them: the ledger of this vendor."""

import threading
from collections import deque
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from sandbox.dragon.recordings import Recording, Streamed, Uploaded
from sandbox.kept import Kept
from sandbox.ledger import now

PARTNER, WEBSOCKET, GRPC = "partner", "websocket", "grpc"
SHOWN = 500
OFFENCES_KEPT = 100
Kind = TypeVar("Kind", Uploaded, Streamed)


@dataclass(eq=False)
class Session:
    """`created_by`: partner, websocket, grpc, or the AAS call that needed none before. `user`: the clinician."""

    id: str
    customer_id: str
    created_by: str
    user: str = ""
    locale: str = "en-US"
    data: str | None = None
    ended: bool = False
    processed: bool = False
    error: str | None = None
    created: str = field(default_factory=now)
    recordings: dict[int | str, Recording] = field(default_factory=dict)
    offences: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    deliveries: list[dict[str, Any]] = field(default_factory=list)
    requests: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=SHOWN))
    lock: threading.RLock = field(default_factory=threading.RLock)

    def offend(self, what: str) -> None:
        with self.lock:
            if len(self.offences) < OFFENCES_KEPT:
                self.offences.append(what)

    def recording(self, kind: type[Kind], identifier: Any) -> Kind:
        """The recording of that id, a new one where there is none: numbers are uploaded, UUIDs streamed."""
        with self.lock:
            if identifier not in self.recordings:
                self.recordings[identifier] = kind(identifier)
            return cast("Kind", self.recordings[identifier])

    @property
    def is_whole(self) -> bool:
        """Whether it has a recording, and all of them are complete."""
        return bool(self.recordings) and all(one.complete for one in self.recordings.values())

    def complete_ones(self) -> list[Recording]:
        with self.lock:
            return [one for one in self.recordings.values() if one.complete]

    def claim_processing(self) -> bool:
        """Once, whoever asks for it and how often."""
        with self.lock:
            first, self.processed = not self.processed, True
            return first

    def shown(self) -> dict[str, Any]:
        with self.lock:
            names = ("customer_id", "created_by", "user", "locale", "data", "created", "ended", "processed", "error")
            return {
                "correlation_id": self.id,
                **{name: getattr(self, name) for name in names},
                "recordings": [one.shown() for one in self.recordings.values()],
                "offences": list(self.offences),
                "faults": list(self.faults),
                "deliveries": list(self.deliveries),
                "requests": list(self.requests),
            }


class Sessions(Kept[Session]):
    """By their correlation ids."""
