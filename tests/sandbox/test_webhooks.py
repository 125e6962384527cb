"""The later, signed form of an answer: its envelope, signature, repeats and faults."""

import itertools
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sandbox.sample import sample

from .conftest import SECRET, Clinic, Vendor, age, configure, events, expected, signatures, wav


def test_a_result_goes_to_the_webhook_instead_of_the_callback_url(hooked: Vendor, clinic: Clinic) -> None:
    hooked.submit(client_request_id="visit-1")
    entry = hooked.settled("visit-1")
    (event,) = events(clinic, 1)
    assert set(event) == {"id", "created_at", "type", "data"}
    assert event["type"] == "generate_note_async.succeeded"
    assert abs(datetime.now(UTC) - datetime.fromisoformat(event["created_at"])) < timedelta(seconds=30)
    assert event["data"] == {
        "id": entry["request_id"],
        "client_request_id": "visit-1",
        "status": "succeeded",
        "payload": {"transcript": sample()["transcript"], "note": sample()["note"]},
    }
    assert clinic.at("/callback") == []
    assert entry["state"] == "delivered"
    assert [(one["status"], one["event_id"]) for one in entry["callbacks"]] == [(200, event["id"])]


def test_a_result_without_a_client_request_id_names_none(hooked: Vendor, clinic: Clinic) -> None:
    hooked.submit(client_request_id=...)
    assert set(events(clinic, 1)[0]["data"]) == {"id", "status", "payload"}


def test_the_type_says_what_was_asked_for_and_what_came_of_it(hooked: Vendor, clinic: Clinic) -> None:
    short = clinic.serve(wav(2))
    hooked.submit(client_request_id="said", output_objects=["transcript_item"])
    hooked.submit(client_request_id="unsaid", output_objects=["transcript_item"], file_url=short)
    hooked.submit(client_request_id="unwritten", output_objects=["note"], file_url=short)
    found = {event["data"]["client_request_id"]: event for event in events(clinic, 3)}
    assert {name: event["type"] for name, event in found.items()} == {
        "said": "transcribe_async.succeeded",
        "unsaid": "transcribe_async.failed",
        "unwritten": "generate_note_async.failed",
    }
    assert found["unsaid"]["data"]["status"] == "failed"
    assert found["unsaid"]["data"]["payload"] == {"error_code": 83005, "error_message": "The transcript is too short."}


def test_the_signature_covers_the_timestamp_and_the_raw_body(hooked: Vendor, clinic: Clinic) -> None:
    hooked.submit()
    clinic.callbacks(1, "/hook")
    assert signatures(clinic) == [expected(clinic, SECRET)]
    assert abs(age(clinic)) < timedelta(seconds=30)
    assert clinic.arrived[0][3]["content-type"] == "application/json"


def test_several_secrets_make_several_signatures(vendor: Vendor, clinic: Clinic) -> None:
    configure(vendor, secrets=["old", "néw"])
    vendor.submit()
    clinic.callbacks(1, "/hook")
    assert signatures(clinic) == [expected(clinic, "old"), expected(clinic, "néw")]


def test_a_callback_is_sent_too_where_that_was_asked_for(vendor: Vendor, clinic: Clinic) -> None:
    configure(vendor, also_callback=True)
    vendor.submit(client_request_id="both")
    vendor.settled("both")
    (callback,), (event,) = events(clinic, 1, "/callback"), events(clinic, 1)
    assert event["data"]["payload"] == {"transcript": callback["transcript"], "note": callback["note"]}


def test_each_endpoint_gets_an_event_of_its_own(hooked: Vendor, clinic: Clinic) -> None:
    configure(hooked, "/other", secrets=["another"])
    hooked.submit(client_request_id="one")
    hooked.settled("one")
    first, second = events(clinic, 1)[0], events(clinic, 1, "/other")[0]
    assert first["id"] != second["id"]
    assert first["data"] == second["data"]
    assert signatures(clinic, 1) == [expected(clinic, "another", 1)]


