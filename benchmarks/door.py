"""What the door takes, beside what the database can do and what a plain view does: `scripts/bench door [--json]`.

Three ways of taking the same callbacks, in rounds side by side, ratios being medians of the rounds' own: pgbench, which
only inserts their bytes, the plain view of benchmarks/plain, and the door with Redis and its bells. Processors do not
run meanwhile; what the door does beside them is measured at the end. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks import phases
from benchmarks.bench import DOOR, USUAL, Bench, bench
from benchmarks.place import progress
from benchmarks.report import cpu_row, machine, neighbours, shares, table
from benchmarks.rounds import Point, interleaved
from config.installation import one_line

NAMES = {"pgbench": "pgbench, the ceiling", "plain": "plain DRF view", "door": "the door"}
COLUMNS = {
    "": "name",
    "bytes": "bytes",
    "clients": "clients",
    "accepted/s": "per_second",
    "of pgbench": "of_ceiling",
    "times plain": "times_plain",
    "p50 ms": "p50_ms",
    "p99 ms": "p99_ms",
    "p99.9 ms": "p99.9_ms",
    "CPU ms": "cpu_ms",
    "answers": "answers",
}


def run(options: argparse.Namespace) -> dict[str, Any]:
    with bench("benchmark_door", options.sizes, options.pool, options.plain_workers) as found:
        with found.running(*DOOR) as pids:
            found.pids = pids
            points = measure(found, options)
            rows = [row(point, points) for point in points.values()]
            result: dict[str, Any] = {"machine": machine(), "points": rows}
            result["clients"] = phases.generator(found, options.seconds)
            result["paced"] = phases.paced(found, points["door", *USUAL].rate / 2, 4 * options.seconds)
            result["refusals"] = phases.refusals(found, options.rounds, options.seconds)
            result["beside"] = phases.beside_processors(found, 2 * options.seconds)
        if options.profile:
            result["profile"] = phases.profile(found, options.seconds)
    return result | {"goals": goals(result)}


def measure(found: Bench, options: argparse.Namespace) -> dict[tuple[str, int, int], Point]:
    at = [(size, clients) for size in options.sizes for clients in options.clients]
    points = {}
    for point in interleaved(found.ways(), found.pids, at, options.rounds, options.seconds):
        points[point.way, point.size, point.clients] = point
        progress(f"{point.way:<8} {point.size:>7} bytes {point.clients:>4} clients {point.rates[-1]:>9.1f}/s")
    return points


def row(point: Point, points: Mapping[tuple[str, int, int], Point]) -> dict[str, Any]:
    ratios = {}
    if point.way == "door":
        for name, other in (("of_ceiling", "pgbench"), ("times_plain", "plain")):
            ratios[name] = round(point.times(points[other, point.size, point.clients]), 3)
    return {"name": NAMES[point.way]} | point.row() | ratios


def goals(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    usual = usual_rows(result)["door"]
    refused = result["refusals"]["of_accepted"]
    return [
        {"name": "accepted/s, of pgbench's", "measured": usual["of_ceiling"], "goal": ">= 0.8"},
        {"name": "accepted/s, times the plain view's", "measured": usual["times_plain"], "goal": ">= 20"},
        {"name": "p99 at half of that load, ms", "measured": result["paced"]["p99_ms"], "goal": "< 50"},
        {"name": "refused/accepted, with bodies", "measured": refused["with_body"], "goal": ">= 3"},
        {"name": "refused/accepted, without", "measured": refused["without_body"], "goal": ">= 3"},
    ]


def usual_rows(result: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["way"]: row for row in result["points"] if (row["bytes"], row["clients"]) == USUAL}


def lines(result: Mapping[str, Any]) -> Iterator[str]:
    """The whole report."""
    size, clients = USUAL
    yield ", ".join(f"{name} {value}" for name, value in result["machine"].items())
    yield from ["", *table(COLUMNS, sorted(result["points"], key=lambda row: (row["bytes"], row["clients"])))]
    yield from (
        f"{row['name']}, {row['bytes']} bytes, {row['clients']} clients: {row['statuses']}" for row in unlike(result)
    )
    yield neighbours(result["points"])
    yield from ["", f"At {size} bytes and {clients} clients:"]
    yield from table(COLUMNS | {"offered/s": "offered"}, [result["paced"], result["beside"]])
    alone = result["clients"]
    yield f"the clients by themselves: {alone['per_second']:.0f}/s, {alone['cpu_ms_each']} ms of CPU a callback"
    yield from ["", *table({"goal": "name", "measured": "measured", "wanted": "goal"}, result["goals"])]
    yield from ["", "refused a second: " + json.dumps(result["refusals"]["per_second"])]
    yield "answers to them: " + json.dumps(result["refusals"]["statuses"])
    yield from ["", *costs(result)]
    yield from ["", *proofs(result)]
    if "profile" in result:
        columns = {"the door's own Python": "function", "calls": "calls", "own s": "own_seconds", "s": "seconds"}
        yield from ["", *table(columns, result["profile"])]


def unlike(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The points at which not everything was answered with 200."""
    return [row for row in result["points"] if row["statuses"].keys() != {"200"}]


def costs(result: Mapping[str, Any]) -> Iterator[str]:
    rows = [*usual_rows(result).values(), result["paced"], result["beside"]]
    found = [cpu_row(row["name"], row["cpu_seconds"], row["answers"]) for row in rows]
    yield from table({"CPU ms a callback": "", **{name: name for row in found for name in row if name}}, found)
    for row in rows:
        yield f"database, {row['name']}: {shares(row['waits'])}"


def proofs(result: Mapping[str, Any]) -> Iterator[str]:
    columns = dict.fromkeys(("accepted", "rows", "lost", "doubled", "kept"))
    rows = []
    for way, name in NAMES.items():
        found = [row["proof"] for row in result["points"] if row["way"] == way]
        rows.append({"name": name} | {key: sum(one.get(key, 0) for one in found) for key in columns})
    yield from table({"proof": "name", **{name: name for name in columns}}, rows)


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/bench door", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="JSON in place of the tables.")
    parser.add_argument("--plot", action="store_true", help="Draw docs/images/performance-door.svg.")
    parser.add_argument("--read", type=Path, help="What --json wrote, shown in place of a run.")
    parser.add_argument("--quick", action="store_true", help="54,000 bytes and 32 clients alone.")
    parser.add_argument("--profile", action="store_true", help="Also the door under cProfile.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.5, help="Of each way in each round.")
    parser.add_argument("--sizes", type=int, nargs="+", default=[2_000, 54_000, 500_000])
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 32, 128])
    parser.add_argument("--pool", type=int, default=40_000, help="Submissions: no round takes more callbacks.")
    parser.add_argument("--plain-workers", type=int, default=2, help="Processes of the plain view; the door has two.")
    options = parser.parse_args()
    if options.quick:
        options.sizes, options.clients = [USUAL[0]], [USUAL[1]]
    result = json.loads(options.read.read_text().splitlines()[-1]) if options.read else run(options)
    if options.plot:
        from benchmarks import plots

        plots.door(result)
    print(json.dumps(result) if options.json else "\n".join(lines(result)))


if __name__ == "__main__":
    with one_line():
        main()
