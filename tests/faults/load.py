"""Senders of callbacks that go on through every trouble, and remember what they were answered."""

from __future__ import annotations

import http.client
import threading
import time
from collections import deque
from collections.abc import Iterable
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from tests.faults.letters import Letter

CLIENTS, PAUSE = 12, 0.08
PATIENCE = 90.0


class Sender:
    """One client, on a connection that it keeps."""

    def __init__(self, door: str) -> None:
        self.host = urlsplit(door).netloc
        self.connection: http.client.HTTPConnection | None = None

    def send(self, letter: Letter) -> int | None:
        try:
            self.connection = self.connection or http.client.HTTPConnection(self.host, timeout=20)
            self.connection.request("POST", letter.path, letter.body, letter.headers())
            response = self.connection.getresponse()
            response.read()
        except (OSError, http.client.HTTPException):
            self.close()
            return None
        return response.status

    def close(self) -> None:
        if self.connection:
            self.connection.close()
        self.connection = None


class Load:
    """Delivers letters with some clients at once, `with Load(...)`: goes on until each was answered 200.

    Every seventh is sent twice, as vendors do.
    """

    def __init__(self, door: str, written: Iterable[Letter], clients: int = CLIENTS) -> None:
        self.door, self.written = door, list(written)
        self.waiting = deque([*self.written, *self.written[::7]])
        self.threads = [threading.Thread(target=self.deliver, daemon=True) for _ in range(clients)]
        self.ends = time.monotonic() + PATIENCE

    def __enter__(self) -> Self:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind:
            self.waiting.clear()
        for thread in self.threads:
            thread.join()

    def reach(self, share: float) -> None:
        """Returns when such a share of the letters was sent."""
        while sum(bool(letter.said) for letter in self.written) < share * len(self.written):
            assert time.monotonic() < self.ends, "nobody sends any more"
            time.sleep(0.02)

    def deliver(self) -> None:
        sender = Sender(self.door)
        while letter := self.next():
            letter.said.append(status := sender.send(letter))
            if status != 200 and letter.repeated and time.monotonic() < self.ends:
                self.waiting.append(letter)
                time.sleep(0.5)
            time.sleep(PAUSE)
        sender.close()

    def next(self) -> Letter | None:
        try:
            return self.waiting.popleft()
        except IndexError:
            return None
