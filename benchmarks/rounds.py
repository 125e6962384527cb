"""Ways of taking callbacks, measured in rounds side by side, for machines are noisy."""

from __future__ import annotations

import os
import statistics
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.load import Answer, Round, Source, drive, milliseconds
from benchmarks.processes import Usage, watched
from benchmarks.submissions import execute, post, proof

Measure = Callable[[int, int, float], tuple[Round, dict[str, int]]]


@dataclass
class Point:
    """All rounds of one way, size of body and number of clients."""

    way: str
    size: int
    clients: int
    rates: list[float] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    proof: Counter[str] = field(default_factory=Counter)
    usage: Usage = field(default_factory=Usage)

    def add(self, result: Round, found: Mapping[str, int], usage: Usage) -> None:
        self.rates.append(result.rate if result.begun else len(result.answers) / result.seconds)
        self.answers += result.good
        self.statuses.update(result.statuses)
        self.proof.update(found)
        self.usage.add(usage)

    @property
    def rate(self) -> float:
        return statistics.median(self.rates)

    def times(self, other: Point) -> float:
        """How many times as many as the other, the median of the rounds' own ratios."""
        pairs = zip(self.rates, other.rates, strict=True)
        return statistics.median(ours / theirs if theirs else float("nan") for ours, theirs in pairs)

    def row(self) -> dict[str, Any]:
        took = [answer.took for answer in self.answers]
        return {
            "way": self.way,
            "bytes": self.size,
            "clients": self.clients,
            "per_second": round(self.rate, 1),
            "rates": [round(rate, 1) for rate in self.rates],
            "answers": len(took),
            **{f"p{percent}_ms": round(milliseconds(took, percent), 2) for percent in (50, 99, 99.9)},
            "statuses": dict(self.statuses),
            "cpu_ms": round(1000 * self.usage.ours / max(1, len(took)), 3),
            "cpu_seconds": {name: round(seconds, 2) for name, seconds in self.usage.cpu.items()},
            "waits": dict(self.usage.waits.most_common()),
            "proof": dict(self.proof),
        }


@dataclass
class Posting:
    """Callbacks posted to a URL; `names`: a query for the client_request_ids kept there, `forget` removes them."""

    url: str
    path: str
    bodies: Mapping[int, bytes]
    names: str
    forget: str
    pool: Sequence[tuple[bytes, bytes]]

    def source(self, size: int) -> Source:
        """Every submission's callback, once."""
        return post(self.url, self.path, self.bodies[size]).source(iter(self.pool))

    def __call__(
        self, size: int, clients: int, seconds: float, rate: float | None = None
    ) -> tuple[Round, dict[str, int]]:
        result = drive(self.url, self.source(size), clients=clients, seconds=seconds, rate=rate)
        found = proof([result], self.names)
        execute(self.forget)
        return result, found


def interleaved(
    ways: Mapping[str, Measure], pids: Mapping[str, int], where: Sequence[tuple[int, int]], rounds: int, seconds: float
) -> Iterator[Point]:
    """Every way at every (size, clients), once a round; each round begins with another way. Gives them as they grow."""
    points = {(way, *at): Point(way, *at) for at in where for way in ways}
    order = list(ways)
    for number in range(rounds):
        for at in where:
            for way in order[number % len(order) :] + order[: number % len(order)]:
                point = points[way, *at]
                measure_into(point, ways[way], pids, seconds)
                yield point


def measure_into(point: Point, measure: Measure, pids: Mapping[str, int], seconds: float) -> None:
    with watched(pids, os.environ["DATABASE_URL"]) as usage:
        result, found = measure(point.size, point.clients, seconds)
    point.add(result, found, usage)
