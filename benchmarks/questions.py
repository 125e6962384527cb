"""What a program asks REST for, and SQL for the same rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Any, LiteralString
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from benchmarks.consumer import Consumer, following
from benchmarks.raw import PAGE, Raw

LONGEST_PAGE = 200
DEEP = 10_000
BY_CHANGE = "note.updated_at DESC, note.id DESC"


@dataclass(frozen=True)
class Question:
    """Both say how many rows there were."""

    rest: Callable[[], int]
    raw: Callable[[], int]


@dataclass(frozen=True)
class Side:
    """One clinic: who asks REST for its rows, and who asks PostgreSQL."""

    consumer: Consumer
    raw: Raw

    def notes(self, ids: Sequence[UUID]) -> Question:
        """One after the other."""
        asked, selected = cycle(ids), cycle(ids)

        def shown() -> int:
            self.consumer.get(f"notes/{next(asked)}")
            return 1

        return Question(shown, lambda: len(self.raw.note(next(selected))[0]))

    def page(self, path: str, where: LiteralString = "true", **given: Any) -> Question:
        return Question(lambda: len(self.consumer.get(path)["results"]), lambda: len(self.raw.notes(where, **given)))

    def with_sections(self) -> Question:
        def rows() -> int:
            notes = self.raw.notes()
            self.raw.words([note[0] for note in notes])
            return len(notes)

        return Question(lambda: len(self.consumer.get("notes?include=sections")["results"]), rows)

    def found(self, words: str) -> Question:
        """SQL has only to get what REST has found: to look for it would take it from 1 ms to minutes."""
        path = notes(q=words)
        ids = [note["id"] for note in self.consumer.get(path)["results"]]
        return self.page(path, "note.id = ANY(%(ids)s::uuid[])", ids=ids)


def questions(side: Side) -> dict[str, Question]:
    ids = side.raw.ids()
    few, middle = max(1, len(ids) // 500), ids[len(ids) // 2]
    deep = min(DEEP, len(ids) // PAGE // 2)
    session, moment = side.raw.session(middle), side.raw.changed(min(len(ids), 100))
    after = {"after": ids[(deep - 1) * PAGE - 1]}
    return {
        "a note, of the newest": side.notes(ids[:500]),
        "a note, of all": side.notes(ids[::few]),
        "notes": side.page("notes"),
        "notes, with their sections": side.with_sections(),
        f"page {DEEP:,}, or that halfway": side.page(walked(side.consumer, deep), "note.id < %(after)s", **after),
        "signed": side.page(notes(state="signed"), "note.state = 'signed'"),
        "rejected": side.page(notes(state="rejected"), "note.state = 'rejected'"),
        "of a session": side.page(notes(session=str(session)), "note.session_id = %(session)s", session=session),
        "that changed last": side.page(
            notes(updated_since=moment.isoformat()), "note.updated_at >= %(moment)s", order=BY_CHANGE, moment=moment
        ),
        **{f"found: {often}": side.found(words) for often, words in sought().items()},
    }


def notes(**query: str) -> str:
    return f"notes?{urlencode(query)}"


def walked(consumer: Consumer, page: int) -> str:
    """The path of that page, come to by following `next`; longer pages on the way hold the same rows."""
    ahead, query = (page - 1) * PAGE, dict[str, str]()
    while ahead:
        query["limit"] = str(limit := min(ahead, LONGEST_PAGE))
        query = dict(parse_qsl(following(consumer.get(notes(**query))).partition("?")[2]))
        ahead -= limit
    return notes(**query | {"limit": str(PAGE)})


def sought() -> dict[str, str]:
    """What is searched for, by how often it comes up."""
    from notes.management.making import POOL
    from notes.management.texts import name

    return {
        "every second": "pain",
        "one in ten": "rifampicin",
        "one in 20": "sarcoidosis",
        "one in all": name(POOL + 777),
        "none": "zyzzyva",
        "two words": "pain fever",
        "a phrase": '"pain in the knee"',
        "two words, never together": "jours tender",
    }
