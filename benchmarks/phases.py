"""What is asked of the door besides its rate: at half of that, refusing, beside processors, and in profile."""

from __future__ import annotations

import os
import pstats
import statistics
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from benchmarks import place, submissions
from benchmarks.bench import BEHIND, DOOR, USUAL, Bench
from benchmarks.load import Round, drive
from benchmarks.rounds import Point, measure_into
from config.embedded import kept_port
from config.installation import ROOT, answers
from config.supervisor import Process

APPLICATION, PROFILED = "config.door:application", "benchmarks.profiled:application"
MOST_FUNCTIONS = 25


def generator(found: Bench, seconds: float) -> dict[str, Any]:
    """What the clients themselves can do and cost, against a server that does nothing."""
    port = kept_port(found.where / "ports" / "trivial")
    command = [sys.executable, "-m", "benchmarks.trivial", str(port)]
    ready = answers(place.HOST, port, "/")
    with place.running(found.where / "trivial", Process("trivial", command, cwd=ROOT, ready=ready)):
        posting = replace(found.door, url=f"http://{place.HOST}:{port}")
        before = sum(os.times()[:2])
        result = drive(posting.url, posting.source(USUAL[0]), clients=USUAL[1], seconds=seconds)
        cost = sum(os.times()[:2]) - before
    place.progress(f"the clients themselves, asking nothing of anybody: {result.rate:.0f}/s")
    return {"per_second": round(result.rate, 1), "cpu_ms_each": round(1000 * cost / max(1, len(result.answers)), 4)}


def paced(found: Bench, rate: float, seconds: float) -> dict[str, Any]:
    """So many callbacks a second, whatever the answers do; latency counts from when each was due."""
    point = Point("door", *USUAL)
    measure_into(point, partial(found.door, rate=rate), found.pids, seconds)
    row = point.row()
    place.progress(f"the door at {rate:.0f}/s: p99 {row['p99_ms']} ms")
    return row | {"name": "half of its rate", "offered": round(rate, 1)}


def refusals(found: Bench, rounds: int, seconds: float) -> dict[str, Any]:
    """Tickets that do not hold, with a body and without one, beside honest callbacks."""
    rates: dict[str, list[float]] = {"accepted": [], "with_body": [], "without_body": []}
    statuses: dict[str, dict[str, int]] = {}
    for _ in range(rounds):
        rates["accepted"].append(found.door(*USUAL, seconds)[0].rate)
        for name, body in (("with_body", found.door.bodies[USUAL[0]]), ("without_body", b"")):
            result = _refused(found, body, seconds)
            rates[name].append(result.rate_of(401, 429))
            statuses[name] = result.statuses
    place.progress(f"a second: {', '.join(f'{name} {statistics.median(of):.0f}' for name, of in rates.items())}")
    return {
        "per_second": {name: round(statistics.median(of), 1) for name, of in rates.items()},
        "of_accepted": {name: _ratio(rates[name], rates["accepted"]) for name in statuses},
        "statuses": statuses,
    }


def _refused(found: Bench, body: bytes, seconds: float) -> Round:
    template = submissions.post(found.door.url, found.door.path, body)
    source = template.source(iter(submissions.forged(found.door.pool)))
    return drive(found.door.url, source, clients=USUAL[1], seconds=seconds)


def _ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    return round(statistics.median(one / other for one, other in zip(ours, theirs, strict=True)), 2)


def beside_processors(found: Bench, seconds: float) -> dict[str, Any]:
    """The door's rate while what it takes is processed on the same cores. Leaves submissions that are answered."""
    point = Point("door", *USUAL)
    with found.running(*BEHIND) as pids:
        measure_into(point, replace(found.door, forget="SELECT"), pids, seconds)
    place.progress(f"the door beside its processors: {point.rate:.0f}/s")
    return point.row() | {"name": "beside processors"}


def profile(found: Bench, seconds: float) -> list[dict[str, Any]]:
    """The functions that the door spends its time in, those first that take most themselves."""
    file = found.where / "profile"
    for old in file.parent.glob("profile.*"):
        old.unlink()
    doors = [
        replace(
            process,
            command=[PROFILED if part == APPLICATION else part for part in process.command],
            env={**process.env, "PROFILE": str(file)},
        )
        for process in found.named(*DOOR)
    ]
    submissions.prepare(len(found.door.pool))
    with place.running(found.where / "profiled", *doors):
        found.door(*USUAL, seconds)
    found_in: Any = pstats.Stats(*(str(path) for path in file.parent.glob("profile.*")))
    busiest = sorted(found_in.stats.items(), key=lambda item: -item[1][2])[:MOST_FUNCTIONS]
    return [
        {"function": _place(*function), "calls": calls, "own_seconds": round(own, 3), "seconds": round(whole, 3)}
        for function, (_, calls, own, whole, _) in busiest
    ]


def _place(path: str, line: int, name: str) -> str:
    """`psycopg/pq.py:12 name`; what is built in has no path."""
    short = path.rpartition("site-packages/")[2].removeprefix(f"{ROOT}/")
    return f"{short}:{line} {name}" if line else name
