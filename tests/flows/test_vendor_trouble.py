"""Each way in which a vendor lets us down: nothing is lost, nothing is doubled."""

from __future__ import annotations

import time
from typing import Any

import pytest

from ingest.models import Callback, Submission
from notes.models import Note
from tests.flows.clinic import Clinic, Sandbox, eventually

pytestmark = pytest.mark.usefixtures("rows")


def submissions(request: dict[str, Any]) -> list[Submission]:
    return list(Submission.objects.filter(request=request["id"]).order_by("number"))


def callbacks(request: dict[str, Any], count: int) -> set[str]:
    """The states of a request's callbacks once there are so many and all are processed."""

    def look() -> list[str] | None:
        states = list(Callback.objects.filter(request=request["id"]).values_list("state", flat=True))
        return states if len(states) == count and "stored" not in states else None

    return set(eventually(look, what=f"{count} callbacks processed"))


@pytest.mark.parametrize("fault", [{"fault": "submit_500"}, {"fault": "submit_429"}])
def test_a_refusal_that_passes_is_tried_again(clinic: Clinic, sandbox: Sandbox, fault: dict[str, str]) -> None:
    sandbox.fault(**fault, times=2)
    request = clinic.ready(clinic.consult())
    assert request["attempts"] == 3
    assert len(submissions(request)) == 1


def test_retry_after_is_honoured(clinic: Clinic, sandbox: Sandbox) -> None:
    sandbox.fault("submit_429", retry_after=4, times=1)
    begun = time.monotonic()
    clinic.ready(clinic.consult())
    assert time.monotonic() - begun >= 4


def test_a_permanent_refusal_fails_with_a_plain_reason(clinic: Clinic, sandbox: Sandbox) -> None:
    sandbox.fault("submit_4xx", status=401, code=50025, times=1)
    failed = clinic.until(clinic.consult(), "failed")
    assert failed["attempts"] == 1
    assert "key" in failed["failure"]["message"]


def test_a_submit_whose_answer_never_came_is_accepted_by_its_409(clinic: Clinic, sandbox: Sandbox) -> None:
    """The vendor has it and says nothing; the repeat under the same id is refused as already used: so wait."""
    sandbox.fault("accept_then_timeout", times=1)
    sandbox.fault("callback_lost", times=1)
    request = clinic.until(clinic.consult(), "waiting", within=60)
    assert request["attempts"] == 2
    sandbox.send_callback(request["client_request_id"])
    ready = clinic.ready(request)
    assert len(submissions(ready)) == 1


def test_a_callback_that_comes_before_the_submits_own_answer_applies(clinic: Clinic, sandbox: Sandbox) -> None:
    sandbox.fault("callback_early", times=1)
    request = clinic.ready(clinic.consult())
    time.sleep(1)  # the late outcome of the submit must not undo it
    again = clinic.request(request)
    assert again["state"] == "ready"
    assert again["request_id"]


@pytest.mark.parametrize("fault", ["callback_doubled", "callback_tripled_at_once"])
def test_repeats_change_nothing(clinic: Clinic, sandbox: Sandbox, fault: str) -> None:
    sandbox.fault(fault, times=1)
    request = clinic.ready(clinic.consult())
    assert callbacks(request, 1) == {"applied"}
    assert Note.objects.filter(request=request["id"]).count() == 1


def test_a_lost_callback_is_overdue_and_asked_for_again(clinic: Clinic, sandbox: Sandbox) -> None:
    sandbox.fault("callback_lost", times=1)
    request = clinic.until(clinic.consult(), "waiting")
    clinic.call("POST", f"requests/{request['id']}/retry", 409)
    eventually(lambda: clinic.request(request)["overdue"])
    again = clinic.call("POST", f"requests/{request['id']}/retry", 202)
    assert again["client_request_id"] != request["client_request_id"]
    ready = clinic.ready(request)
    assert [s.state for s in submissions(ready)] == ["replaced", "answered"]


def test_of_two_tries_the_first_success_wins(clinic: Clinic, sandbox: Sandbox) -> None:
    """Asked again, then the old try's callback comes after all, before the new one's."""
    sandbox.fault("callback_lost", times=2)
    request = clinic.until(clinic.consult(), "waiting")
    eventually(lambda: clinic.request(request)["overdue"])
    clinic.call("POST", f"requests/{request['id']}/retry", 202)
    second = eventually(lambda: (now := clinic.request(request))["state"] == "waiting" and now)
    sandbox.send_callback(request["client_request_id"])
    ready = clinic.ready(request)
    sandbox.send_callback(second["client_request_id"])
    assert callbacks(ready, 2) == {"applied", "not_applied"}
    assert clinic.request(ready)["note"] == ready["note"]
    assert [s.state for s in submissions(ready)] == ["answered", "replaced"]


def test_a_failure_is_shown_and_a_success_after_it_applies(clinic: Clinic, sandbox: Sandbox) -> None:
    sandbox.fault("callback_error", error_code=83005, error_message="too short", times=1)
    failed = clinic.until(clinic.consult(), "failed")
    assert failed["failure"]["code"] == "83005"
    assert failed["failure"]["retryable"] is False
    sandbox.send_callback(failed["client_request_id"], body={"transcript": [], "note": {"sections": []}})
    ready = clinic.ready(failed)
    assert ready["failure"] is None
    assert callbacks(ready, 2) == {"applied"}


