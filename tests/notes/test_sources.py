"""What a vendor says it wrote a section from: kept with its own words, and shown as the vendor's."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from access.models import Clinic
from notes import services, weighing
from notes.models import Note, NoteVersion, Transcript
from notes.services import Origin
from tests.admin.conftest import member
from tests.admin.rows import page_of
from tests.factories import AsyncRequestFactory, SubmissionFactory
from vendors.base import Line, NoteText, Result, Section

pytestmark = pytest.mark.django_db

SAID = tuple(
    Line(text, "unspecified", 1_000 * number, None)
    for number, text in enumerate(["Good morning.", "My left knee clicks when I climb stairs.", "Rest the left knee."])
)
WRITTEN = NoteText(
    "Knee",
    (Section("ASSESSMENT", "Assessment", "Left knee clicks on stairs.", (0, 1)), Section("PLAN", "Plan", "Rest.")),
)
SUKIS, OWN, GUESS = "Source according to Suki<", "Source of Suki's own words<", ">Possible source<"


@pytest.fixture
def origin(clinic: Clinic) -> Origin:
    request = SubmissionFactory(request__session__clinic=clinic, request__vendor="suki", request__ready=True).request
    return Origin(clinic.pk, request.session_id, request.pk, "suki", "en-US", "")


@pytest.fixture
def note(origin: Origin) -> Note:
    services.store_transcripts([(origin, SAID)])
    services.store_notes([(origin, WRITTEN)])
    assert not weighing.weigh_due()
    return Note.objects.get()


@pytest.fixture
def reviewer(clinic: Clinic) -> Client:
    return member(clinic, "reviewer")


def again(origin: Origin) -> Origin:
    """Of another answer to the same request."""
    return Origin(origin.clinic_id, origin.session_id, origin.request_id, "suki", "en-US", "")


def sources() -> list[list[int] | None]:
    return [section.get("sources") for section in NoteVersion.objects.get(number=1).sections]


def of_section(desk: Client, note: Note, number: int) -> str:
    """That section's part of the page."""
    page = desk.get(page_of(note)).content.decode()
    found = re.search(rf'<section id="section-{number}".*?</section>', page, re.DOTALL)
    assert found
    return found[0]


# --- Kept
def test_they_are_kept_with_the_vendors_own_words(note: Note) -> None:
    assert sources() == [[0, 1], None]
    assert [section.text for section in note.sections.all()] == ["Left knee clicks on stairs.", "Rest."]


def test_they_say_nothing_of_a_transcript_that_came_before(origin: Origin) -> None:
    services.store_transcripts([(origin, SAID[1:])])
    later = again(origin)
    services.store_transcripts([(later, SAID)])
    services.store_notes([(later, WRITTEN)])
    assert len(Transcript.objects.get().lines) == 2
    assert sources() == [None, None]


def test_they_say_nothing_without_a_transcript(origin: Origin) -> None:
    services.store_notes([(origin, WRITTEN)])
    assert sources() == [None, None]


def test_other_sources_are_no_other_words(note: Note) -> None:
    first, *others = WRITTEN.sections
    sourced = NoteText("Knee", (Section(first.key, first.title, first.text, (2,)), *others))
    worded = NoteText("Knee", (Section(first.key, first.title, "Right knee.", first.sources), *others))
    for text, differing in ((WRITTEN, set()), (sourced, set()), (worded, {"note"})):
        assert services.differing({note.request_id: Result(transcript=SAID, note=text)})[note.request_id] == differing


def test_fifty_notes_cost_as_many_statements_as_one(clinic: Clinic) -> None:
    counts = []
    for count in (1, 50):
        requests = [AsyncRequestFactory(session__clinic=clinic, vendor="suki", ready=True) for _ in range(count)]
        origins = [Origin(clinic.pk, one.session_id, one.pk, "suki", "en-US", "") for one in requests]
        services.store_transcripts([(one, SAID) for one in origins])
        with CaptureQueriesContext(connection) as asked:
            services.store_notes([(one, WRITTEN) for one in origins])
        counts.append(len(asked))
    assert counts[0] == counts[1]


# --- Shown
def test_a_section_leads_to_its_vendors_sources_and_its_sentences_to_possible_ones(
    reviewer: Client, note: Note
) -> None:
    first, second = of_section(reviewer, note, 0), of_section(reviewer, note, 1)
    assert 'href="#line-0" data-lines="0 1" data-words="source according to Suki">Source according to Suki<' in first
    assert '<a class="lp-sentence" href="#line-1" data-lines="1">' in first
    assert GUESS not in first
    assert GUESS in second
    assert "Suki" not in second


def test_what_was_corrected_has_possible_sources_and_the_vendors_of_its_own_words(reviewer: Client, note: Note) -> None:
    words = {"based_on": "1", "title": "Knee", "text-0": "Right knee clicks on stairs.", "text-1": "Rest."}
    reviewer.post(page_of(note, "save"), words)
    section = of_section(reviewer, note, 0)
    assert 'data-lines="0 1"' in section
    assert OWN in section
    assert SUKIS not in section
    assert GUESS in section
    assert sources() == [[0, 1], None]


def test_words_that_are_typed_and_not_saved_change_nothing_of_it(reviewer: Client, note: Note) -> None:
    words = {"based_on": "1", "title": "Knee", "text-0": "Right knee.", "text-1": "Rest."}
    reviewer.post(page_of(note, "draft"), words)
    assert SUKIS in of_section(reviewer, note, 0)


def test_they_cost_the_page_no_statement(reviewer: Client, note: Note) -> None:
    with CaptureQueriesContext(connection) as sourced:
        reviewer.get(page_of(note))
    plain = [{**section, "sources": []} for section in NoteVersion.objects.get().sections]
    NoteVersion.objects.update(sections=plain)
    with CaptureQueriesContext(connection) as unsourced:
        reviewer.get(page_of(note))
    assert len(sourced) == len(unsourced)
