"""A recording by REST: in chunks, several on their way at once and each tried again by itself, then declared whole.

A chunk has the same number and bytes at every try, so whatever arrived twice is one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from queue import SimpleQueue
from threading import Event

from vendors.base import Progress
from vendors.dragon.content import Content
from vendors.dragon.patience import Patience
from vendors.outbound import Kept, Outbound

#: Known to work. The vendor publishes no limit.
CHUNK_BYTES = 64 * 1024
AT_ONCE = 4
#: How often it is told how far it is, which also says that the work goes on.
TELL_SECONDS = 0.5
KEEP_SECONDS = 10.0

#: Sends one chunk: over a connection, by its number, with its bytes (None for the first), and whether it is the last.
Store = Callable[[Kept, int, bytes | None, bool], object]


class Upload:
    """One recording of a session on its way. `number`: of it; `begins_ms`: audio of the session before it.

    Its place: `recording`, `form` of its content, `chunk_bytes`, which stay as they were begun with, and how many
    `chunks` are confirmed from the first on. `was_stored`: all of them by an earlier try, which may have declared it
    whole too.
    """

    def __init__(
        self, content: Content, progress: Progress, *, number: int, form: int, begins_ms: int, chunk_bytes: int
    ) -> None:
        self.content, self.progress = content, progress
        self.begins_ms = begins_ms
        place = progress.place if progress.place.get("recording") == number else {}
        self.chunk_bytes = place.get("chunk_bytes", chunk_bytes)
        self._confirmed, self._ahead = place.get("chunks", 0), set[int]()
        self._place = {"recording": number, "form": form, "streamed": 0, "chunk_bytes": self.chunk_bytes}
        self.was_stored = self._confirmed == self.total
        self._told_at = time.monotonic()

    @property
    def total(self) -> int:
        """How many chunks it is, the first one included, which holds no audio."""
        return 1 + -(-self.content.size // self.chunk_bytes)

    def left(self) -> Iterator[tuple[int, bytes | None]]:
        """The chunks that are not confirmed: their numbers, from 1, and their bytes."""
        if self._confirmed == 0:
            yield 1, None
        first = max(2, self._confirmed + 1)
        pieces = self.content.pieces((first - 2) * self.chunk_bytes, self.chunk_bytes)
        yield from enumerate(pieces, start=first)

    def confirm(self, number: int) -> None:
        """Told in any order; the place is behind the last one that has all before it. Raises Superseded."""
        self._ahead.add(number)
        while self._confirmed + 1 in self._ahead:
            self._confirmed += 1
            self._ahead.remove(self._confirmed)
        if time.monotonic() - self._told_at >= TELL_SECONDS:
            self.keep()

    def keep(self) -> None:
        """Says how far it is. Raises Superseded."""
        self._told_at = time.monotonic()
        until_ms = self.content.until_ms(max(0, self._confirmed - 1) * self.chunk_bytes)
        self.progress.reached({**self._place, "chunks": self._confirmed}, self.begins_ms + until_ms)


def upload(sent: Upload, outbound: Outbound, store: Store, patience: Patience) -> None:
    """Sends all chunks that are not confirmed. Raises VendorError and Superseded; what was confirmed is told before."""
    sent.keep()  # before the first byte: in this form, whatever comes
    ways, is_over, under_way = SimpleQueue[Kept](), Event(), set[Future[int]]()

    def send(number: int, data: bytes | None) -> int:
        way = ways.get()
        try:
            patience.insist(lambda: store(way, number, data, number == sent.total), is_over.wait)
        finally:
            ways.put(way)
        return number

    with ExitStack() as closing, ThreadPoolExecutor(AT_ONCE) as pool:
        for _ in range(AT_ONCE):
            ways.put(closing.enter_context(outbound.kept()))
        try:
            for number, data in sent.left():
                under_way.add(pool.submit(send, number, data))
                if len(under_way) > AT_ONCE:  # one is read ahead
                    under_way = _settle(sent, under_way)
            while under_way:
                under_way = _settle(sent, under_way)
        finally:
            is_over.set()
            pool.shutdown(cancel_futures=True)
            _count(sent, under_way)
            sent.keep()


def _settle(sent: Upload, under_way: set[Future[int]]) -> set[Future[int]]:
    """Those that are left when at least one has come to its end. Raises what that raised."""
    done, left = wait(under_way, KEEP_SECONDS, FIRST_COMPLETED)
    if not done:
        sent.keep()
    _count(sent, done)
    for one in done:
        one.result()
    return left


def _count(sent: Upload, done: set[Future[int]]) -> None:
    """Those that came to a good end."""
    for one in done:
        if not one.cancelled() and one.exception() is None:
            sent.confirm(one.result())
