"""Clients that ask over HTTP, one request in flight on a connection each, and what they see.

One thread drives all of them through epoll. Requests are built before the clock runs and only ids are patched into
them, because the clients share the machine with what they measure.
"""

from __future__ import annotations

import itertools
import math
import re
import select
import socket
import statistics
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import urlsplit

LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
CLOSES = re.compile(rb"connection: *close", re.IGNORECASE)
GOOD = (200, 204)
BUFFER = 1 << 20
#: How long an answer to what was sent is waited for once the time is over.
PATIENCE = 30.0

#: The next request of a client, by its number, and what it is known by afterwards; None: there are no more.
Source = Callable[[int], "tuple[bytes | bytearray, bytes] | None"]


class Answer(NamedTuple):
    """`took`: seconds since it was sent, or should have been; `at`: when it came, on the clock of time.time."""

    key: bytes
    status: int
    took: float
    at: float


@dataclass
class Round:
    """What came of `seconds` of asking; answers that came later are there too. `unanswered`: keys sent in vain."""

    seconds: float
    begun: float = 0.0
    answers: list[Answer] = field(default_factory=list)
    unanswered: list[bytes] = field(default_factory=list)

    @property
    def good(self) -> list[Answer]:
        return [answer for answer in self.answers if answer.status in GOOD]

    @property
    def took(self) -> list[float]:
        return [answer.took for answer in self.good]

    @property
    def rate(self) -> float:
        """Requests a second that were answered well in time."""
        return self.rate_of(*GOOD)

    def rate_of(self, *statuses: int) -> float:
        end = self.begun + self.seconds
        return sum(answer.status in statuses and answer.at <= end for answer in self.answers) / self.seconds

    @property
    def statuses(self) -> dict[str, int]:
        found = Counter(str(answer.status) for answer in self.answers)
        return dict(found) | ({"none": len(self.unanswered)} if self.unanswered else {})


def milliseconds(took: Sequence[float], percent: float) -> float:
    """That percentile of some seconds, in milliseconds."""
    if len(took) < 2:
        return took[0] * 1000 if took else math.nan
    return statistics.quantiles(took, n=1000, method="inclusive")[round(percent * 10) - 1] * 1000


class Template:
    """A request of which each client has a copy; `places`: what is replaced in it, by bytes of the same length."""

    def __init__(self, content: bytes, *places: bytes) -> None:
        self.content = content
        self.places = [
            (which, slice(match.start(), match.end()))
            for which, place in enumerate(places)
            for match in re.finditer(re.escape(place), content)
        ]

    def source(self, values: Iterator[Sequence[bytes]]) -> Source:
        """Requests with these values in their places, each known by the last of them."""
        buffers: dict[int, bytearray] = {}

        def build(client: int) -> tuple[bytearray, bytes] | None:
            buffer = buffers.get(client) or buffers.setdefault(client, bytearray(self.content))
            found = next(values, None)
            if found is None:
                return None
            for which, place in self.places:
                buffer[place] = found[which]
            return buffer, found[-1]

        return build


def head(method: str, path: str, url: str, headers: dict[str, str]) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", f"Host: {urlsplit(url).netloc}", *(f"{k}: {v}" for k, v in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


