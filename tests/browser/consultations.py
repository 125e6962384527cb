"""The sample consultation as it comes to a clinic: its recording, what was said, and the note that needs review."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from access.log import Actor
from access.models import AccessEntry, Clinic, User
from notes import review
from notes.findings import REASONS, key_of
from notes.indexing import index_due
from notes.models import Evidence, Note
from notes.review import Words
from notes.services import Origin, store_notes, store_transcripts
from recordings.models import Waveform
from recordings.peaks import measure
from sandbox.sample import AUDIO, sample
from tests.factories import SubmissionFactory
from vendors.base import Line, NoteText, Section

#: Where the sample's note says what nobody said (the most tablets a day, in grams), and a line that it leaves out.
UNSAID, LEFT_OUT = "3 g", 3


def consulted(clinic: Clinic, reference: str = "VISIT-1") -> Note:
    request = of_request({"session__clinic": clinic, "session__encounter_ref": reference, "ready": True})
    keep(request.audio)
    origin = Origin(clinic.pk, request.session_id, request.pk, "nabla", request.language, request.note_template)
    lines = tuple(Line(**line) for line in sample()["transcript"])
    sections = tuple(Section(**section) for section in sample()["note"]["sections"])
    store_transcripts([(origin, lines)])
    store_notes([(origin, NoteText(sample()["note"]["title"], sections))])
    index_due()
    note = Note.objects.get(request=request)
    weigh(note)
    return note


def of_request(facts: dict[str, Any]) -> Any:
    """A request with its submission."""
    return SubmissionFactory(**{f"request__{name}": value for name, value in facts.items()}).request


def keep(audio: Any) -> None:
    """In the storage, and drawn."""
    body = AUDIO.read_bytes()
    audio.size, audio.duration_ms = len(body), sample()["duration_ms"]
    audio.save()
    default_storage.save(audio.storage_key, ContentFile(body))
    drawn = {"clinic_id": audio.clinic_id, "peaks": peaks(), "next_attempt_at": None}
    Waveform.objects.update_or_create(audio_id=audio.pk, defaults=drawn)


@cache
def peaks() -> list[int]:
    return measure(str(AUDIO), sample()["duration_ms"])[0]


def weigh(note: Note) -> None:
    """A source for the first sentence, and one warning of each kind."""
    texts = [section.text for section in note.sections.all()]
    place = next(place for place, text in enumerate(texts) if UNSAID in text)
    start = texts[place].index(UNSAID)
    found = {
        "clinic_id": note.clinic_id,
        "version": note.version,
        "sources": [[0, 0, len(texts[0]), [1]]],
        "unsaid": [[place, start, start + len(UNSAID), UNSAID]],
        "unreflected": [[LEFT_OUT, "negation"]],
    }
    Evidence.objects.update_or_create(note=note, defaults=found)
    Note.objects.filter(pk=note.pk).update(weighed_version=note.version)


def in_hand(clinic: Clinic, reviewer: User) -> Note:
    """Claimed and corrected once, one of its warnings set aside; what is typed since is based on the vendor's words."""
    by, note = Actor(AccessEntry.Actor.USER, str(reviewer.pk)), consulted(clinic)
    texts = [section.text for section in note.sections.all()]
    review.edit(note.pk, by, 1, Words(note.title, ("Headaches for three weeks.", *texts[1:])))
    review.dismiss(note.pk, by, key_of("line", str(LEFT_OUT)), REASONS[0])
    review.keep_draft(note.pk, by, 1, Words("Headache", ("Headaches for a month.", *texts[1:])))
    note.refresh_from_db()
    weigh(note)
    return note
