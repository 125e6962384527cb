"""Each fault does what its name says, to whom and as often as it was asked."""

import json
import time
from typing import Any

import pytest
import requests

from sandbox.sample import sample

from .conftest import DELAY, Clinic, Vendor


def test_submit_500_is_used_up(vendor: Vendor) -> None:
    vendor.fault("submit_500", times=2)
    order = vendor.order()
    assert [vendor.send(order).status_code for _ in range(3)] == [500, 500, 200]
    assert vendor.control("GET", "nabla/faults").json() == []


def test_submit_429_says_when_to_come_back(vendor: Vendor) -> None:
    vendor.fault("submit_429", retry_after=7)
    answer = vendor.submit()
    assert (answer.status_code, answer.headers["Retry-After"], answer.json()["code"]) == (429, "7", 85000)


def test_submit_4xx_takes_status_and_code(vendor: Vendor) -> None:
    vendor.fault("submit_4xx", status=403, code=50025)
    answer = vendor.submit()
    assert (answer.status_code, answer.json()["code"]) == (403, 50025)


def test_submit_timeout_does_not_take_the_order(vendor: Vendor) -> None:
    vendor.fault("submit_timeout", times=1)
    order = vendor.order()
    with pytest.raises(requests.ReadTimeout):
        vendor.send(order, timeout=0.2)
    assert vendor.send(order).status_code == 200


def test_a_held_connection_closes_when_the_time_is_up(vendor: Vendor) -> None:
    vendor.fault("submit_timeout", seconds=0.1)
    with pytest.raises(requests.ConnectionError):
        vendor.submit()


def test_accept_then_timeout_takes_the_order_without_a_word(vendor: Vendor, clinic: Clinic) -> None:
    vendor.fault("accept_then_timeout", times=1)
    order = vendor.order()
    with pytest.raises(requests.ReadTimeout):
        vendor.send(order, timeout=0.2)
    assert vendor.send(order).status_code == 409
    assert json.loads(clinic.callbacks(1)[0])["client_request_id"] == order["client_request_id"]


def test_callback_lost(vendor: Vendor, clinic: Clinic) -> None:
    vendor.fault("callback_lost", client_request_id="lost")
    vendor.submit(client_request_id="lost")
    assert vendor.settled("lost")["state"] == "lost"
    assert clinic.at("/callback") == []


@pytest.mark.parametrize(
    ("fault", "params", "count"),
    [("callback_doubled", {}, 2), ("callback_tripled_at_once", {}, 3), ("callback_many", {"count": 20}, 20)],
)
def test_repeats_are_identical(vendor: Vendor, clinic: Clinic, fault: str, params: dict[str, Any], count: int) -> None:
    vendor.fault(fault, **params)
    vendor.submit(client_request_id="again")
    assert len(vendor.settled("again")["callbacks"]) == count
    bodies = clinic.at("/callback")
    assert len(bodies) == count
    assert len(set(bodies)) == 1
    assert (clinic.busiest > 1) == (fault != "callback_doubled")


def test_callback_early_is_answered_before_the_submit(vendor: Vendor, clinic: Clinic) -> None:
    vendor.fault("callback_early")
    vendor.submit(client_request_id="early")
    assert len(clinic.at("/callback")) == 1
    assert vendor.entry("early")["state"] == "delivered"


def test_without_that_fault_the_submit_is_answered_first(vendor: Vendor, clinic: Clinic) -> None:
    vendor.submit()
    assert clinic.at("/callback") == []
    clinic.callbacks(1)


def test_callback_late_takes_its_own_delay(vendor: Vendor, clinic: Clinic) -> None:
    vendor.fault("callback_late", delay=DELAY + 0.5)
    started = time.monotonic()
    vendor.submit()
    clinic.callbacks(1)
    assert clinic.arrived[0][0] - started >= DELAY + 0.5


def test_callback_junk(vendor: Vendor, clinic: Clinic) -> None:
    vendor.fault("callback_junk", times=1)
    vendor.submit()
    assert clinic.callbacks(1)[0].startswith(b"<html>")
    vendor.fault("callback_junk", body="{", times=1)
    vendor.submit()
    assert clinic.callbacks(2)[1] == b"{"