def test_the_same_event_is_repeated_with_a_new_signature_until_a_200(hooked: Vendor, clinic: Clinic) -> None:
    clinic.first_answers = [503, 401, 204]
    hooked.submit(client_request_id="again")
    entry = hooked.settled("again")
    assert [one["status"] for one in entry["callbacks"]] == [503, 401, 204, 200]
    assert len(set(clinic.callbacks(4, "/hook"))) == 1
    assert len({headers["x-nabla-webhook-timestamp"] for *_, headers in clinic.arrived}) == 4
    assert [signatures(clinic, number) == [expected(clinic, SECRET, number)] for number in range(4)] == [True] * 4
    moments = [moment for moment, *_ in clinic.arrived]
    pauses = [later - earlier for earlier, later in itertools.pairwise(moments)]
    assert all(pause >= least for pause, least in zip(pauses, (0.1, 0.2, 0.4), strict=True))
    assert entry["state"] == "delivered"


def test_the_repeats_end(vendor: Vendor, clinic: Clinic) -> None:
    configure(vendor, tries=3, pause_seconds=0)
    clinic.answer_status = 500
    vendor.submit(client_request_id="never")
    entry = vendor.settled("never")
    assert [one["status"] for one in entry["callbacks"]] == [500, 500, 500]
    assert entry["state"] == "undelivered"


def test_a_repeat_is_signed_with_the_secrets_of_its_moment(vendor: Vendor, clinic: Clinic) -> None:
    configure(vendor, pause_seconds=0.5)
    clinic.first_answers = [401]
    vendor.submit()
    clinic.callbacks(1, "/hook")
    configure(vendor, secrets=["rotated"])
    clinic.callbacks(2, "/hook")
    assert signatures(clinic, 0) == [expected(clinic, SECRET, 0)]
    assert signatures(clinic, 1) == [expected(clinic, "rotated", 1)]


def test_removing_the_endpoint_ends_the_repeats(vendor: Vendor, clinic: Clinic) -> None:
    configure(vendor, pause_seconds=0.3)
    clinic.answer_status = 500
    vendor.submit(client_request_id="ended")
    clinic.callbacks(1, "/hook")
    vendor.control("DELETE", "nabla/webhooks", {"url": clinic.url("/hook")})
    assert vendor.settled("ended")["state"] == "undelivered"
    assert len(clinic.at("/hook")) == 1


def test_endpoints_are_listed_without_their_secrets_replaced_and_removed(vendor: Vendor, clinic: Clinic) -> None:
    configure(vendor)
    configure(vendor, "/other", secrets=["a", "b"], tries=2)
    configure(vendor, "/other", secrets=["a", "b", "c"], also_callback=True)
    one = {"url": clinic.url("/hook"), "secrets": 1, "also_callback": False, "pause_seconds": 0.1, "tries": 8}
    other = {**one, "url": clinic.url("/other"), "secrets": 3, "also_callback": True}
    assert vendor.control("GET", "nabla/webhooks").json() == [one, other]
    assert vendor.control("DELETE", "nabla/webhooks", {"url": one["url"]}).json() == [other]
    assert vendor.control("DELETE", "nabla/webhooks").json() == []


