"""A door to fuzz, the ways to it, and what must be true of it afterwards."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import hypothesis
from hypothesis import HealthCheck

from access.models import Clinic
from ingest.models import Callback
from tests.faults.effects import settle
from tests.faults.exchange import Answers
from tests.faults.letters import Letter, Post

MOST_BYTES = 200_000
#: What a log holds of an error that nobody foresaw.
UNFORESEEN = ("Traceback", '"exception"', "the door failed", "could not be processed", "panicked")


@dataclass(frozen=True)
class Examples:
    """Decorates what hypothesis is to run: `@examples(100)`, more often in a long run."""

    seed: int
    times: int

    def count(self, usual: int) -> int:
        return usual * self.times

    def __call__(self, usual: int) -> Callable[[Any], Any]:
        bounds = hypothesis.settings(
            max_examples=self.count(usual), deadline=None, database=None, suppress_health_check=list(HealthCheck)
        )
        return lambda test: hypothesis.seed(self.seed)(bounds(test))


def unforeseen(log: str) -> list[str]:
    return [line[:1000] for line in log.splitlines() if any(word in line for word in UNFORESEEN)]


def is_well(answers: Answers) -> bool:
    return all(status < 500 or status == 503 for status in answers.statuses)


class Ways:
    """All ways of a clinic's senders to the door, in turn. Each ticket takes twenty bodies, so there are several."""

    def __init__(self, clinic: Clinic, bodies: int) -> None:
        self.clinic, post = clinic, Post(clinic)
        posted, signed = post.posted(), post.signed()
        tickets = [post.ticketed() for _ in range(1 + bodies // 30)]
        self.letters = cycle([way for ticketed in tickets for way in (ticketed, posted, signed)])

    def letter(self, body: bytes) -> Letter:
        way = next(self.letters)
        return Letter(way.request, way.title, way.path, body, way.proof, way.secret)

    def kept(self) -> list[str]:
        """The digests of all bodies that are there, once all of them were processed. None of them defeated that."""
        settle(self.clinic)
        rows = Callback.objects.filter(clinic=self.clinic)
        assert not rows.filter(state="failed").exists()
        return sorted(digest(bytes(body)) for body in rows.values_list("body", flat=True))


def digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
