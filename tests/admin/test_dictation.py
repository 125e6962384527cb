"""Notes that reviewers start from dictations."""

from __future__ import annotations

import pytest
from django.test import Client

from access.models import AccessEntry, Clinic
from notes.models import Note, Transcript
from tests.admin.rows import page_of
from tests.factories import AsyncRequestFactory, AudioFactory, SubmissionFactory, TranscriptFactory


@pytest.fixture
def dictated(clinic: Clinic) -> Transcript:
    request = AsyncRequestFactory(session__clinic=clinic, session__kind="dictation", ready=True)
    made: Transcript = TranscriptFactory(request=request, lines=[{"text": "Plan: rest.", "speaker": "clinician"}])
    return made


def test_a_reviewer_starts_it_on_the_transcripts_page(reviewer: Client, dictated: Transcript) -> None:
    page = reviewer.get(page_of(dictated)).content.decode()
    assert 'value="start_note"' in page
    address = page_of(dictated, "press")
    asked = reviewer.post(address, {"action": "start_note"}).content.decode()
    assert "Subjective, Objective, Assessment, Plan" in asked
    reviewer.post(address, {"action": "start_note", "template": "SOAP", "confirm": "yes"})
    note = Note.objects.get()
    assert page_of(note) in reviewer.get(page_of(dictated)).content.decode()
    assert AccessEntry.objects.filter(object_type="note", mode="started", object_ids=[str(note.pk)]).exists()


def test_a_viewer_does_not_and_an_ambient_transcript_has_no_need(
    viewer: Client, reviewer: Client, clinic: Clinic, dictated: Transcript
) -> None:
    assert "start_note" not in viewer.get(page_of(dictated)).content.decode()
    assert viewer.post(page_of(dictated, "press"), {"action": "start_note", "template": "SOAP"}).status_code == 403
    ambient = TranscriptFactory(request=AsyncRequestFactory(session__clinic=clinic, ready=True))
    assert "start_note" not in reviewer.get(page_of(ambient)).content.decode()
    reviewer.post(page_of(ambient, "press"), {"action": "start_note", "template": "DICTATION", "confirm": "yes"})
    assert not Note.objects.exists()


def test_what_is_heard_is_shown_as_it_comes_and_reading_it_is_logged(viewer: Client, clinic: Clinic) -> None:
    request = AsyncRequestFactory(session__clinic=clinic, session__kind="dictation", state="submitting")
    submission = SubmissionFactory(request=request, sent_ms=5000)
    for number, (text, is_final) in enumerate([("The knee <b>hurts</b>.", True), ("And", False)], start=1):
        submission.utterances.create(clinic=clinic, number=number, text=text, is_final=is_final)
    page = viewer.get(page_of(request)).content.decode()
    assert "The vendor is listening: 0:05 of 0:40." in page
    assert "The knee &lt;b&gt;hurts&lt;/b&gt;." in page
    assert "may still change" in page
    assert AccessEntry.objects.get(object_type="asyncrequest").mode == "dictation"
    viewer.get(page_of(request, "live"), headers={"X-Poll": "1"})
    assert AccessEntry.objects.filter(object_type="asyncrequest").count() == 1


def test_where_the_connection_broke_is_told_where_one_listens(viewer: Client, clinic: Clinic) -> None:
    request = AsyncRequestFactory(session__clinic=clinic, session__kind="dictation", vendor="suki", ready=True)
    SubmissionFactory(request=request, broke_at_ms=[21_000, 3_661_000])
    told = "The connection to the vendor broke at 0:21, 1:01:01: what was said just before may be missing."
    for row in (request, TranscriptFactory(request=request)):
        assert told in viewer.get(page_of(row)).content.decode()


def test_by_push_to_talk_each_audio_is_played_by_itself(viewer: Client, clinic: Clinic) -> None:
    facts = {"session__clinic": clinic, "session__kind": "dictation", "vendor": "suki", "ready": True}
    request = AsyncRequestFactory(**facts, audio__number=2, all_audio=True)
    first = AudioFactory(session=request.session, number=1)
    SubmissionFactory(request=request)
    page = page_of(TranscriptFactory(request=request))
    for query, played in (("", first), ("?audio=2", request.audio), ("?audio=1", first), ("?audio=%00", first)):
        shown = viewer.get(page + query).content.decode()
        assert f"/{played.pk}/" in shown
        assert "Audio 1</a> <a" in shown


def test_what_earlier_tries_understood_stays_readable_until_there_is_a_transcript(
    viewer: Client, clinic: Clinic
) -> None:
    request = AsyncRequestFactory(session__clinic=clinic, session__kind="dictation", vendor="suki", state="submitting")
    for number, state, text in ((1, "failed", "What was said first."), (2, "submitting", "What was said then.")):
        tried = SubmissionFactory(request=request, number=number, state=state)
        tried.utterances.create(clinic=clinic, number=1, text=text, is_final=True)
    page = viewer.get(page_of(request)).content.decode()
    assert (
        page.index("Heard so far") < page.index("said then") < page.index("Heard in try 1") < page.index("said first")
    )
