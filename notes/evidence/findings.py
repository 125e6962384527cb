"""What is found: places in the note and in the transcript, never their words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Passage:
    """A sentence of the note: the index of its section, and its characters there."""

    section: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Source:
    """The one to three lines, best first, that a sentence may come from."""

    passage: Passage
    lines: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Unsaid:
    """A number of the note that the transcript never says.

    `said`: its canonical form, such as "40 mg" or "120/80"; the same for "0.5 g" and "500 mg".
    """

    section: int
    start: int
    end: int
    said: str


@dataclass(frozen=True, slots=True)
class Unreflected:
    """A line with a number or a negation that no section reflects."""

    line: int
    kind: Literal["number", "negation"]


@dataclass(frozen=True, slots=True)
class Evidence:
    sources: tuple[Source, ...] = ()
    unsaid: tuple[Unsaid, ...] = ()
    unreflected: tuple[Unreflected, ...] = ()
