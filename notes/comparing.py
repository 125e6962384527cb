"""Two versions of a note, section by section."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from typing import Any

from notes.diffs import Piece, changes
from notes.models import NoteVersion

Sections = Sequence[Mapping[str, Any]]


def paired(before: Sections, after: Sections) -> tuple[list[int | None], list[int]]:
    """For each section after, the place of the one that it was before; and the places of those that are gone.

    By their keys: of several with one key the first is the first, whatever stands between them.
    """
    places: defaultdict[str, deque[int]] = defaultdict(deque)
    for place, section in enumerate(before):
        places[section["key"]].append(place)
    partners = [places[section["key"]].popleft() if places[section["key"]] else None for section in after]
    return partners, sorted(place for left in places.values() for place in left)


def compared(before: NoteVersion | None, after: NoteVersion) -> list[tuple[str, list[Piece]]]:
    """Each section's title, and what was changed in its text; nothing where there is none before or the same."""
    if before is None or before.number == after.number:
        return []
    old = before.sections
    partners, gone = paired(old, after.sections)
    texts = [("Title", before.title, after.title)]
    for partner, section in zip(partners, after.sections, strict=True):
        texts.append((heading(section), "" if partner is None else old[partner]["text"], section["text"]))
    texts += [(heading(old[place]), old[place]["text"], "") for place in gone]
    return [(title, changes(was, is_now)) for title, was, is_now in texts if was != is_now]


def heading(section: Mapping[str, Any]) -> str:
    return str(section["title"] or section["key"])
