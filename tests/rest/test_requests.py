from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from access.models import Clinic
from ingest.models import AsyncRequest, Inquiry, Session, Submission
from tests.factories import (
    AsyncRequestFactory,
    AudioFactory,
    NoteFactory,
    SessionFactory,
    SubmissionFactory,
    TranscriptFactory,
    VendorAccountFactory,
)
from tests.rest.api import Api, assert_problem

BOTH = {"vendor": "nabla", "output_objects": ["transcript_item", "note"]}


@pytest.fixture
def session(clinic: Clinic) -> Session:
    """Ready to be asked about."""
    VendorAccountFactory(clinic=clinic)
    return AudioFactory(session=SessionFactory(clinic=clinic, language="fr-FR"), number=1).session


def test_a_request_is_accepted_and_shown(api: Api, session: Session) -> None:
    response = api.post(f"sessions/{session.pk}/requests", BOTH)
    assert response.status_code == 202
    shown = response.json()
    request = AsyncRequest.objects.get()
    assert response["Location"] == f"http://testserver/api/v1/requests/{request.pk}"
    assert api.get(response["Location"]).json() == shown
    submission = Submission.objects.get()
    expected = {
        "id": str(request.pk),
        "session": str(session.pk),
        "vendor": "nabla",
        "client_request_id": submission.client_request_id,
        "request_id": None,
        "call_id": None,
        "state": "queued",
        "overdue": False,
        "attempts": 0,
        "progress": None,
        "failure": None,
        "transcript": None,
        "note": None,
        "submitted_at": None,
        "finished_at": None,
        "language": "fr-FR",
    }
    assert shown | expected == shown
    assert shown["next_attempt_at"].endswith("Z")


def test_every_wish_reaches_the_request(api: Api, session: Session) -> None:
    earlier = session.audio.get()
    AudioFactory(session=session, number=2)
    wishes = {
        "audio": str(earlier.pk),
        "output_objects": ["note"],
        "language": "en-GB",
        "split_by_sentence": True,
        "section_style": "bullet_points",
        "split_by_problem": True,
        "note_template": "SOAP",
        "client_request_id": "  mine, with spaces\t",
    }
    shown = api.post(f"sessions/{session.pk}/requests", BOTH | wishes).json()
    assert shown | wishes == shown


def test_the_latest_audio_is_sent_unless_another_is_named(api: Api, session: Session) -> None:
    latest = AudioFactory(session=session, number=2)
    assert api.post(f"sessions/{session.pk}/requests", BOTH).json()["audio"] == str(latest.pk)


@pytest.fixture
def dictation(clinic: Clinic) -> Session:
    """By push-to-talk, in three audio files of 40 s."""
    VendorAccountFactory(clinic=clinic, vendor="suki", credentials={"partner_id": "p", "partner_token": "t"})
    session: Session = SessionFactory(clinic=clinic, kind="dictation")
    for number in (1, 2, 3):
        AudioFactory(session=session, number=number)
    return session


DICTATED = {"vendor": "suki", "output_objects": ["transcript_item"]}


@pytest.mark.parametrize(("last", "sent"), [(3, [1, 2, 3]), (2, [1, 2]), (1, [1])])
def test_all_audio_of_a_dictation_is_sent_one_after_the_other(
    api: Api, dictation: Session, last: int, sent: list[int]
) -> None:
    named = {} if last == 3 else {"audio": str(dictation.audio.get(number=last).pk)}
    shown = api.post(f"sessions/{dictation.pk}/requests", DICTATED | named | {"all_audio": True}).json()
    request = AsyncRequest.objects.get(pk=shown["id"])
    assert shown["all_audio"] is True
    assert [audio.number for audio in request.audio_in_order()] == sent
    Submission.objects.filter(request=request).update(sent_ms=30_000, broke_at_ms=[7_000])
    shown = api.get(f"requests/{request.pk}").json()
    assert shown["progress"] == {"done": 30_000, "of": 40_000 * len(sent)}
    assert shown["broke_at_ms"] == [7_000]


def test_audio_that_comes_later_is_not_part_of_what_was_asked(api: Api, dictation: Session) -> None:
    shown = api.post(f"sessions/{dictation.pk}/requests", DICTATED | {"all_audio": True}).json()
    AudioFactory(session=dictation, number=4)
    assert len(AsyncRequest.objects.get(pk=shown["id"]).audio_in_order()) == 3


def test_a_vendor_that_takes_one_audio_is_not_asked_for_several(api: Api, session: Session, dictation: Session) -> None:
    response = api.post(f"sessions/{session.pk}/requests", BOTH | {"all_audio": True})
    assert_problem(response, 422, "all_audio")
    Session.objects.filter(pk=dictation.pk).update(kind="ambient")
    response = api.post(f"sessions/{dictation.pk}/requests", DICTATED | {"all_audio": True})
    assert_problem(response, 422, "all_audio")
    assert not AsyncRequest.objects.exists()