def test_a_failure_after_a_success_is_kept_and_not_applied(clinic: Clinic, sandbox: Sandbox) -> None:
    request = clinic.ready(clinic.consult())
    sandbox.send_callback(request["client_request_id"], body={"error_code": 500, "error_message": "late"})
    assert callbacks(request, 2) == {"applied", "not_applied"}
    assert clinic.request(request)["state"] == "ready"


def test_a_second_different_success_is_kept_as_a_conflict(clinic: Clinic, sandbox: Sandbox) -> None:
    sandbox.fault("conflicting", times=1)
    request = clinic.ready(clinic.consult())
    assert callbacks(request, 2) == {"applied", "conflict"}
    assert Note.objects.get(request=request["id"]).version == 1


def test_junk_from_a_proven_sender_is_kept_and_the_answer_still_applies(clinic: Clinic, sandbox: Sandbox) -> None:
    sandbox.fault("callback_junk", times=1)
    request = clinic.until(clinic.consult(), "waiting")
    assert callbacks(request, 1) == {"junk"}
    sandbox.send_callback(clinic.request(request)["client_request_id"])
    ready = clinic.ready(request)
    assert callbacks(ready, 2) == {"junk", "applied"}


def test_a_callback_that_names_another_request_is_a_mismatch(clinic: Clinic, sandbox: Sandbox) -> None:
    sandbox.fault("callback_other_id", times=1)
    request = clinic.until(clinic.consult(), "waiting")
    assert callbacks(request, 1) == {"mismatch"}
    assert clinic.request(request)["state"] == "waiting"


@pytest.mark.parametrize("fault", ["callback_no_ids", "callback_aliases"])
def test_other_shapes_of_the_contract_are_understood(clinic: Clinic, sandbox: Sandbox, fault: str) -> None:
    sandbox.fault(fault, times=1)
    request = clinic.ready(clinic.consult())
    items = clinic.call("GET", f"transcripts/{request['transcript']}")["items"]
    assert all(item["end_offset_ms"] > item["start_offset_ms"] >= 0 for item in items)


def test_unknown_sections_and_speakers_stay_as_they_came(clinic: Clinic, sandbox: Sandbox) -> None:
    body = {
        "transcript": [{"text": "Bonjour.", "speaker": "interpreter", "start_offset_ms": 0, "end_offset_ms": 900}],
        "note": {"sections": [{"key": "TRAVEL_HISTORY", "title": "Travel", "text": "None."}]},
    }
    sandbox.fault("callback_body", body=body, times=1)
    request = clinic.ready(clinic.consult())
    assert clinic.call("GET", f"transcripts/{request['transcript']}")["items"][0]["speaker"] == "interpreter"
    note = clinic.call("GET", f"notes/{request['note']}")
    assert note["sections"] == [{"key": "TRAVEL_HISTORY", "title": "Travel", "text": "None."}]
    assert note["title"] == ""


def test_an_answer_that_lacks_what_was_asked_fails_and_can_be_asked_again(clinic: Clinic, sandbox: Sandbox) -> None:
    sandbox.fault("callback_body", body={"transcript": []}, times=1)
    failed = clinic.until(clinic.consult(), "failed")
    assert failed["failure"]["code"] == "incomplete"
    assert failed["transcript"]
    clinic.call("POST", f"requests/{failed['id']}/retry", 202)
    ready = clinic.ready(failed)
    assert ready["transcript"] == failed["transcript"]
    assert ready["note"]


def test_parts_that_arrive_apart_meet_on_one_request(clinic: Clinic, sandbox: Sandbox) -> None:
    sandbox.fault("callback_body", body={"transcript": []}, times=1)
    failed = clinic.until(clinic.consult(), "failed")
    sandbox.send_callback(failed["client_request_id"], body={"note": {"title": "Late", "sections": []}})
    ready = clinic.ready(failed)
    assert ready["transcript"] == failed["transcript"]
    assert clinic.call("GET", f"notes/{ready['note']}")["title"] == "Late"
    assert callbacks(ready, 2) == {"applied"}
    assert len(submissions(ready)) == 1


def test_a_body_of_ids_alone_takes_no_answers_place(clinic: Clinic, sandbox: Sandbox) -> None:
    sandbox.fault("callback_body", body={}, times=1)
    request = clinic.until(clinic.consult(), "waiting")
    assert callbacks(request, 1) == {"not_applied"}
    sandbox.send_callback(request["client_request_id"])
    assert callbacks(clinic.ready(request), 2) == {"not_applied", "applied"}


def test_a_vendor_that_hangs_holds_up_no_callback(clinic: Clinic, sandbox: Sandbox) -> None:
    sandbox.fault("callback_late", delay=1, times=1)
    first = clinic.until(clinic.consult(), "waiting")
    sandbox.fault("submit_timeout", seconds=20, times=12)
    hanging = [clinic.consult() for _ in range(12)]
    begun = time.monotonic()
    clinic.ready(first)
    assert time.monotonic() - begun < 10
    for request in hanging:
        clinic.call("POST", f"requests/{request['id']}/cancel")


def test_whatever_comes_after_a_cancel_is_kept_and_not_applied(clinic: Clinic, sandbox: Sandbox) -> None:
    sandbox.fault("callback_lost", times=1)
    request = clinic.until(clinic.consult(), "waiting")
    assert clinic.call("POST", f"requests/{request['id']}/cancel", 200)["state"] == "cancelled"
    sandbox.send_callback(request["client_request_id"])
    assert callbacks(request, 1) == {"not_applied"}
    assert clinic.request(request)["note"] is None
    clinic.call("POST", f"requests/{request['id']}/retry", 409)
