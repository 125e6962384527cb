"""A note as it stands on paper, printed from the browser or as a PDF: with what must not be overlooked, and addenda."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from access import desk
from notes.models import Addendum, Note

State = Note.State
WARNINGS = {
    State.SIGNED: "",
    State.AMENDED: "",
    State.ENTERED_IN_ERROR: "Entered in error: do not use.",
    State.REJECTED: "Rejected: do not use.",
}


@dataclass(frozen=True, slots=True)
class Part:
    """A section or an addendum."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Paper:
    """`standing`: what must not be overlooked, if anything. `language`: BCP 47. `author`: the signer, if any."""

    clinic: str
    title: str
    language: str
    author: str
    standing: str
    facts: list[tuple[str, str]]
    sections: list[Part]
    addenda: list[Part]


def paper(note: Note) -> Paper:
    signer = note.signed_by.display_name if note.signed_by else ""
    standing = WARNINGS.get(State(note.state), "Preliminary: not signed.")
    facts = [
        ("Encounter", desk.reference(note)),
        ("Received", desk.in_clinic_time(note.created_at, note.clinic)),
        ("Version", str(note.version)),
    ]
    if note.offered_version:
        facts.append(("Newer text", "The vendor has sent one, which is not on this paper."))
    if signer:
        facts += [("Signed by", signer), ("Signed", desk.in_clinic_time(note.signed_at, note.clinic))]
    return Paper(
        note.clinic.name,
        note.title or "Untitled note",
        note.language,
        signer,
        f"{standing} {note.reason}".strip(),
        facts,
        [Part(section.title or section.key, section.text) for section in note.sections.all()],
        [Part(heading(addendum, note), addendum.text) for addendum in addenda(note)],
    )


def addenda(note: Note) -> Any:
    return note.addenda.select_related("author").order_by("number")


def heading(addendum: Addendum, note: Note) -> str:
    at = desk.in_clinic_time(addendum.created_at, note.clinic)
    return f"Addendum {addendum.number}, {addendum.author.display_name}, {at}"
