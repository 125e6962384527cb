"""What was changed between two texts, word by word."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import takewhile

WORDS = re.compile(r"\w+|\s+|[^\w\s]")
LINES = re.compile(r"[^\n]*\n|[^\n]+")
#: Comparing takes the square of it: longer texts are compared by lines, and those longer still as a whole.
MOST = 2000


@dataclass(frozen=True, slots=True)
class Piece:
    """`kind`: same, removed or added."""

    kind: str
    text: str


def changes(before: str, after: str) -> list[Piece]:
    """The pieces of both texts in their order; one of kind `same`, or none, where they are equal."""
    old, new = split(before, after)
    start = alike(old, new)
    end = alike(old[start:][::-1], new[start:][::-1])
    last = len(old) - end
    pieces = [
        Piece("same", "".join(old[:start])),
        *between(old[start:last], new[start : len(new) - end]),
        Piece("same", "".join(old[last:])),
    ]
    return [piece for piece in pieces if piece.text]


def alike(old: list[str], new: list[str]) -> int:
    """How many tokens they begin with alike."""
    return len(list(takewhile(lambda pair: pair[0] == pair[1], zip(old, new, strict=False))))


def between(old: list[str], new: list[str]) -> Iterable[Piece]:
    if max(len(old), len(new)) > MOST:
        return Piece("removed", "".join(old)), Piece("added", "".join(new))
    return compared(old, new)


def split(before: str, after: str) -> tuple[list[str], list[str]]:
    by = WORDS if max(len(before), len(after)) <= 5 * MOST else LINES
    return by.findall(before), by.findall(after)


def is_sign(token: str) -> bool:
    """A blank or a stop: texts that have no word in common are full of them, and each would be compared with each."""
    return not token[0].isalnum()


def compared(old: list[str], new: list[str]) -> Iterator[Piece]:
    """Changes with nothing but a blank between them are one: whoever reads them reads phrases."""
    removed = added = ""
    for kind, i, j, k, m in SequenceMatcher(is_sign, old, new).get_opcodes():
        before, after = "".join(old[i:j]), "".join(new[k:m])
        if kind == "equal" and before.strip():
            yield from (Piece("removed", removed), Piece("added", added), Piece("same", before))
            removed = added = ""
        else:
            removed, added = removed + before, added + after
    yield from (Piece("removed", removed), Piece("added", added))
