"""How fast callbacks become transcripts and notes: `scripts/bench processing [--json]`.

First a backlog, written by SQL, drains through the real processors while the door idles. Then callbacks come in at the
door at a given rate, and that rate is sought at which the backlog just does not grow. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks import submissions
from benchmarks.backlog import Course, course
from benchmarks.bench import BEHIND, DOOR, USUAL, Bench, bench
from benchmarks.load import Round, milliseconds
from benchmarks.place import progress
from benchmarks.processes import Usage, watched
from benchmarks.report import cpu_row, machine, neighbours, shares, table
from benchmarks.rounds import Point, measure_into
from config.installation import one_line

PROCESSED = (
    "SELECT submission_id::text, extract(epoch FROM processed_at) FROM ingest_callback WHERE processed_at IS NOT NULL"
)
STATES = "SELECT state, count(*) FROM ingest_callback GROUP BY state ORDER BY state"
BECAME = """
SELECT (SELECT count(*) FROM ingest_asyncrequest WHERE state = 'ready'), (SELECT count(*) FROM notes_note),
    (SELECT count(*) FROM notes_transcript)
"""
UNINDEXED = """
SELECT (SELECT count(*) FROM notes_note WHERE search IS NULL)
    + (SELECT count(*) FROM notes_transcript WHERE search IS NULL)
