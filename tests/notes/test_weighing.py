"""Evidence is made by the worker, for the newest version, and shown on the note's page."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from access.log import Actor, Kind
from access.models import Clinic
from notes import quiet, review, weighing
from notes.models import Dismissal, Evidence, Note
from tests.admin.conftest import member
from tests.admin.rows import page_of
from tests.factories import NoteFactory, TranscriptFactory, UserFactory

pytestmark = pytest.mark.django_db

SAID = [
    "What brings you in?",
    "My left knee clicks when I climb stairs.",
    "Take ibuprofen, forty milligrams.",
    "I have no fever.",
]


def line(text: str, number: int) -> dict[str, object]:
    return {"text": text, "speaker": "patient", "start_offset_ms": 1000 * number, "end_offset_ms": 1000 * number + 900}


@pytest.fixture
def reviewer(clinic: Clinic) -> Client:
    return member(clinic, "reviewer")


@pytest.fixture
def note(clinic: Clinic) -> Note:
    note: Note = NoteFactory(request__session__clinic=clinic, text="Left knee clicks on stairs. Ibuprofen 400 mg.")
    TranscriptFactory(request=note.request, lines=[line(text, number) for number, text in enumerate(SAID)])
    return note


def weighed() -> None:
    assert not weighing.weigh_due()
    assert not weighing.is_due()


def test_each_version_is_weighed_once(note: Note) -> None:
    weighed()
    found = Evidence.objects.get(note=note)
    assert (found.version, found.sources[0]) == (1, [0, 0, 27, [1]])
    assert [said for *_, said in found.unsaid] == ["400 mg"]
    assert found.unreflected == [[3, "negation"]], "a line whose dose the note gets wrong is warned of there"
    review.edit(note.pk, Actor(Kind.USER, str(UserFactory().pk)), 1, review.Words(note.title, ("No fever.",)))
    assert weighing.is_due()
    weighed()
    found = Evidence.objects.get(note=note)
    assert (found.version, found.unsaid) == (2, [])


def test_a_note_without_a_transcript_has_no_evidence_and_is_not_asked_again(clinic: Clinic) -> None:
    NoteFactory(request__session__clinic=clinic)
    weighed()
    assert not Evidence.objects.exists()


def test_a_version_that_was_saved_meanwhile_is_weighed_in_its_turn(note: Note) -> None:
    before = Note.objects.prefetch_related("sections").get(pk=note.pk)
    review.edit(note.pk, Actor(Kind.USER, str(UserFactory().pk)), 1, review.Words(note.title, ("No fever.",)))
    weighing.weigh(before, note.request.transcript.lines)
    assert not Evidence.objects.exists()
    assert weighing.is_due()
    weighed()
    assert Evidence.objects.get().version == 2


def test_quiet_work_ends(note: Note) -> None:
    Note.objects.update(search=None)
    for _ in range(3):
        quiet.go_on()
    assert not quiet.is_due()


def test_asking_whether_something_is_due_reads_indexes_alone(note: Note) -> None:
    weighed()
    with CaptureQueriesContext(connection) as asked, connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        weighing.is_due()
        cursor.execute(f"EXPLAIN {asked.captured_queries[-1]['sql']}")
        assert "note_unweighed" in str(cursor.fetchall())


def test_the_page_shows_sources_doubts_and_omissions(reviewer: Client, note: Note) -> None:
    assert "Sources are being looked for." in reviewer.get(page_of(note)).content.decode()
    weighed()
    page = reviewer.get(page_of(note)).content.decode()
    assert '<a class="lp-sentence" href="#line-1" data-lines="1">Left knee clicks on stairs.</a>' in page
    assert "<mark>400 mg</mark>" in page
    assert "2 warnings" in page
    assert "was said at 0:03, with a negation: no section reflects it." in page


def test_a_warning_is_set_aside_with_a_reason_and_stays_so_in_later_versions(reviewer: Client, note: Note) -> None:
    weighed()
    key = reviewer.get(page_of(note)).context["warnings"][0].key
    reviewer.post(page_of(note, "dismiss"), {"warning": key, "reason": "Not relevant for the note"})
    page = reviewer.get(page_of(note))
    assert len(page.context["warnings"]) == 1
    assert "Not relevant for the note" in page.content.decode()
    reviewer.post(
        page_of(note, "save"),
        {"based_on": "1", "title": note.title, "text-0": "Left knee clicks on stairs. Ibuprofen 400 mg daily."},
    )
    weighed()
    assert [finding.key for finding in reviewer.get(page_of(note)).context["dismissed"]] == [key]


@pytest.mark.parametrize(
    "sent", [{}, {"warning": "x", "reason": "Not relevant for the note"}, {"warning": "0" * 32, "reason": "because"}]
)
def test_a_warning_is_not_set_aside_without_one_of_the_reasons(
    reviewer: Client, note: Note, sent: dict[str, str]
) -> None:
    assert reviewer.post(page_of(note, "dismiss"), sent).status_code == 302
    assert not Dismissal.objects.exists()