def test_nothing_is_sent_of_what_was_submitted_elsewhere(api: Api, dictation: Session) -> None:
    wish = DICTATED | {"all_audio": True, "submitted_elsewhere": True}
    assert_problem(api.post(f"sessions/{dictation.pk}/requests", wish), 422, "all_audio")


def test_what_lasts_longer_than_a_day_is_refused(api: Api, dictation: Session) -> None:
    dictation.audio.update(duration_ms=2_000_000_000)
    response = api.post(f"sessions/{dictation.pk}/requests", DICTATED | {"all_audio": True})
    assert_problem(response, 422, "all_audio")


def test_a_vendor_that_has_to_be_asked_is_asked_by_its_own_id(api: Api, dictation: Session) -> None:
    elsewhere = {"vendor": "suki", "output_objects": ["note"], "submitted_elsewhere": True}
    session = SessionFactory(clinic=dictation.clinic)
    assert_problem(api.post(f"sessions/{session.pk}/requests", elsewhere), 422, "request_id")
    for named in ({"request_id": "theirs"}, {"client_request_id": "ours-and-theirs"}):
        shown = api.post(f"sessions/{session.pk}/requests", elsewhere | named).json()
        assert (shown["state"], shown["request_id"]) == ("waiting", next(iter(named.values())))
        assert Inquiry.objects.filter(submission__request=shown["id"]).exists()


def test_a_name_of_its_own_is_not_the_vendors(api: Api, dictation: Session) -> None:
    """Else the vendor would never be asked to make its session."""
    shown = api.post(f"sessions/{dictation.pk}/requests", DICTATED | {"client_request_id": "visit-17"}).json()
    assert (shown["client_request_id"], shown["request_id"]) == ("visit-17", None)


def test_where_it_broke_is_told_of_the_try_that_was_answered(api: Api, clinic: Clinic) -> None:
    request = AsyncRequestFactory(session__clinic=clinic, vendor="suki", ready=True)
    SubmissionFactory(request=request, state="answered", broke_at_ms=[20_000])
    SubmissionFactory(request=request, number=2, state="replaced")
    assert api.get(f"requests/{request.pk}").json()["broke_at_ms"] == [20_000]


def test_a_dictation_that_was_made_elsewhere_has_no_answer_to_come(api: Api, dictation: Session) -> None:
    wish = DICTATED | {"submitted_elsewhere": True, "request_id": "theirs"}
    assert_problem(api.post(f"sessions/{dictation.pk}/requests", wish), 422, "submitted_elsewhere")


def test_a_request_submitted_elsewhere_waits_without_audio_or_account(api: Api, clinic: Clinic) -> None:
    session = SessionFactory(clinic=clinic)
    shown = api.post(f"sessions/{session.pk}/requests", BOTH | {"submitted_elsewhere": True}).json()
    assert (shown["state"], shown["audio"], shown["next_attempt_at"]) == ("waiting", None, None)


def test_a_client_request_id_is_used_once_in_a_clinic(api: Api, session: Session, stranger: Api) -> None:
    named = BOTH | {"client_request_id": "mine", "submitted_elsewhere": True}
    assert api.post(f"sessions/{session.pk}/requests", named).status_code == 202
    assert_problem(api.post(f"sessions/{session.pk}/requests", named), 409)
    assert AsyncRequest.objects.count() == 1
    theirs = stranger.post("sessions", {"kind": "ambient", "language": "en-US", "consent": True}).json()["id"]
    assert stranger.post(f"sessions/{theirs}/requests", named).status_code == 202


@pytest.mark.parametrize("name", ["𝄞" * 128, " ", " mine\t\n", "ﬁ", "0", "null", "a/b?c#d%00", "<&\"'>"])
def test_a_client_request_id_may_be_any_string_up_to_128_characters(api: Api, session: Session, name: str) -> None:
    shown = api.post(f"sessions/{session.pk}/requests", BOTH | {"client_request_id": name}).json()
    assert shown["client_request_id"] == name


def test_what_the_vendor_cannot_grant_is_refused_field_by_field(api: Api, session: Session) -> None:
    wishes = BOTH | {"language": "es-ES", "section_style": "rhyme", "note_template": "POETRY"}
    response = api.post(f"sessions/{session.pk}/requests", wishes)
    assert_problem(response, 422, "language", "section_style", "note_template")
    assert not AsyncRequest.objects.exists()


def test_an_english_template_is_refused_in_french(api: Api, session: Session) -> None:
    response = api.post(f"sessions/{session.pk}/requests", BOTH | {"note_template": "SOAP_WCC"})
    assert_problem(response, 422, "note_template")


