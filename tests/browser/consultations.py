"""The sample consultation as it comes to a clinic: its recording, what was said, and the note that needs review."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from access.log import Actor
from access.models import AccessEntry, Clinic, User
from ingest.models import AsyncRequest, Submission, Utterance
from notes import deciding, review
from notes.findings import REASONS, key_of
from notes.indexing import index_due
from notes.models import Evidence, Note, Transcript
from notes.review import Words
from notes.services import Origin, revise_notes, store_notes, store_transcripts
from recordings.models import Waveform
from recordings.peaks import measure
from sandbox.sample import AUDIO, sample
from tests.factories import AudioFactory, SubmissionFactory, TranscriptFactory
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


def of_request(facts: dict[str, Any]) -> AsyncRequest:
    """A request with its submission."""
    request: AsyncRequest = SubmissionFactory(**{f"request__{name}": value for name, value in facts.items()}).request
    return request


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


def dictated(clinic: Clinic) -> Transcript:
    """By push-to-talk, in two audio files."""
    facts = {"session__clinic": clinic, "session__kind": "dictation", "vendor": "suki", "ready": True}
    request = of_request(facts | {"audio__number": 2, "all_audio": True})
    keep(request.audio)
    keep(AudioFactory(session=request.session, number=1))
    transcript: Transcript = TranscriptFactory(request=request)
    return transcript


def being_dictated(clinic: Clinic) -> AsyncRequest:
    facts = {"session__clinic": clinic, "session__kind": "dictation", "vendor": "suki", "state": "submitting"}
    request = of_request(facts)
    submission = request.submissions.get()
    Submission.objects.filter(pk=submission.pk).update(sent_ms=21_000)
    for number, (text, is_final) in enumerate([("The pain began on Monday.", True), ("It is bet", False)], start=1):
        Utterance.objects.create(clinic=clinic, submission=submission, number=number, text=text, is_final=is_final)
    return request


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


def revised(clinic: Clinic, reviewer: User) -> Note:
    """Claimed, something typed into its last section, and then written anew by its vendor without that one."""
    by, note = Actor(AccessEntry.Actor.USER, str(reviewer.pk)), consulted(clinic)
    review.claim(note.pk, by)
    texts = [section.text for section in note.sections.all()]
    review.keep_draft(note.pk, by, 1, Words(note.title, (*texts[:-1], "Typed into what is gone.")))
    write_anew(note)
    return note


def taken_over(clinic: Clinic, reviewer: User) -> Note:
    """The same, and the newer text taken over."""
    note = revised(clinic, reviewer)
    deciding.take(note.pk, Actor(AccessEntry.Actor.USER, str(reviewer.pk)), 1, 2)
    note.refresh_from_db()
    return note


def signed_and_revised(clinic: Clinic, reviewer: User) -> Note:
    by, note = Actor(AccessEntry.Actor.USER, str(reviewer.pk)), consulted(clinic)
    review.approve(note.pk, by)
    review.sign(note.pk, by, 1)
    write_anew(note)
    return note


def write_anew(note: Note) -> None:
    """By the vendor: other words in the first section, a new one, and none of the last."""
    kept = [Section(row.key, row.title, row.text) for row in note.sections.all()][1:-1]
    first = Section("CHIEF_COMPLAINT", "Chief complaint", "Headaches for three weeks, on the left side.")
    new = Section("FOLLOW_UP", "Follow-up", "In two weeks.")
    origin = Origin(note.clinic_id, note.session_id, note.request_id, note.vendor, note.language, note.template)
    revise_notes([(origin, NoteText("Headache", (first, *kept, new)), None)])
    note.refresh_from_db()