def ask(url: str, paths: Sequence[str], headers: dict[str, str], *, clients: int, seconds: float) -> Round:
    """Every client goes through the paths from a place of its own. Raises RuntimeError unless all is answered well."""
    requests = [head("GET", path, url, headers) for path in paths]
    turns = [itertools.islice(itertools.cycle(requests), n * len(paths) // clients, None) for n in range(clients)]
    result = drive(url, lambda client: (next(turns[client]), b""), clients=clients, seconds=seconds)
    if result.unanswered or len(result.good) < len(result.answers):
        raise RuntimeError(f"answered {result.statuses}")
    return result


def drive(url: str, source: Source, *, clients: int, seconds: float, rate: float | None = None) -> Round:
    """Asks for so long: as fast as the answers come, or `rate` times a second whatever the answers do."""
    address = (str(urlsplit(url).hostname), urlsplit(url).port or 80)
    return _Drive(address, source, clients, rate).run(seconds)


class _Client:
    """`key`: of what is in flight, None when nothing is; `sending`: what of it has yet to leave."""

    connection: socket.socket
    begun: float

    def __init__(self, number: int) -> None:
        self.number = number
        self.received = bytearray()
        self.sending = memoryview(b"")
        self.key: bytes | None = None


class _Drive:
    def __init__(self, address: tuple[str, int], source: Source, clients: int, rate: float | None) -> None:
        self.address, self.source = address, source
        self.pause = 1 / rate if rate else 0.0
        self.epoll = select.epoll()
        self.clients = [_Client(number) for number in range(clients)]
        self.by_file: dict[int, _Client] = {}
        self.idle: deque[_Client] = deque()
        self.in_flight = 0

    def run(self, seconds: float) -> Round:
        for client in self.clients:
            self.connect(client)
        self.due = self.clock = time.perf_counter()
        self.result = Round(seconds, begun=time.time())
        self.until = self.due + seconds
        try:
            self.send_due()
            while self.in_flight or self.wants_more():
                if time.perf_counter() > self.until + PATIENCE:
                    break
                self.turn()
        finally:
            self.close()
        return self.result

    def wants_more(self) -> bool:
        return bool(self.pause) and time.perf_counter() < self.until

    def turn(self) -> None:
        wait = max(0.0, self.due - time.perf_counter()) if self.idle and self.wants_more() else 1.0
        for number, events in self.epoll.poll(wait):
            client = self.by_file.get(number)
            if client is None:
                continue
            if events & select.EPOLLOUT and client.key is not None:
                self.send(client)
            if events & ~select.EPOLLOUT:
                self.receive(client, is_over=bool(events & ~(select.EPOLLOUT | select.EPOLLIN)))
        self.send_due()

    def connect(self, client: _Client) -> None:
        client.connection = socket.create_connection(self.address, timeout=10)
        client.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
        client.connection.setblocking(False)
        client.received.clear()
        client.key = None
        self.by_file[client.connection.fileno()] = client
        # Edges: what is to be waited for need not be said anew for each request.
        self.epoll.register(client.connection, select.EPOLLIN | select.EPOLLOUT | select.EPOLLRDHUP | select.EPOLLET)
        self.idle.append(client)

    def send_due(self) -> None:
        """Gives idle clients the requests whose time has come."""
        while self.idle and (now := time.perf_counter()) < self.until:
            if self.pause and self.due > now:
                return
            client = self.idle.popleft()
            request = self.source(client.number)
            if request is None:
                self.until = now
                self.result.seconds = now - self.clock
                return
            client.begun = self.due if self.pause else now
            self.due += self.pause
            content, client.key = request
            client.sending = memoryview(content)
            self.in_flight += 1
            self.send(client)

    def send(self, client: _Client) -> None:
        try:
            while client.sending:
                client.sending = client.sending[client.connection.send(client.sending) :]
        except BlockingIOError:
            pass
        except OSError:  # it may have been refused before it was whole: the answer may be there still
            client.sending = memoryview(b"")

    def receive(self, client: _Client, is_over: bool) -> None:
        try:
            while data := client.connection.recv(BUFFER):
                client.received += data
                if len(data) < BUFFER:
                    break
        except BlockingIOError:
            return
        except OSError:
            is_over = True
        if client.key is not None and self.take_answer(client, is_over):
            return
        if is_over:
            self.lost(client)

    def take_answer(self, client: _Client, is_over: bool) -> bool:
        """Whether the answer is whole; then the client is free for the next."""
        received = client.received
        end = received.find(b"\r\n\r\n")
        length = LENGTH.search(received, 0, end) if end > 0 else None
        if end < 0 or (length and len(received) < end + 4 + int(length[1])):
            return False
        key, client.key = client.key or b"", None
        now = time.perf_counter()
        self.result.answers.append(Answer(key, int(received[9:12]), now - client.begun, time.time()))
        self.in_flight -= 1
        if is_over or client.sending or CLOSES.search(received, 0, end):
            self.again(client)
        else:
            received.clear()
            self.idle.append(client)
        return True

    def lost(self, client: _Client) -> None:
        if client.key is not None:
            self.result.unanswered.append(client.key)
            self.in_flight -= 1
        elif client in self.idle:
            self.idle.remove(client)
        self.again(client)

    def again(self, client: _Client) -> None:
        del self.by_file[client.connection.fileno()]
        client.connection.close()
        self.connect(client)

    def close(self) -> None:
        for client in self.clients:
            if client.key is not None:
                self.result.unanswered.append(client.key)
            client.connection.close()
        self.epoll.close()