"""
#: The backlog grows when it does so by more than this part of what comes in.
NOISE = 0.05
WARMING_SECONDS = 3.0
DRAINED = {
    "": "name",
    "bytes": "bytes",
    "callbacks": "count",
    "processed/s": "per_second",
    "p. MB at start": "memory_start",
    "at most": "memory_most",
    "at the end": "memory_end",
    "indexed after, s": "indexed_after",
}
STEPS = {
    "offered/s": "offered",
    "accepted/s": "accepted",
    "backlog grew by, /s": "growth",
    "kept up": "kept_up",
    "200 to note, p50 ms": "p50_ms",
    "p99 ms": "p99_ms",
    "p99.9 ms": "p99.9_ms",
    "door's p99 ms": "door_p99_ms",
}


def run(options: argparse.Namespace) -> dict[str, Any]:
    with bench("benchmark_processing", options.sizes, options.pool, options.plain_workers) as found:
        plain = plainly(found, options.rounds)
        with found.running(*DOOR) as pids:
            found.pids = pids
            drains = [drain(found, size, options.backlog) for size in options.sizes]
            highest = max(one["per_second"] for one in drains if one["bytes"] == options.sizes[0])
            steps = sustained(found, highest, options)
            result = {"machine": machine(), "plain": plain, "drains": drains, "steps": steps, "became": became()}
    return result | {"goals": goals(result)}


def plainly(found: Bench, rounds: int) -> dict[str, Any]:
    """What the plain view takes and processes, at once."""
    point = Point("plain", *USUAL)
    for _ in range(rounds):
        measure_into(point, found.plain, found.pids, 3.0)
    progress(f"the plain view: {point.rate:.0f}/s")
    return {"name": "plain DRF view"} | point.row()


def drain(found: Bench, size: int, count: int) -> dict[str, Any]:
    """So many callbacks wait; the processors are started, and the bell rung."""
    from ingest import tasks

    submissions.prepare(count, found.door.bodies[size])
    progress(f"{count} callbacks of {size} bytes wait")
    with found.running(*BEHIND) as pids, _watched(pids) as (passed, usage):
        passed.look()
        tasks.ring_callbacks()
        done = passed.until_empty()
        indexed = until_indexed()
    progress(f"processed {passed.drained():.0f}/s" if done else "the backlog does not drain")
    return drained(passed, usage, size, count) | {"indexed_after": indexed}


def until_indexed(patience: float = 600) -> float:
    """Seconds until all that was brought can be found by its words."""
    begun = time.monotonic()
    while submissions.execute(UNINDEXED) != [(0,)] and time.monotonic() - begun < patience:
        time.sleep(0.2)
    return round(time.monotonic() - begun, 1)


@contextmanager
def _watched(pids: Mapping[str, int]) -> Iterator[tuple[Course, Usage]]:
    processors = [pid for name, pid in pids.items() if name.startswith("processor")]
    with course(processors) as passed, watched(pids, os.environ["DATABASE_URL"]) as usage:
        yield passed, usage


def drained(passed: Course, usage: Usage, size: int, count: int) -> dict[str, Any]:
    memory = [moment.memory / 1e6 for moment in passed.moments]
    return {
        "name": "a backlog drains",
        "bytes": size,
        "count": count,
        "per_second": round(passed.drained(), 1),
        "memory_start": round(memory[0]),
        "memory_most": round(max(memory)),
        "memory_end": round(memory[-1]),
        "cpu_seconds": usage.cpu,
        "waits": dict(usage.waits.most_common()),
        "became": became(),
        "course": [(round(one.at, 2), one.waiting, one.memory) for one in passed.moments],
    }


def became() -> dict[str, int]:
    """How many callbacks ended in which state, and what there is of them."""
    (row,) = submissions.execute(BECAME)
    return dict(submissions.execute(STATES)) | dict(zip(("ready", "notes", "transcripts"), row, strict=True))


def sustained(found: Bench, highest: float, options: argparse.Namespace) -> list[dict[str, Any]]:
    """The steps of a search between nothing and a rate that is too high; each with submissions of its own.

    None begins on tables that PostgreSQL takes for empty, which are so in a service's first minute alone, nor with
    another's index still to be made.
    """
    submissions.prepare(options.pool)
    low, high, steps = 0.0, 1.2 * highest, []
    with found.running(*BEHIND) as pids:
        found = replace(found, pids=pids)
        used = one_rate(found, highest / 4, 0, WARMING_SECONDS)["sent"]
        submissions.execute("VACUUM ANALYZE")
        while high - low > max(highest / 20, 2) and used + options.seconds * high < options.pool:
            until_indexed()
            rate = (low + high) / 2
            step = one_rate(found, rate, used, options.seconds)
            used += step["sent"]
            low, high = (rate, high) if step["kept_up"] else (low, rate)
            steps.append(step)
    return steps


def one_rate(found: Bench, rate: float, used: int, seconds: float) -> dict[str, Any]:
    """Offers so many callbacks a second at the door, and waits until all are processed."""
    posting = replace(found.door, pool=found.door.pool[used:], forget="SELECT")
    with _watched(found.pids) as (passed, usage):
        with passed.watched():
            result, _ = posting(USUAL[0], USUAL[1], seconds, rate)
        growth = passed.growth()
        passed.until_empty()
    step: dict[str, Any] = {"offered": round(rate, 1), "accepted": round(result.rate, 1), "growth": round(growth, 1)}
    step |= {
        "kept_up": growth < NOISE * rate and result.rate > (1 - NOISE) * rate,
        "answers": len(result.good),
        "sent": len(result.answers) + len(result.unanswered),
    }
    took = until_note(result)
    step |= {f"p{percent}_ms": round(milliseconds(took, percent), 1) for percent in (50, 99, 99.9)}
    step |= {"door_p99_ms": round(milliseconds(result.took, 99), 1), "cpu_seconds": usage.cpu}
    progress(f"at {rate:.0f}/s the backlog {'is steady' if step['kept_up'] else f'grows by {growth:.0f}/s'}")
    return step | {"waits": dict(usage.waits.most_common())}


def until_note(result: Round) -> list[float]:
    """Seconds from each 200 to the transaction that wrote the note."""
    processed = dict(submissions.execute(PROCESSED))
    keys = ((processed.get(answer.key.decode()), answer.at) for answer in result.good)
    return [max(0.0, float(at) - answered) for at, answered in keys if at]


def goals(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    best = max((step["offered"] for step in result["steps"] if step["kept_up"]), default=0.0)
    plain = result["plain"]["per_second"]
    usual = next(one["per_second"] for one in result["drains"])
    return [
        {"name": "sustained, a second", "measured": best, "goal": ">= 300"},
        {"name": "sustained, times the plain view's", "measured": round(best / plain, 2), "goal": ">= 3"},
        {"name": "backlog drained, times the plain view's", "measured": round(usual / plain, 2), "goal": ">= 3"},
    ]


def lines(result: Mapping[str, Any]) -> Iterator[str]:
    """The whole report."""
    yield ", ".join(f"{name} {value}" for name, value in result["machine"].items())
    yield from ["", *table(DRAINED, [*result["drains"], result["plain"]])]
    yield neighbours([*result["drains"], *result["steps"], result["plain"]])
    yield from ["", f"Offered at the door, {USUAL[0]} bytes:", *table(STEPS, result["steps"])]
    yield from ["", *table({"goal": "name", "measured": "measured", "wanted": "goal"}, result["goals"])]
    yield from ["", *costs(result), ""]
    for one in result["drains"]:
        yield f"of {one['count']} callbacks of {one['bytes']} bytes: {json.dumps(one['became'])}"
    accepted = sum(step["answers"] for step in result["steps"])
    yield f"of {accepted} that the door answered with 200: {json.dumps(result['became'])}"


def costs(result: Mapping[str, Any]) -> Iterator[str]:
    rows = [(f"a backlog of {one['bytes']} bytes", one, one["count"]) for one in result["drains"]]
    rows += [(f"{step['offered']:.0f}/s at the door", step, step["answers"]) for step in result["steps"]]
    rows += [("plain DRF view", result["plain"], result["plain"]["answers"])]
    found = [cpu_row(name, row["cpu_seconds"], count) for name, row, count in rows]
    yield from table({"CPU ms a callback": "", **{name: name for row in found for name in row if name}}, found)
    for name, row, _ in rows:
        yield f"database, {name}: {shares(row['waits'])}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/bench processing", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="JSON in place of the tables.")
    parser.add_argument("--plot", action="store_true", help="Draw docs/images/performance-processing.svg.")
    parser.add_argument("--read", type=Path, help="What --json wrote, shown in place of a run.")
    parser.add_argument("--quick", action="store_true", help="A backlog of 2,000 and shorter steps.")
    parser.add_argument("--backlog", type=int, default=6_000)
    parser.add_argument("--sizes", type=int, nargs="+", default=[USUAL[0], 2_000], help="Of the backlogs' bodies.")
    parser.add_argument("--seconds", type=float, default=15.0, help="Of each rate that is offered.")
    parser.add_argument("--rounds", type=int, default=3, help="Of the plain view.")
    parser.add_argument("--pool", type=int, default=40_000, help="Submissions that the rates are offered for.")
    parser.add_argument("--plain-workers", type=int, default=2, help="Processes of the plain view; the door has two.")
    options = parser.parse_args()
    if options.quick:
        options.backlog, options.sizes, options.seconds = 2_000, [USUAL[0]], 9.0
    result = json.loads(options.read.read_text().splitlines()[-1]) if options.read else run(options)
    if options.plot:
        from benchmarks import plots

        plots.processing(result)
    print(json.dumps(result) if options.json else "\n".join(lines(result)))


if __name__ == "__main__":
    with one_line():
        main()
