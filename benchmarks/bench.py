"""What is measured beside each other: the processes that run meanwhile, and how each is asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks import bodies, ceiling, place, submissions
from benchmarks.rounds import Measure, Posting
from config.supervisor import Process

KEPT = "SELECT submission_id FROM ingest_callback"
KEPT_PLAINLY = "SELECT client_request_id FROM plain_answer"
#: Bytes and clients of the figures that are compared with the goals.
USUAL = (54_000, 32)
DOOR = ("door",)
BEHIND = ("processor", "sweeper", "beat")


@dataclass
class Bench:
    """`processes`: the service's own, of which only some run; `pids`: those that do."""

    door: Posting
    plain: Posting
    pids: dict[str, int]
    processes: dict[str, Process]
    where: Path

    def ways(self) -> Mapping[str, Measure]:
        return {"pgbench": ceiling.measure, "plain": self.plain, "door": self.door}

    def named(self, *prefixes: str) -> list[Process]:
        return [process for name, process in self.processes.items() if name.startswith(prefixes)]

    @contextmanager
    def running(self, *prefixes: str) -> Iterator[dict[str, int]]:
        """Also these processes, with no bell waiting for them; gives the pids of all."""
        place.empty_broker()
        with place.running(self.where / prefixes[0], *self.named(*prefixes)) as pids:
            yield self.pids | pids


@contextmanager
def bench(name: str, sizes: Sequence[int], count: int, plain_workers: int) -> Iterator[Bench]:
    """A database of this name with `count` waiting submissions, and the plain view on it. The door is yet to be run."""
    made = {size: bodies.callback(size) for size in {*sizes, USUAL[0]}}
    where = place.folder()
    with ExitStack() as stack:
        database = stack.enter_context(place.own_database(name))
        submissions.prepare(count)
        ceiling.prepare(made)
        processes, url = place.service(database, where / "service")
        pids, plain_url = stack.enter_context(place.plain(where / "plain", plain_workers))
        pool = list(submissions.addressed(count))
        ticketed = f"/callbacks/nabla/{submissions.TICKET.decode()}"
        door = Posting(url, ticketed, made, KEPT, "TRUNCATE ingest_callback", pool)
        forget = "TRUNCATE plain_answer CASCADE"
        plain = replace(door, url=plain_url, path="/callbacks/nabla", names=KEPT_PLAINLY, forget=forget)
        yield Bench(door, plain, pids, processes, where)
