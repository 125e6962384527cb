"""What REST costs at a million notes, at ten thousand, and as SQL alone: `scripts/bench rest [--notes N] [--json]`.

Two clinics of made-up notes (manage.py make_notes), each with a web process as an installation runs it, and a program
that asks both the same over one connection, over and over; and psycopg, which asks PostgreSQL for the same rows. Then
each reads its feed from the start. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import os
import pstats
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psycopg

from benchmarks import place
from benchmarks.consumer import Consumer, Within
from benchmarks.load import milliseconds
from benchmarks.questions import Question, Side, questions
from benchmarks.raw import PAGE, Raw
from benchmarks.report import machine, table
from benchmarks.submissions import execute

CLINIC = "rest"
SLOWER, OF_RAW = 1.5, 0.3
WARMING = 3
NO_LIMITS = dict.fromkeys(["RATE_PER_KEY", "RATE_PER_ADDRESS"], "1000000000/minute")
COLUMNS = {
    "": "question",
    "rows, few": "rows_few",
    "many": "rows_many",
    "p50 ms, few": "p50_few",
    "p50, many": "p50_many",
    "p90, few": "p90_few",
    "p90, many": "p90_many",
    "times as slow": "ratio",
    "SQL's p50": "p50_raw",
    "times SQL": "times_raw",
}
FEED_COLUMNS = {"the feed": "way", "events": "events", "events/s": "per_second", "of SQL's": "of_raw"}
Questions = Mapping[str, Question]
WAYS = ("few", "many", "raw")


@dataclass
class Asked:
    """One question, asked again and again: seconds by way, and how many rows there were at the last."""

    took: dict[str, list[float]] = field(default_factory=lambda: {way: [] for way in WAYS})
    rows: dict[str, int] = field(default_factory=dict)

    def ratio(self, way: str, other: str) -> float:
        return statistics.median(one / two for one, two in zip(self.took[way], self.took[other], strict=True))

    def row(self, question: str) -> dict[str, Any]:
        return {
            "question": question,
            "ratio": self.ratio("many", "few"),
            "times_raw": self.ratio("many", "raw"),
            **{f"rows_{way}": self.rows[way] for way in WAYS},
            **{f"p50_{way}": milliseconds(took, 50) for way, took in self.took.items()},
            **{f"p90_{way}": milliseconds(took, 90) for way, took in self.took.items()},
        }


def measured(few: Questions, many: Questions, rounds: int) -> Iterator[dict[str, Any]]:
    """Every question in every way once a round; each round begins with another way."""
    found = {question: Asked() for question in few}
    for number in range(-WARMING, rounds):
        for question, asked in found.items():
            ways = {"few": few[question].rest, "many": many[question].rest, "raw": many[question].raw}
            for way in WAYS[number % 3 :] + WAYS[: number % 3]:
                begun = time.perf_counter()
                asked.rows[way] = ways[way]()
                took = time.perf_counter() - begun
                if number >= 0:
                    asked.took[way].append(took)
    for question, asked in found.items():
        yield asked.row(question)


def followed(few: Side, many: Side, within: Consumer, limit: int, most: int) -> Iterator[dict[str, Any]]:
    """The feed from its start, in each way in turn, three times."""
    path = f"events?limit={limit}"
    ways: dict[str, Callable[[], Iterator[list[Any]]]] = {
        "SQL, pages as large": lambda: many.raw.events(limit),
        "REST": lambda: many.consumer.pages(path),
        "REST, few": lambda: few.consumer.pages(path),
        "without HTTP": lambda: within.pages(path),
    }
    rates: dict[str, list[float]] = {way: [] for way in ways}
    events = {}
    for _ in range(3):
        for way, read in ways.items():
            events[way], seconds = caught_up(read(), most)
            rates[way].append(events[way] / seconds)
    raw, *_ = rates.values()
    for way, found in rates.items():
        of_raw = statistics.median(one / two for one, two in zip(found, raw, strict=True))
        yield {"way": way, "events": events[way], "per_second": statistics.median(found), "of_raw": of_raw}


def caught_up(pages: Iterable[Sequence[Any]], most: int) -> tuple[int, float]:
    """How many events were read, and in how many seconds."""
    begun, read = time.perf_counter(), 0
    for page in pages:
        read += len(page)
        if read >= most:
            break
    return read, time.perf_counter() - begun


def profiled(question: Question) -> None:
    """Where the time of one question goes, on standard error. Asked within this process."""
    question.rest()
    with cProfile.Profile() as profile:
        for _ in range(200):
            question.rest()
    pstats.Stats(profile, stream=sys.stderr).sort_stats("tottime").print_stats(40)


def run(options: argparse.Namespace) -> dict[str, Any]:
    os.environ |= NO_LIMITS
    with ExitStack() as stack:
        database = stack.enter_context(place.own_database("benchmark_rest", keep=options.keep))
        clinic = staff()
        make(options.few)
        copy = stack.enter_context(place.copy_of(database, "benchmark_rest_few", keep=options.keep))
        make(options.notes)
        few, many = (side(stack, clinic, name, url) for name, url in {"few": copy, "many": database}.items())
        within = Within(many.consumer.url, many.consumer.token)
        if options.profile:
            profiled(questions(Side(within, many.raw))[options.profile])
        rows = list(measured(questions(few), questions(many), options.rounds))
        feed = list(followed(few, many, within, options.limit, options.events))
        sizes = {"few": options.few, "many": options.notes, "rounds": options.rounds, "limit": options.limit}
        return {"machine": machine(), **sizes, "questions": rows, "feed": feed}


def staff() -> UUID:
    """The clinic, and somebody in it who signs notes."""
    from access.models import Clinic
    from tests.factories import ClinicFactory, MembershipFactory

    clinic = Clinic.objects.filter(slug=CLINIC).first()
    if clinic is None:
        clinic = ClinicFactory(slug=CLINIC)
        MembershipFactory(clinic=clinic)
    return clinic.pk


def make(count: int) -> None:
    from django.core.management import call_command

    begun = time.monotonic()
    call_command("make_notes", CLINIC, count=count)
    execute("VACUUM ANALYZE")
    place.progress(f"{count:,} notes made in {time.monotonic() - begun:.0f} s")


def side(stack: ExitStack, clinic: UUID, name: str, url: str) -> Side:
    """One of the two clinics, with a web process and a new key of its own."""
    scopes = [f"--scope={scope}" for scope in ("notes:read", "events:read")]
    token = place.managed(url, "create_api_key", CLINIC, "--name=bench", "--days=1", *scopes)
    web = stack.enter_context(place.web("config.web:application", url, place.folder() / name))
    connection = stack.enter_context(psycopg.connect(url, autocommit=True))
    return Side(Consumer(web, token), Raw(connection, clinic))


def lines(result: Mapping[str, Any]) -> Iterator[str]:
    yield f"few: {result['few']:,} notes; many: {result['many']:,}; {result['rounds']} rounds; {PAGE} rows a page"
    yield from table(COLUMNS, result["questions"])
    slower = [row["question"] for row in result["questions"] if row["ratio"] > SLOWER]
    yield f"more than {SLOWER} times as slow: {'; '.join(slower) or 'none'}"
    yield ""
    yield from table(FEED_COLUMNS, result["feed"])
    yield f"{result['limit']} events a page; wanted: {OF_RAW} of SQL's"


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/bench rest", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="One line of JSON in place of the tables.")
    parser.add_argument("--few", type=int, default=10_000)
    parser.add_argument("--notes", type=int, default=1_000_000)
    parser.add_argument("--keep", action="store_true", help="Leave the notes for the next run, which then makes none.")
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--events", type=int, default=100_000, help="So many of the feed are read.")
    parser.add_argument("--limit", type=int, default=1000, help="Events a page.")
    parser.add_argument("--profile", metavar="QUESTION", help="First say where the time of this question goes.")
    options = parser.parse_args()
    result = run(options)
    print(json.dumps(result) if options.json else "\n".join(lines(result)))


if __name__ == "__main__":
    main()
