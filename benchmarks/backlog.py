"""Callbacks that wait to be processed: how many, as time goes by, and what the processors need of memory meanwhile."""

from __future__ import annotations

import os
import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import psycopg

from benchmarks.processes import memory

WAITING = "SELECT count(*) FROM ingest_callback WHERE next_attempt_at IS NOT NULL"
PERIOD = 0.5
#: Seconds without any progress after which nothing more is waited for.
PATIENCE = 60.0


class Moment(NamedTuple):
    """`at`: seconds since the beginning; `memory`: resident bytes."""

    at: float
    waiting: int
    memory: int


class Course:
    def __init__(self, pids: Sequence[int], connection: psycopg.Connection[tuple[int]]) -> None:
        self.pids, self.connection = pids, connection
        self.begun = time.perf_counter()
        self.moments: list[Moment] = []

    def look(self) -> Moment:
        row = self.connection.execute(WAITING).fetchone()
        used = sum(memory(pid) for pid in self.pids)
        self.moments.append(Moment(time.perf_counter() - self.begun, row[0] if row else 0, used))
        return self.moments[-1]

    def until_empty(self) -> bool:
        """Waits; False when the backlog has stopped shrinking."""
        least, since = self.look().waiting, time.perf_counter()
        while least:
            time.sleep(PERIOD)
            waiting = self.look().waiting
            if waiting < least:
                least, since = waiting, time.perf_counter()
            elif time.perf_counter() - since > PATIENCE:
                return False
        return True

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Looks from a thread of its own meanwhile."""
        over = threading.Event()

        def look() -> None:
            while not over.wait(PERIOD):
                self.look()

        thread = threading.Thread(target=look)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def growth(self) -> float:
        """Callbacks a second by which the backlog grew, from the second third of the time to the last."""
        third = self.moments[-1].at / 3
        parts = [[moment.waiting for moment in self.moments if moment.at // third == at] for at in (1, 2)]
        middle, last = (statistics.mean(part or [0]) for part in parts)
        return (last - middle) / third

    def drained(self) -> float:
        """Callbacks a second, from the first that was processed to the last."""
        first = next((one for one in self.moments if one.waiting < self.moments[0].waiting), self.moments[-1])
        last = next((one for one in self.moments if not one.waiting), self.moments[-1])
        return (first.waiting - last.waiting) / max(last.at - first.at, PERIOD)


@contextmanager
def course(pids: Sequence[int]) -> Iterator[Course]:
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        yield Course(pids, connection)
