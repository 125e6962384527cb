"""What processes cost in CPU and memory, each with all that it has started, and what the database waits for."""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import psycopg

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
SERVERS = {"postgres": "postgres", "valkey-server": "valkey", "redis-server": "valkey"}
NOT_OURS = ("others", "idle")
SAMPLES_A_SECOND = 5
WAITS = """
SELECT coalesce(wait_event_type || ':' || wait_event, 'on a core') FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND state = 'active' AND pid <> pg_backend_pid()
"""


class Stat(NamedTuple):
    """`cpu`: seconds, those of children that have ended included; `memory`: resident bytes."""

    name: str
    parent: int
    cpu: float
    memory: int


def every() -> dict[int, Stat]:
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, rest = path.read_text().partition("(")[2].rpartition(")")
        except OSError:  # it has ended
            continue
        fields = rest.split()
        cpu = sum(int(ticks) for ticks in fields[11:15]) / TICKS
        found[int(path.parent.name)] = Stat(name, int(fields[1]), cpu, int(fields[21]) * PAGE)
    return found


def tree(stats: Mapping[int, Stat], root: int) -> Iterator[Stat]:
    if root in stats:
        yield stats[root]
    for pid, stat in stats.items():
        if stat.parent == root:
            yield from tree(stats, pid)


def memory(pid: int) -> int:
    """Resident bytes of a process and its children; what they share counts for each."""
    return sum(stat.memory for stat in tree(every(), pid))


def servers() -> dict[str, int]:
    """The database and the broker, where config.installation started them beside us."""
    beside = {pid: stat for pid, stat in every().items() if stat.parent == os.getppid()}
    return {SERVERS[stat.name]: pid for pid, stat in beside.items() if stat.name in SERVERS}


@dataclass
class Usage:
    """CPU seconds by process, and what the database's busy connections were seen waiting for."""

    cpu: dict[str, float] = field(default_factory=dict)
    waits: Counter[str] = field(default_factory=Counter)

    @property
    def ours(self) -> float:
        """CPU seconds of all that takes part."""
        return sum(seconds for name, seconds in self.cpu.items() if name not in NOT_OURS)

    def add(self, other: Usage) -> None:
        for name, seconds in other.cpu.items():
            self.cpu[name] = self.cpu.get(name, 0.0) + seconds
        self.waits.update(other.waits)


def spent(pids: Mapping[str, int]) -> dict[str, float]:
    """CPU seconds so far: of the named processes, of the clients (this process and its children), of all others."""
    stats = every()
    ours = {name: sum(stat.cpu for stat in tree(stats, pid)) for name, pid in pids.items()}
    ours["clients"] = sum(os.times()[:4])
    user, nice, system, idle, waiting, *rest = (
        int(ticks) / TICKS for ticks in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
    )
    busy = user + nice + system + sum(rest)
    return ours | {"others": busy - sum(ours.values()), "idle": idle + waiting}


@contextmanager
def watched(pids: Mapping[str, int], database: str) -> Iterator[Usage]:
    """Sees what the named processes, the servers, the clients (this process and pgbench) and all others use.

    What others left to be written to the disk is written before: it would make this one wait.
    """
    os.sync()
    usage, over = Usage(), threading.Event()
    pids = {**servers(), **pids}
    with psycopg.connect(database, autocommit=True) as connection:
        sampler = threading.Thread(target=_sample, args=[connection, usage.waits, over])
        before = spent(pids)
        sampler.start()
        try:
            yield usage
        finally:
            over.set()
            sampler.join()
        usage.cpu = {name: round(after - before[name], 2) for name, after in spent(pids).items()}


def _sample(connection: psycopg.Connection[tuple[str]], waits: Counter[str], over: threading.Event) -> None:
    while not over.wait(1 / SAMPLES_A_SECOND):
        waits.update(row[0] for row in connection.execute(WAITS))
