"""Whether the desk costs the same at a million notes as at ten thousand: `scripts/bench desk [--count N] [--json]`.

A clinic of made-up notes (manage.py make_notes), a web process as an installation runs it, and a reviewer who signs in
and asks for one page after the other, over and over. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import html
import json
import re
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from typing import Any

import psycopg
import requests

from benchmarks import place
from benchmarks.load import milliseconds
from benchmarks.report import machine, table
from benchmarks.submissions import execute

#: Tells how many statements an answer took: benchmarks/queried.py.
HEADER = "X-Statements"
CLINIC, REVIEWER, PASSWORD = "desk", "reviewer", "correct horse battery"
GOAL = 1.5
#: A page that grew so much shows more rows: there are fewer than fill one at ten thousand.
GREW = 1.2
WARMING = 3
LISTS = {
    "notes": "notes/note",
    "transcripts": "notes/transcript",
    "sessions": "ingest/session",
    "requests": "ingest/asyncrequest",
    "callbacks": "ingest/callback",
}
PAGES = {
    "front page": "",
    **{name: f"{address}/" for name, address in LISTS.items()},
    "notes, page 10": "notes/note/?p=10",
    "notes, signed, of Suki": "notes/note/?state__exact=signed&vendor=suki",
    "notes, to review, past month": "notes/note/?state__exact=needs_review&since=month",
    "notes, of SOAP, of Nabla": "notes/note/?template=SOAP&vendor=nabla",
    "notes, of SOAP, of Dragon, which has none": "notes/note/?template=SOAP&vendor=dragon",
    "notes, signed, of SOAP, past month": "notes/note/?state__exact=signed&template=SOAP&since=month",
}
CHOICE = re.compile(r'<a href="\?([\w=%.-]+)"')
COLUMNS = {
    "": "page",
    "statements, few": "statements_few",
    "many": "statements_many",
    "kB, few": "kb_few",
    "kB, many": "kb_many",
    "p50 ms, few": "p50_few",
    "p50, many": "p50_many",
    "p95, few": "p95_few",
    "p95, many": "p95_many",
    "times as slow": "ratio",
}
Visit = Callable[[], Sequence[requests.Response]]


@dataclass
class Visits:
    """One page in one clinic, asked for again and again: seconds; and the last answer's statements and bytes."""

    took: list[float] = field(default_factory=list)
    statements: int = 0
    size: int = 0

    def note(self, answers: Sequence[requests.Response]) -> None:
        for answer in answers:
            answer.raise_for_status()
        self.took.append(sum(answer.elapsed.total_seconds() for answer in answers))
        self.statements = sum(int(answer.headers.get(HEADER, 0)) for answer in answers)
        self.size = sum(len(answer.content) for answer in answers)


class Reviewer:
    """A reviewer at the desk, signed in."""

    def __init__(self, url: str) -> None:
        self.desk, self.http = f"{url}/admin/", requests.Session()
        self.http.get(f"{self.desk}login/").raise_for_status()
        self.post("login/", {"username": REVIEWER, "password": PASSWORD})
        (front,) = self.page("")
        if front.status_code != 200:
            raise RuntimeError("the reviewer is not signed in")

    def page(self, path: str) -> Sequence[requests.Response]:
        return [self.http.get(self.desk + path, allow_redirects=False)]

    def post(self, path: str, answers: Mapping[str, str]) -> requests.Response:
        token = {"csrfmiddlewaretoken": self.http.cookies["csrftoken"]}
        return self.http.post(self.desk + path, {**answers, **token})

    def found(self, name: str, words: str, **filters: str) -> Sequence[requests.Response]:
        """The form's answer, and the list that it leads to."""
        last = self.post(f"{LISTS[name]}/search/", {"q": words, **filters})
        return [*last.history, last]

    def filters(self, name: str) -> list[str]:
        """What a list offers to be narrowed by, one at a time."""
        (page,) = self.page(f"{LISTS[name]}/")
        choices = CHOICE.findall(page.text.partition('id="changelist-filter"')[2])
        return sorted({html.unescape(choice) for choice in choices})


def staff() -> None:
    from access.models import Clinic
    from tests.factories import ClinicFactory, MembershipFactory, UserFactory

    if Clinic.objects.filter(slug=CLINIC).exists():
        return
    clinic = ClinicFactory(slug=CLINIC)
    for name in (REVIEWER, "colleague", "third"):
        MembershipFactory(clinic=clinic, user=UserFactory(username=name))