def test_without_an_endpoint_results_go_to_the_callback_url_again(hooked: Vendor, clinic: Clinic) -> None:
    hooked.control("POST", "reset")
    assert hooked.control("GET", "nabla/webhooks").json() == []
    hooked.submit()
    assert "x-nabla-webhook-signature" not in (clinic.callbacks(1) and clinic.arrived[0][3])


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"url": "http://127.0.0.1:9/"},
        {"secrets": ["a"]},
        {"url": "http://127.0.0.1:9/", "secrets": []},
        {"url": "http://127.0.0.1:9/", "secrets": "abc"},
        {"url": "http://127.0.0.1:9/", "secrets": [5]},
        {"url": "http://127.0.0.1:9/", "secrets": ["a"], "tries": 0},
        {"url": "http://127.0.0.1:9/", "secrets": ["a"], "tries": True},
        {"url": "http://127.0.0.1:9/", "secrets": ["a"], "pause_seconds": -1},
        {"url": "http://127.0.0.1:9/", "secrets": ["a"], "to": "x"},
    ],
)
def test_a_webhook_that_makes_no_sense_is_refused(vendor: Vendor, asked: Any) -> None:
    answer = vendor.control("PUT", "nabla/webhooks", asked)
    assert answer.status_code == 400
    assert answer.json()["message"]
    assert vendor.control("GET", "nabla/webhooks").json() == []


def test_webhook_doubled_sends_the_same_event_twice(hooked: Vendor, clinic: Clinic) -> None:
    hooked.fault("webhook_doubled", times=1)
    hooked.submit(client_request_id="twice")
    assert [one["status"] for one in hooked.settled("twice")["callbacks"]] == [200, 200]
    first, second = clinic.callbacks(2, "/hook")
    assert first == second
    assert hooked.control("GET", "nabla/faults").json() == []


def test_webhook_stale_signs_with_a_clock_that_is_five_minutes_behind(hooked: Vendor, clinic: Clinic) -> None:
    hooked.fault("webhook_stale")
    hooked.submit()
    clinic.callbacks(1, "/hook")
    assert timedelta(seconds=300) <= age(clinic) < timedelta(seconds=330)
    assert signatures(clinic) == [expected(clinic, SECRET)]


def test_webhook_wrong_signature_looks_right_and_is_not(vendor: Vendor, clinic: Clinic) -> None:
    configure(vendor, secrets=["old", "new"])
    vendor.fault("webhook_wrong_signature")
    vendor.submit()
    clinic.callbacks(1, "/hook")
    assert len(signatures(clinic)) == 2
    assert all(re.fullmatch("[0-9a-f]{64}", one) for one in signatures(clinic))
    assert not {expected(clinic, "old"), expected(clinic, "new")} & set(signatures(clinic))


def test_without_a_webhook_its_faults_wait(vendor: Vendor) -> None:
    vendor.fault("webhook_doubled", times=1)
    vendor.submit(client_request_id="plain")
    assert len(vendor.settled("plain")["callbacks"]) == 1
    assert vendor.control("GET", "nabla/faults").json()[0]["times_left"] == 1


def test_the_faults_of_an_answer_touch_its_signed_form_too(hooked: Vendor, clinic: Clinic) -> None:
    for fault in ("callback_error", "callback_other_id", "callback_tripled_at_once"):
        hooked.fault(fault)
    hooked.submit(client_request_id="mine")
    assert len(hooked.settled("mine")["callbacks"]) == 3
    event = events(clinic, 3)[0]
    assert len(set(clinic.at("/hook"))) == 1
    assert event["type"] == "generate_note_async.failed"
    assert event["data"]["payload"]["error_code"] == 422
    assert event["data"]["client_request_id"] != "mine"


def test_junk_is_signed_as_it_is(hooked: Vendor, clinic: Clinic) -> None:
    hooked.fault("callback_junk", body="{")
    hooked.submit()
    assert clinic.callbacks(1, "/hook") == [b"{"]
    assert signatures(clinic) == [expected(clinic, SECRET)]


def test_conflicting_is_a_second_event(hooked: Vendor, clinic: Clinic) -> None:
    hooked.fault("conflicting")
    hooked.submit(client_request_id="both")
    hooked.settled("both")
    first, second = events(clinic, 2)
    assert first["id"] != second["id"]
    assert first["data"]["id"] == second["data"]["id"]
    assert first["data"]["payload"] != second["data"]["payload"]
    assert clinic.at("/callback") == []