def test_an_unknown_vendor_is_refused(api: Api, session: Session) -> None:
    assert_problem(api.post(f"sessions/{session.pk}/requests", BOTH | {"vendor": "acme"}), 422, "vendor")


def test_without_consent_nothing_is_asked(api: Api, session: Session) -> None:
    Session.objects.update(consent=False)
    assert_problem(api.post(f"sessions/{session.pk}/requests", BOTH), 422, "consent")


def test_without_audio_or_account_nothing_is_asked(api: Api, clinic: Clinic) -> None:
    session = SessionFactory(clinic=clinic)
    assert_problem(api.post(f"sessions/{session.pk}/requests", BOTH), 422, "audio", "vendor")


def test_audio_of_another_session_is_refused(api: Api, session: Session, clinic: Clinic) -> None:
    for audio in (AudioFactory(session=SessionFactory(clinic=clinic)), AudioFactory()):
        response = api.post(f"sessions/{session.pk}/requests", BOTH | {"audio": str(audio.pk)})
        assert_problem(response, 422, "audio")


def shown(api: Api, request: AsyncRequest) -> dict[str, Any]:
    document: dict[str, Any] = api.get(f"requests/{request.pk}").json()
    return document


def test_a_failed_request_says_why(api: Api, clinic: Clinic) -> None:
    request = SubmissionFactory(request=AsyncRequestFactory(session__clinic=clinic, failed=True)).request
    failure = {"code": "vendor_error", "message": "The vendor refused.", "retryable": True}
    assert shown(api, request)["failure"] == failure


def test_a_request_shows_its_current_submission(api: Api, clinic: Clinic) -> None:
    request = AsyncRequestFactory(session__clinic=clinic, waiting=True)
    SubmissionFactory(request=request, number=1, state="replaced", vendor_request_id="old", attempts=8)
    current = SubmissionFactory(request=request, number=2, vendor_request_id="NEW", attempts=3)
    document = shown(api, request)
    assert (document["request_id"], document["client_request_id"]) == ("NEW", current.client_request_id)
    assert (document["attempts"], document["next_attempt_at"]) == (3, None)


def test_a_request_that_waits_too_long_is_overdue(api: Api, clinic: Clinic, settings: Any) -> None:
    settings.CALLBACK_OVERDUE_SECONDS = 60
    request = SubmissionFactory(request=AsyncRequestFactory(session__clinic=clinic, waiting=True)).request
    assert shown(api, request)["overdue"] is False
    AsyncRequest.objects.update(waiting_since=timezone.now() - timedelta(seconds=61))
    assert shown(api, request)["overdue"] is True


def test_a_ready_request_names_what_came_of_it(api: Api, clinic: Clinic) -> None:
    request = SubmissionFactory(request=AsyncRequestFactory(session__clinic=clinic, ready=True)).request
    transcript, note = TranscriptFactory(request=request), NoteFactory(request=request)
    document = shown(api, request)
    assert (document["transcript"], document["note"]) == (str(transcript.pk), str(note.pk))


def listed(api: Api, path: str) -> list[str]:
    return [row["id"] for row in api.get(path).json()["results"]]


def test_requests_are_listed_by_state_and_session(api: Api, clinic: Clinic) -> None:
    queued, failed = (
        SubmissionFactory(request__session__clinic=clinic).request,
        SubmissionFactory(request=AsyncRequestFactory(session=SessionFactory(clinic=clinic), failed=True)).request,
    )
    SubmissionFactory()
    assert listed(api, "requests") == [str(failed.pk), str(queued.pk)]
    assert listed(api, "requests?state=failed") == [str(failed.pk)]
    assert listed(api, f"requests?session={queued.session_id}") == [str(queued.pk)]


def test_a_failed_request_is_retried_under_a_new_name(api: Api, clinic: Clinic) -> None:
    first = SubmissionFactory(request=AsyncRequestFactory(session__clinic=clinic, failed=True))
    response = api.post(f"requests/{first.request.pk}/retry")
    assert response.status_code == 202
    assert response["Location"].endswith(f"/api/v1/requests/{first.request.pk}")
    assert response.json()["state"] == "queued"
    assert response.json()["client_request_id"] != first.client_request_id


def test_a_ready_request_is_neither_retried_nor_cancelled(api: Api, clinic: Clinic) -> None:
    request = SubmissionFactory(request=AsyncRequestFactory(session__clinic=clinic, ready=True)).request
    for action in ("retry", "cancel"):
        assert "already" in assert_problem(api.post(f"requests/{request.pk}/{action}"), 409)["detail"]


def test_a_request_is_cancelled_however_often(api: Api, clinic: Clinic) -> None:
    request = SubmissionFactory(request__session__clinic=clinic).request
    for _ in range(2):
        response = api.post(f"requests/{request.pk}/cancel")
        assert (response.status_code, response.json()["state"]) == (200, "cancelled")