def words() -> dict[str, str]:
    """What is searched for, by how often it comes up."""
    from notes.management.making import POOL, TOWNS
    from notes.management.texts import name

    return {
        "one in all": name(POOL + 777),
        "one in 30,000": name(POOL + 777 % TOWNS, 3),
        "one in 1,000": "rifampicin",
        "one in 100": "sarcoidosis",
        "every second": "pain",
        "none": "zyzzyva",
        "a phrase": '"pain in the knee"',
        "either, and without": "ankle OR elbow -migraine",
        "two words, never together": "jours tender",
        "a phrase that nobody said": '"sweats fever"',
    }


def visits(reviewer: Reviewer, filters: Sequence[tuple[str, str]], note: str) -> dict[str, Visit]:
    """Every page, by what it is called."""
    pages = PAGES | {f"{name}: {by}": f"{LISTS[name]}/?{by}" for name, by in filters}
    pages["a note"] = f"notes/note/{note}/change/"
    asked: dict[str, Visit] = {name: partial(reviewer.page, path) for name, path in pages.items()}
    for name, (often, text) in product(("notes", "transcripts"), words().items()):
        asked[f"{name}, found: {often}"] = partial(reviewer.found, name, text)
    asked["notes, rejected, found: every second"] = partial(reviewer.found, "notes", "pain", state__exact="rejected")
    return asked


def measure(few: Mapping[str, Visit], many: Mapping[str, Visit], rounds: int) -> Iterator[dict[str, Any]]:
    """Each page of both in turn, the one or the other first; so whatever else the machine does meets both alike."""
    found = {page: (Visits(), Visits()) for page in few}
    for number in range(-WARMING, rounds):
        for page, both in found.items():
            ways = [(few[page], both[0]), (many[page], both[1])]
            for ask, noted in ways[:: 1 if number % 2 else -1]:
                answers = ask()
                if number >= 0:
                    noted.note(answers)
    for page, both in found.items():
        yield row(page, *both)


def row(page: str, few: Visits, many: Visits) -> dict[str, Any]:
    ratios = [one / other for one, other in zip(many.took, few.took, strict=True)]
    return {
        "page": page,
        "ratio": round(statistics.median(ratios), 2),
        "statements_few": few.statements,
        "statements_many": many.statements,
        "kb_few": round(few.size / 1000),
        "kb_many": round(many.size / 1000),
        "p50_few": round(milliseconds(few.took, 50), 1),
        "p50_many": round(milliseconds(many.took, 50), 1),
        "p95_few": round(milliseconds(few.took, 95), 1),
        "p95_many": round(milliseconds(many.took, 95), 1),
    }


def run(options: argparse.Namespace) -> dict[str, Any]:
    with ExitStack() as stack:
        database = stack.enter_context(place.own_database("benchmark_desk", keep=options.keep))
        staff()
        make(options.few)
        copy = stack.enter_context(place.copy_of(database, "benchmark_desk_few", keep=options.keep))
        make(options.count)
        sides = []
        for name, url in {"few": copy, "many": database}.items():
            web = place.web("benchmarks.queried:application", url, place.folder() / name)
            sides.append((Reviewer(stack.enter_context(web)), waiting(url)))
        filters = [(name, by) for name in LISTS for by in sides[0][0].filters(name)]
        few, many = (visits(reviewer, filters, note) for reviewer, note in sides)
        pages = list(measure(few, many, options.rounds))
        return {"machine": machine(), "few": options.few, "count": options.count, "pages": pages}


def make(count: int) -> None:
    from django.core.management import call_command

    begun = time.monotonic()
    call_command("make_notes", CLINIC, count=count)
    execute("VACUUM ANALYZE")
    place.progress(f"{count:,} notes made in {time.monotonic() - begun:.0f} s")


def waiting(url: str) -> str:
    """The id of the newest note that needs review."""
    with psycopg.connect(url) as connection:
        newest = connection.execute("SELECT id FROM notes_note WHERE state = 'needs_review' ORDER BY id DESC LIMIT 1")
        return str(one[0]) if (one := newest.fetchone()) else ""


def lines(result: Mapping[str, Any]) -> Iterator[str]:
    yield f"few: {result['few']:,} notes; many: {result['count']:,}"
    yield from table(COLUMNS, result["pages"])
    slower = [row for row in result["pages"] if row["ratio"] > GOAL]
    fuller = [row for row in slower if row["kb_many"] > GREW * row["kb_few"]]
    yield f"more than {GOAL} times as slow: {named(row for row in slower if row not in fuller)}"
    yield f"the same, with more rows to show: {named(fuller)}"


def named(pages: Iterable[Mapping[str, Any]]) -> str:
    return "; ".join(row["page"] for row in pages) or "none"


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/bench desk", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="One line of JSON in place of the table.")
    parser.add_argument("--few", type=int, default=10_000)
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--keep", action="store_true", help="Leave the notes for the next run, which then makes none.")
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    result = run(options)
    print(json.dumps(result) if options.json else "\n".join(lines(result)))


if __name__ == "__main__":
    main()