def test_callback_error(vendor: Vendor) -> None:
    vendor.fault("callback_error", error_code=83006, error_message="No medical data.")
    body = vendor.result(client_request_id="failed")
    assert (body["error_code"], body["error_message"]) == (83006, "No medical data.")
    assert body["client_request_id"] == "failed"
    assert "note" not in body


def test_callback_other_id(vendor: Vendor) -> None:
    vendor.fault("callback_other_id")
    body = vendor.result(client_request_id="mine")
    assert body["client_request_id"] != "mine"
    assert body["request_id"] != vendor.entry("mine")["request_id"]


def test_callback_no_ids(vendor: Vendor) -> None:
    vendor.fault("callback_no_ids")
    assert set(vendor.result()) == {"transcript", "note"}


def test_callback_aliases(vendor: Vendor) -> None:
    vendor.fault("callback_aliases")
    first = vendor.result()["transcript"][0]
    assert set(first) == {"text", "speaker", "start_time_ms", "end_time_ms"}
    assert first["end_time_ms"] == sample()["transcript"][0]["end_offset_ms"]


def test_callback_body_gets_the_ids_it_lacks(vendor: Vendor) -> None:
    vendor.fault("callback_body", body={"request_id": "mine", "note": {"sections": []}})
    body = vendor.result(client_request_id="odd")
    assert body == {"request_id": "mine", "client_request_id": "odd", "note": {"sections": []}}


@pytest.mark.parametrize("outputs", [["transcript_item"], ["note"]])
def test_conflicting_sends_a_second_different_success(vendor: Vendor, clinic: Clinic, outputs: list[str]) -> None:
    vendor.fault("conflicting")
    vendor.submit(output_objects=outputs)
    first, second = map(json.loads, clinic.callbacks(2))
    assert first["request_id"] == second["request_id"]
    assert set(first) == set(second)
    assert first != second
    assert clinic.arrived[1][0] - clinic.arrived[0][0] >= 0.3


def test_faults_of_several_sorts_combine(vendor: Vendor, clinic: Clinic) -> None:
    for name in ("accept_then_timeout", "callback_error", "callback_no_ids", "callback_doubled"):
        vendor.fault(name)
    with pytest.raises(requests.ReadTimeout):
        vendor.send(vendor.order(), timeout=0.2)
    assert {tuple(json.loads(body)) for body in clinic.callbacks(2)} == {("error_code", "error_message")}


def test_faults_of_one_sort_take_turns(vendor: Vendor) -> None:
    vendor.fault("submit_500", times=1)
    vendor.fault("submit_429", times=1)
    assert [vendor.submit().status_code for _ in range(3)] == [500, 429, 200]


def test_a_fault_for_one_request_spares_the_others(vendor: Vendor) -> None:
    vendor.fault("submit_500", client_request_id="unlucky", times=1)
    assert vendor.submit(client_request_id="lucky").status_code == 200
    assert vendor.submit(client_request_id="unlucky").status_code == 500
    assert vendor.submit(client_request_id="unlucky").status_code == 200


def test_a_refused_submit_does_not_use_up_a_callback_fault(vendor: Vendor) -> None:
    vendor.fault("callback_lost", times=1)
    assert vendor.submit(language="xx").status_code == 400
    assert vendor.control("GET", "nabla/faults").json()[0]["times_left"] == 1


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"fault": "callback_burnt"},
        {"fault": ["submit_500"]},
        {"fault": "submit_500", "times": 0},
        {"fault": "submit_500", "client_request_id": 5},
        {"fault": "submit_500", "seconds": 5},
        {"fault": "submit_429", "retry_after": "soon"},
        {"fault": "callback_late", "delay": -1},
        {"fault": "callback_body", "body": "text"},
        [],
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(vendor: Vendor, asked: Any) -> None:
    answer = vendor.control("POST", "nabla/faults", asked)
    assert answer.status_code == 400
    assert answer.json()["message"]


def test_faults_can_be_listed_and_cleared(vendor: Vendor) -> None:
    vendor.fault("callback_late", delay=3, client_request_id="x")
    listed = vendor.control("GET", "nabla/faults").json()
    assert [(one["fault"], one["delay"], one["client_request_id"]) for one in listed] == [("callback_late", 3, "x")]
    vendor.control("DELETE", "nabla/faults")
    assert vendor.control("GET", "nabla/faults").json() == []
