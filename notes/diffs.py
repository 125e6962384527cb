"""What was changed between two texts, word by word."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import takewhile

WORDS = re.compile(r"\w+|\s+|[^\w\s]")
LINES = re.compile(r"[^\n]*\n|[^\n]+")
#: Comparing takes the square of it: longer texts are compared by lines, and those longer still as a whole.
MOST = 4000


@dataclass(frozen=True, slots=True)
class Piece:
    """`kind`: same, removed or added."""

    kind: str
    text: str


def changes(before: str, after: str) -> list[Piece]:
    """The pieces of both texts in their order; one of kind `same`, or none, where they are equal."""
    old, new = split(before, after)
    start = len(list(takewhile(lambda pair: pair[0] == pair[1], zip(old, new, strict=False))))
    pieces = [Piece("same", "".join(old[:start]))]
    old, new = old[start:], new[start:]
    if max(len(old), len(new)) > MOST:
        pieces += [Piece("removed", "".join(old)), Piece("added", "".join(new))]
    else:
        pieces += compared(old, new)
    return [piece for piece in pieces if piece.text]


def split(before: str, after: str) -> tuple[list[str], list[str]]:
    by = WORDS if max(len(before), len(after)) <= 5 * MOST else LINES
    return by.findall(before), by.findall(after)


def compared(old: list[str], new: list[str]) -> Iterator[Piece]:
    """Changes with nothing but a blank between them are one: whoever reads them reads phrases."""
    removed = added = ""
    for kind, i, j, k, m in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        before, after = "".join(old[i:j]), "".join(new[k:m])
        if kind == "equal" and before.strip():
            yield from (Piece("removed", removed), Piece("added", added), Piece("same", before))
            removed = added = ""
        else:
            removed, added = removed + before, added + after
    yield from (Piece("removed", removed), Piece("added", added))
