"""A note started from a dictation: its words in one section, or laid out by a template, and then reviewed like any."""

from __future__ import annotations

import re
from collections.abc import Iterator

from django.db import transaction

from access import log
from access.log import Actor
from access.models import AccessEntry
from notes import services
from notes.models import Note, Transcript
from notes.review import NotNow
from notes.services import Origin
from vendors.base import NoteText, Section

#: Sections by their keys, and what speakers call them.
TEMPLATES: dict[str, dict[str, str]] = {
    "DICTATION": {"DICTATION": "Dictation"},
    "SOAP": {
        "SOAP_SUBJECTIVE": "Subjective",
        "SOAP_OBJECTIVE": "Objective",
        "SOAP_ASSESSMENT": "Assessment",
        "SOAP_PLAN": "Plan",
    },
    "GENERAL_MEDICINE": {
        "CHIEF_COMPLAINT": "Chief complaint",
        "HISTORY_OF_PRESENT_ILLNESS": "History of present illness",
        "CURRENT_MEDICATIONS": "Current medications",
        "PHYSICAL_EXAM": "Physical exam",
        "ASSESSMENT": "Assessment",
        "PLAN": "Plan",
    },
}


@transaction.atomic
def start_note(transcript: Transcript, template: str, by: Actor) -> Note:
    """Raises NotNow where there is a note already, or nothing to make one of."""
    if transcript.session.kind != "dictation":
        raise NotNow("It is no dictation: the vendor writes its note.")
    text = "\n".join(line["text"] for line in transcript.lines).strip()
    if not text:
        raise NotNow("The dictation holds no words.")
    if Note.objects.filter(request=transcript.request_id).exists():
        raise NotNow("A note of it was started already.")
    of = (transcript.clinic_id, transcript.session_id, transcript.request_id)
    origin = Origin(*of, vendor=transcript.request.vendor, language=transcript.language, template=template)
    services.store_notes([(origin, NoteText("Dictation", tuple(sections(text, TEMPLATES[template]))))])
    note: Note = Note.objects.get(request=transcript.request_id)
    log.record(by, AccessEntry.Action.CHANGED, [note], mode="started")
    return note


def sections(text: str, titles: dict[str, str]) -> Iterator[Section]:
    """The text cut where a speaker names a section. What comes before the first name belongs to the first section."""
    keys = {title.casefold(): key for key, title in titles.items()}
    named = "|".join(map(re.escape, sorted(keys, key=len, reverse=True)))
    said = re.split(rf"(?i)(?:^|(?<=[.!?\n]))\s*\b({named})\b\s*(?:[:.,-]\s*|\n|$)", text)
    found: dict[str, list[str]] = {key: [] for key in titles}
    found[next(iter(titles))].append(said[0])
    for name, words in zip(said[1::2], said[2::2], strict=True):
        found[keys[name.casefold()]].append(words)
    for key, title in titles.items():
        yield Section(key, title, "\n".join(part.strip() for part in found[key] if part.strip()))
