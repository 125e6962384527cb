"""What the evidence warns of, in words, and what somebody has set aside of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from notes.lines import Line
from notes.models import Dismissal, Evidence, NoteSection

#: Why a warning is no matter, as a reviewer may say.
REASONS = (
    "Said in other words",
    "From the chart or the examination",
    "Not relevant for the note",
    "I have corrected the note",
)
WHY = {"number": "numbers", "negation": "a negation"}


@dataclass(frozen=True, slots=True)
class Finding:
    """`place`: the id of what it is about on the note's page. `quote`: the words it is about."""

    key: str
    place: str
    quote: str
    says: str
    dismissed: Dismissal | None = None


def findings(
    evidence: Evidence, sections: Sequence[NoteSection], lines: Sequence[Line], dismissed: dict[str, Dismissal]
) -> list[Finding]:
    """One for each number that was never said, and each line that no section reflects."""
    found: dict[str, Finding] = {}
    for place, start, end, said in evidence.unsaid:
        section = sections[place]
        key = key_of("unsaid", section.key, said, *section.text[:start].split()[-3:])
        says = f"in “{section.title or section.key}” was not said, or not so."
        found.setdefault(key, Finding(key, f"section-{place}", section.text[start:end], says, dismissed.get(key)))
    for number, kind in evidence.unreflected:
        key, line = key_of("line", kind, str(number)), lines[number]
        says = f"was said{f' at {line.time}' if line.time else ''}, with {WHY[kind]}: no section reflects it."
        found[key] = Finding(key, f"line-{number}", line.text, says, dismissed.get(key))
    return list(found.values())


def key_of(*parts: str) -> str:
    """The same for the same warning in a later version; none of the note's words can be read in it."""
    return sha256("\0".join(parts).encode()).hexdigest()[:32]
