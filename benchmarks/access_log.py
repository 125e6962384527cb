"""What the access log costs a request that reads notes: `scripts/bench access-log [--json]`.

One web process, one database; how it records changes from round to round: not at all, as the service does, and in a
hash chain with the clinic's head locked. Rounds are short, and the ratio is the median of the rounds' own: whatever
else the machine does meets all ways alike.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks import load, place
from benchmarks.load import Round

WAYS = ("none", "plain", "chained")
NOTES = 300
WARM_UP_SECONDS = 2.0
SENTENCE = "The left knee has hurt on stairs for three weeks; no fall, no fever, no swelling that was seen. "
Rounds = dict[str, list[Round]]
HEADING = "GET /api/v1/             clients  recording requests/s   ratio    p50 ms    p99 ms"


def fill() -> tuple[str, list[str]]:
    """A clinic with notes of four sections, as its owner. Gives a key's token and the notes' ids."""
    from django.db import connection

    from access import keys, log
    from access.models import Scope
    from tests.factories import ClinicFactory, NoteFactory, NoteSectionFactory

    clinic = ClinicFactory(slug="benchmark")
    notes = [NoteFactory(request__session__clinic=clinic, text=SENTENCE * 5) for _ in range(NOTES)]
    for note in notes:
        for position in (2, 3, 4):
            NoteSectionFactory(note=note, position=position, key=f"SECTION_{position}", text=SENTENCE * 5)
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE benchmark_head (clinic_id uuid PRIMARY KEY, hash bytea NOT NULL)")
        cursor.execute("INSERT INTO benchmark_head VALUES (%s, '')", [clinic.pk])
        cursor.execute("GRANT SELECT, UPDATE ON benchmark_head TO PUBLIC")
        cursor.execute("ANALYZE")
    return keys.create(clinic, name="benchmark", scopes=[Scope.NOTES_READ], by=log.command())[1], [
        str(note.pk) for note in notes
    ]


def measure(url: str, token: str, paths: Sequence[str], clients: int, rounds: int, seconds: float) -> Rounds:
    """Each way once a round, beginning with another each time, after a round that does not count."""
    headers = {"Authorization": f"Bearer {token}"}
    found: Rounds = {way: [] for way in WAYS}
    for number in range(rounds + 1):
        for way in WAYS[number % len(WAYS) :] + WAYS[: number % len(WAYS)]:
            load.ask(url, [f"/recording/{way}"], {}, clients=1, seconds=0.01)
            result = load.ask(url, paths, headers, clients=clients, seconds=seconds if number else WARM_UP_SECONDS)
            if number:
                found[way].append(result)
    return found


def summary(address: str, clients: int, found: Rounds) -> Iterator[dict[str, Any]]:
    for way, rounds in found.items():
        took = [one for round_ in rounds for one in round_.took]
        ratios = [round_.rate / none.rate for round_, none in zip(rounds, found["none"], strict=True)]
        yield {
            "address": address,
            "clients": clients,
            "recording": way,
            "requests_per_second": round(statistics.median(round_.rate for round_ in rounds), 1),
            "ratio": round(statistics.median(ratios), 3),
            "ratio_quartiles": [round(ratio, 3) for ratio in statistics.quantiles(ratios, n=4)],
            "p50_ms": round(load.milliseconds(took, 50), 2),
            "p99_ms": round(load.milliseconds(took, 99), 2),
        }


def run(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    folder = Path(os.environ["VAR"]) / "bench"
    with place.own_database("benchmark_access_log") as database:
        token, ids = fill()
        addresses = {
            "notes/{id}": [f"/api/v1/notes/{one}" for one in ids],
            "notes?include=sections": ["/api/v1/notes?include=sections"],
        }
        with place.web("benchmarks.recording:application", database, folder) as url:
            for address, paths in addresses.items():
                for clients in options.clients:
                    found = measure(url, token, paths, clients, options.rounds, options.seconds)
                    yield from summary(address, clients, found)


def show(row: dict[str, Any]) -> str:
    return (
        f"{row['address']:<24} {row['clients']:>7}  {row['recording']:<9} {row['requests_per_second']:>10.1f} "
        f"{row['ratio']:>7.3f} {row['p50_ms']:>9.2f} {row['p99_ms']:>9.2f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/bench access-log", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="One line of JSON in place of the table.")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=0.5, help="Of each way in each round.")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8])
    options = parser.parse_args()
    if options.json:
        print(json.dumps(list(run(options))))
        return
    print(HEADING)
    for row in run(options):
        print(show(row), flush=True)


if __name__ == "__main__":
    main()
