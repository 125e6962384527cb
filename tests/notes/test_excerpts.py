"""Of what was found the place is shown: the first that has all the words, else the first that has one."""

from __future__ import annotations

from typing import Any

import pytest

from access.models import Clinic
from notes.excerpts import MOST_LINES, excerpts
from notes.models import Note, NoteSection, Transcript
from tests.factories import AsyncRequestFactory, NoteFactory, NoteSectionFactory, TranscriptFactory


def said(clinic: Clinic, *texts: str, **facts: Any) -> Transcript:
    request = AsyncRequestFactory(session__clinic=clinic, ready=True)
    made: Transcript = TranscriptFactory(
        request=request, lines=[{"text": text, "speaker": "patient"} for text in texts], **facts
    )
    return made


def noted(spoken: Transcript, title: str, *texts: str) -> Note:
    note: Note = NoteFactory(request=spoken.request, title=title, text=texts[0])
    for position, text in enumerate(texts[1:], 2):
        NoteSectionFactory(note=note, position=position, title=f"Section {position}", text=text)
    return note


def place(row: Note | Transcript, words: str) -> str:
    """The text that is shown, the match in brackets; empty where there is none."""
    found = excerpts([row], words).get(row.pk)
    return "".join(f"[{text}]" if is_match else text for is_match, text in found.parts) if found else ""


def test_the_first_line_is_shown_that_has_the_word(clinic: Clinic) -> None:
    spoken = said(clinic, "Nothing.", "A knee, first.", "A knee, second.")
    assert place(spoken, "knees") == "A [knee], first."


def test_a_line_with_all_the_words_comes_before_one_with_some(clinic: Clinic) -> None:
    spoken = said(clinic, "The knee.", "It clicks.", "The knee clicks.", "Clicking knees.")
    assert place(spoken, "knee clicking") == "The [knee] [clicks]."
    assert place(spoken, "knee -clicking") == "The [knee]."
    assert place(spoken, "elbow OR clicks") == "It [clicks]."


def test_words_that_no_line_has_together_are_shown_one_by_one(clinic: Clinic) -> None:
    assert place(said(clinic, "Nothing.", "It clicks.", "The knee."), "knee clicks") == "It [clicks]."


def test_of_a_note_the_title_comes_first_then_its_sections_then_what_was_said(clinic: Clinic) -> None:
    note = noted(said(clinic, "My knee, my hip, my toe, my ear."), "Knee", "Knee and hip.", "Knee, hip and toe.")
    NoteSection.objects.filter(note=note, position=1).update(position=3)  # what comes first need not be written first
    assert place(note, "knee") == "[Knee]"
    assert place(note, "hip") == "Knee, [hip] and toe."
    assert place(note, "ear knee") == "My [knee], my hip, my toe, my [ear]."


@pytest.mark.parametrize("number", [2_999, MOST_LINES - 1])
def test_what_is_said_at_the_end_of_a_long_consultation_is_shown(clinic: Clinic, number: int) -> None:
    spoken = said(clinic, *["Yes, go on."] * number, "My knee clicks.", "Yes.")
    assert place(spoken, "knee") == "My [knee] clicks."
    assert place(noted(spoken, "Review", "Nothing new."), "knee") == "My [knee] clicks."


def test_what_is_said_after_more_lines_than_that_is_found_and_not_shown(clinic: Clinic) -> None:
    assert place(said(clinic, *["Yes."] * MOST_LINES, "My knee clicks."), "knee") == ""


def test_what_is_in_no_one_place_is_not_shown(clinic: Clinic) -> None:
    note = noted(said(clinic, "My knee clicks."), "Review", "Nothing new.")
    assert place(note, "-elbow") == place(note, '"clicks nothing"') == place(note, "the") == ""


def test_each_row_has_its_own(clinic: Clinic) -> None:
    one, other, neither = said(clinic, "Left knee."), said(clinic, "Right knee."), said(clinic, "Elbow.")
    found = excerpts([one, other, neither], "knee")
    assert {pk: "".join(text for _, text in excerpt.parts) for pk, excerpt in found.items()} == {
        one.pk: "Left knee.",
        other.pk: "Right knee.",
    }
    assert excerpts([], "knee") == {}
