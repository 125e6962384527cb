"""A dictation becomes a note when somebody starts one: its words where the speaker wanted them, none lost."""

from __future__ import annotations

import pytest

from access import log
from access.models import Clinic
from notes import dictation
from notes.dictation import TEMPLATES, sections
from notes.models import Note, NoteVersion, Transcript
from notes.review import NotNow
from tests.factories import AsyncRequestFactory, TranscriptFactory

SAID = "Mrs Smith, follow-up. Subjective: the knee is better. Plan. Physiotherapy for six weeks."


@pytest.fixture
def dictated(clinic: Clinic) -> Transcript:
    request = AsyncRequestFactory(session__clinic=clinic, session__kind="dictation", ready=True)
    made: Transcript = TranscriptFactory(request=request, lines=[{"text": SAID, "speaker": "clinician"}])
    return made


def laid_out(text: str, template: str = "SOAP") -> dict[str, str]:
    return {section.title: section.text for section in sections(text, TEMPLATES[template])}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (SAID, {"Subjective": "Mrs Smith, follow-up.\nthe knee is better.", "Plan": "Physiotherapy for six weeks."}),
        ("All of it is one thought.", {"Subjective": "All of it is one thought."}),
        ("PLAN: rest.\nplan: and ice.", {"Plan": "rest.\nand ice."}),
        ("The plan is to rest.", {"Subjective": "The plan is to rest."}),
        ("We plan. Assessment", {"Subjective": "We plan.", "Assessment": ""}),
        ("Plan B is no plan: rest.", {"Subjective": "Plan B is no plan: rest."}),
    ],
)
def test_words_go_where_the_speaker_names_a_section(text: str, found: dict[str, str]) -> None:
    empty = dict.fromkeys(TEMPLATES["SOAP"].values(), "")
    assert laid_out(text) == {**empty, **found}


@pytest.mark.parametrize("template", TEMPLATES)
def test_no_word_is_lost(template: str) -> None:
    text = "One two. Plan: three four. Objective. Five. Current medications: six."
    kept = " ".join(laid_out(text, template).values()).lower()
    assert all(word in kept for word in ("one", "two", "three", "four", "five", "six"))


def test_it_is_a_note_to_be_reviewed_like_any(dictated: Transcript) -> None:
    note = dictation.start_note(dictated, "DICTATION", log.command())
    assert (note.state, note.version, note.request_id) == ("needs_review", 1, dictated.request_id)
    assert [(section.title, section.text) for section in note.sections.all()] == [("Dictation", SAID)]
    assert NoteVersion.objects.get().author is None
    with pytest.raises(NotNow):
        dictation.start_note(dictated, "SOAP", log.command())
    assert Note.objects.count() == 1


@pytest.mark.django_db
def test_silence_makes_no_note(clinic: Clinic) -> None:
    request = AsyncRequestFactory(session__clinic=clinic, session__kind="dictation", ready=True)
    with pytest.raises(NotNow):
        dictation.start_note(TranscriptFactory(request=request, lines=[]), "SOAP", log.command())
