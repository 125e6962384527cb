"""What a vendor received and what came of it, in memory and bounded."""

import json
import threading
import zlib
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

KEPT = 10_000


def now() -> str:
    return datetime.now(UTC).isoformat()


@dataclass(eq=False)
class Entry:
    """One request. `state`: refused, working, then delivered (a callback got 2xx), undelivered or lost."""

    body: Any
    headers: dict[str, str]
    client_request_id: str | None = None
    request_id: str | None = None
    state: str = "refused"
    status: int | None = None
    faults: list[str] = field(default_factory=list)
    times: dict[str, str] = field(default_factory=dict)
    download: dict[str, Any] | None = None
    callbacks: list[dict[str, Any]] = field(default_factory=list)
    packed_result: bytes | None = None  # Packed, for ten thousand hour-long transcripts would not fit otherwise.
    error: str | None = None

    def mark(self, moment: str) -> None:
        self.times[moment] = now()

    def keep(self, result: dict[str, Any]) -> None:
        self.packed_result = zlib.compress(json.dumps(result).encode(), 1)

    def result(self) -> dict[str, Any] | None:
        read: dict[str, Any] | None = json.loads(zlib.decompress(self.packed_result)) if self.packed_result else None
        return read

    def shown(self) -> dict[str, Any]:
        shown = dict(vars(self))
        del shown["packed_result"]
        return {**shown, "times": dict(self.times), "callbacks": [dict(one) for one in list(self.callbacks)]}


class Ledger:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: deque[Entry] = deque()
        self._by_id: dict[str, Entry] = {}

    def add(self, entry: Entry) -> None:
        with self._lock:
            self._entries.append(entry)
            if len(self._entries) > KEPT:
                self._forget(self._entries.popleft())

    def accept(self, entry: Entry) -> bool:
        """Files the entry under its ids; False when its client_request_id was accepted before."""
        with self._lock:
            if entry.client_request_id in self._by_id:
                return False
            for key in keys(entry):
                self._by_id[key] = entry
            return True

    def all(self) -> list[Entry]:
        with self._lock:
            return list(self._entries)

    def find(self, identifier: str) -> Entry | None:
        """The accepted request of that client_request_id or request_id, else the last refused one."""
        with self._lock:
            found = self._by_id.get(identifier) or self._by_id.get(identifier.lower())
            refused = (entry for entry in reversed(self._entries) if entry.client_request_id == identifier)
            return found or next(refused, None)

    def holds(self, entry: Entry) -> bool:
        with self._lock:
            return any(self._by_id.get(key) is entry for key in keys(entry))

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()
            self._by_id.clear()

    def _forget(self, entry: Entry) -> None:
        for key in keys(entry):
            if self._by_id.get(key) is entry:
                del self._by_id[key]


def keys(entry: Entry) -> list[str]:
    """Under its own request_id (which is compared without case) and, when it has one, its client_request_id."""
    found = [entry.request_id.lower()] if entry.request_id else []
    return [*found, entry.client_request_id] if entry.client_request_id else found
