from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from access.models import AccessEntry, Clinic
from tests.admin.rows import FOR_MEMBERS, SAID, WRITTEN, Consultation, consultation, page_of
from tests.factories import AsyncRequestFactory, NoteFactory, NoteSectionFactory, SubmissionFactory


@pytest.fixture
def rows(clinic: Clinic) -> Consultation:
    return consultation(clinic)


def text_of(desk: Client, row: Any) -> str:
    """What a reader sees: the page without its tags, each run of spaces one."""
    response = desk.get(page_of(row))
    assert response.status_code == 200
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode().partition("<main")[2]).split())


def test_a_session_shows_its_audio_requests_and_notes(viewer: Client, rows: Consultation) -> None:
    page = viewer.get(page_of(rows["ingest_session"])).content.decode()
    assert page_of(rows["ingest_asyncrequest"]) in page
    assert page_of(rows["notes_note"]) in page
    assert "1:05" in page
    assert "audio/flac" in page


def test_a_request_shows_its_tries_answers_and_results(viewer: Client, rows: Consultation) -> None:
    request = rows["ingest_asyncrequest"]
    page = viewer.get(page_of(request)).content.decode()
    assert request.submissions.get().client_request_id in page
    for name in ("ingest_callback", "notes_note", "notes_transcript", "ingest_session"):
        assert page_of(rows[name]) in page
    assert SAID not in page


STORIES = [
    ({}, {}, "It waits to be sent"),
    ({}, {"attempts": 2, "error_message": "Busy"}, "tried 2 times without success: Busy. It is tried again by itself"),
    ({"state": "submitting"}, {}, "being sent to the vendor at this moment"),
    ({"waiting": True}, {}, "The vendor has it and is at work."),
    ({"ready": True}, {}, "everything that was asked for is here"),
    ({"failed": True}, {}, "The vendor refused. Retry asks the vendor again."),
    ({"failed": True, "failure_retryable": False}, {}, "Put the cause right first"),
    ({"failed": True, "submitted_elsewhere": True}, {}, "ask again there"),
    ({"cancelled": True}, {}, "It was given up."),
]


@pytest.mark.parametrize(("request_is", "submission_is", "told"), STORIES)
def test_a_request_tells_where_it_stands(
    viewer: Client, clinic: Clinic, request_is: dict[str, Any], submission_is: dict[str, Any], told: str
) -> None:
    request = AsyncRequestFactory(session__clinic=clinic, **request_is)
    SubmissionFactory(request=request, **submission_is)
    page = viewer.get(page_of(request)).content.decode()
    assert told in text_of(viewer, request)
    assert page.count('aria-current="step"') == 1


def test_steps_still_ahead_show_no_time_of_an_earlier_try(viewer: Client, clinic: Clinic) -> None:
    request = AsyncRequestFactory(session__clinic=clinic, submitted_at=timezone.now())
    SubmissionFactory(request=request, number=2)
    assert viewer.get(page_of(request)).content.decode().count("<time ") == 1


@pytest.mark.parametrize(("elsewhere", "told"), [(False, "Retry asks the vendor again"), (True, "ask again there")])
def test_an_overdue_request_says_what_to_do(viewer: Client, clinic: Clinic, elsewhere: bool, told: str) -> None:
    since = timezone.now() - timedelta(minutes=95)
    request = AsyncRequestFactory(
        session__clinic=clinic, waiting=True, waiting_since=since, submitted_elsewhere=elsewhere
    )
    SubmissionFactory(request=request)
    assert "No answer has come for longer than usual" in text_of(viewer, request)
    assert "Waiting for 1 h 35 min" in text_of(viewer, request)
    assert told in text_of(viewer, request)


def test_a_transcript_is_lines_to_read(viewer: Client, rows: Consultation) -> None:
    shown = text_of(viewer, rows["notes_transcript"])
    assert f"1:01 Patient {SAID}" in shown
    assert not set("{}[]") & set(shown)


def test_a_note_is_text_beside_its_transcript(viewer: Client, rows: Consultation) -> None:
    note = rows["notes_note"]
    NoteSectionFactory(note=note, position=2, key="SOCIAL_HISTORY", title="", text="Smokes.\nLives alone.")
    now = [{"key": section.key, "title": section.title, "text": section.text} for section in note.sections.all()]
    note.versions.update(sections=now)
    shown = text_of(viewer, note)
    assert f"Chief complaint {WRITTEN}" in shown
    assert "SOCIAL_HISTORY Smokes." in shown
    assert "Smokes.\nLives alone." in viewer.get(page_of(note)).content.decode()
    assert f"1:01 Patient {SAID}" in shown
    assert "Knee pain needs review" in shown
    assert "Nabla: the vendor's own text" in shown
    assert not set("{}[]") & set(shown)


def test_a_note_without_title_or_transcript(viewer: Client, clinic: Clinic) -> None:
    shown = text_of(viewer, NoteFactory(request__session__clinic=clinic, title=""))
    assert "Untitled note" in shown
    assert "No transcript" in shown


def test_lines_without_time_or_speaker_are_shown(viewer: Client, rows: Consultation) -> None:
    transcript = rows["notes_transcript"]
    transcript.lines = [{"text": "Knee <b>stable</b>.", "speaker": None, "start_offset_ms": None}, {"text": "Next."}]
    transcript.save()
    page = viewer.get(page_of(transcript)).content.decode()
    assert "Knee &lt;b&gt;stable&lt;/b&gt;." in page
    assert "Next." in page


def read(name: str) -> set[tuple[str, str]]:
    entries = AccessEntry.objects.filter(action="read", actor_kind="user", object_type=name)
    return {(entry.object_type, str(key)) for entry in entries for key in entry.object_ids}


def test_opening_a_note_or_transcript_is_logged(viewer: Client, rows: Consultation, clinic: Clinic) -> None:
    AccessEntry.objects.all().delete()
    viewer.get(page_of(rows["notes_transcript"]))
    assert read("transcript") == {("transcript", str(rows["notes_transcript"].pk))}
    assert not read("note")
    viewer.get(page_of(rows["notes_note"]))
    assert read("note") == {("note", str(rows["notes_note"].pk))}
    assert AccessEntry.objects.filter(object_type="transcript").count() == 2
    assert set(AccessEntry.objects.values_list("clinic", flat=True)) == {clinic.pk}


@pytest.mark.parametrize("name", FOR_MEMBERS)
def test_a_page_is_fit_for_a_strict_content_security_policy(viewer: Client, rows: Consultation, name: str) -> None:
    page = viewer.get(page_of(rows[name])).content.decode()
    assert not re.findall(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", page)
