"""Webhooks that the control API orders: a request's own, or any body at all."""

import json
import socket
from datetime import timedelta
from typing import Any

import pytest

from sandbox.sample import sample

from .conftest import SECRET, Clinic, Vendor, age, events, expected, signatures


def send(vendor: Vendor, path: str = "nabla/webhook", **asked: Any) -> dict[str, Any]:
    answer = vendor.control("POST", path, asked)
    assert answer.status_code == 200, answer.text
    record: dict[str, Any] = answer.json()
    return record


def test_a_lost_webhook_can_be_sent_later(hooked: Vendor, clinic: Clinic) -> None:
    hooked.fault("callback_lost")
    hooked.submit(client_request_id="lost")
    assert hooked.settled("lost")["state"] == "lost"
    record = send(hooked, "nabla/requests/lost/webhook")
    assert (record["status"], record["answer"]) == (200, '{"status": "stored"}')
    (event,) = events(clinic, 1)
    assert event["id"] == record["event_id"]
    assert event["data"]["payload"]["note"] == sample()["note"]
    assert signatures(clinic) == [expected(clinic, SECRET)]
    assert hooked.entry("lost")["callbacks"] == [record]


def test_what_is_sent_later_can_be_changed(hooked: Vendor, clinic: Clinic) -> None:
    hooked.submit(client_request_id="one")
    entry = hooked.settled("one")
    failure = {"error_code": 83006}
    path, url = "nabla/requests/one/webhook", clinic.url("/elsewhere")
    send(hooked, path, url=url, secrets=["a", "b"], event_id="event-7", payload=failure, timestamp_shift_seconds=90)
    (event,) = events(clinic, 1, "/elsewhere")
    assert (event["id"], event["type"]) == ("event-7", "generate_note_async.failed")
    assert event["data"] == {
        "id": entry["request_id"],
        "client_request_id": "one",
        "status": "failed",
        "payload": failure,
    }
    assert signatures(clinic, 1) == [expected(clinic, "a", 1), expected(clinic, "b", 1)]
    assert timedelta(seconds=-90) <= age(clinic, 1) < timedelta(seconds=-60)


def test_a_webhook_without_any_request_carries_the_body_given(vendor: Vendor, clinic: Clinic) -> None:
    url = clinic.url("/hook")
    record = send(vendor, url=url, secrets=[SECRET], body={"id": "event-1", "type": "é"})
    send(vendor, url=url, secrets=[SECRET], body="{ not json", timestamp_shift_seconds=-61.5)
    send(vendor, url=url, body="{}", signature="00,zz")
    assert (record["status"], record["event_id"]) == (200, "event-1")
    assert [body.decode() for body in clinic.at("/hook")] == ['{"id": "event-1", "type": "é"}', "{ not json", "{}"]
    assert signatures(clinic, 0) == [expected(clinic, SECRET, 0)]
    assert signatures(clinic, 1) == [expected(clinic, SECRET, 1)]
    assert age(clinic, 1) >= timedelta(seconds=61)
    assert signatures(clinic, 2) == ["00", "zz"]


def test_a_webhook_on_demand_is_tried_once(hooked: Vendor, clinic: Clinic) -> None:
    clinic.answer_status = 401
    assert send(hooked, body={})["status"] == 401
    assert len(clinic.at("/hook")) == 1


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"body": {}},
        {"body": {}, "url": "http://127.0.0.1:9/"},
        {"body": 5, "url": "http://127.0.0.1:9/", "secrets": ["a"]},
        {"url": "http://127.0.0.1:9/", "secrets": ["a"]},
        {"body": {}, "url": "http://127.0.0.1:9/", "secrets": "a"},
        {"body": {}, "url": "http://127.0.0.1:9/", "secrets": ["a"], "event_id": "x"},
        {"body": {}, "url": "http://127.0.0.1:9/", "secrets": ["a"], "timestamp_shift_seconds": float("inf")},
        {"body": {}, "url": "http://127.0.0.1:9/", "secrets": ["a"], "timestamp_shift_seconds": "1"},
    ],
)
def test_a_webhook_on_demand_that_makes_no_sense_is_refused(vendor: Vendor, asked: Any) -> None:
    body = json.dumps(asked).encode()
    answer = vendor.control("POST", "nabla/webhook", body)
    assert answer.status_code == 400
    assert answer.json()["message"]


def test_no_webhook_is_sent_for_a_request_that_was_refused(hooked: Vendor) -> None:
    hooked.submit(client_request_id="refused", language="xx")
    assert hooked.control("POST", "nabla/requests/refused/webhook").status_code == 404
    assert hooked.control("POST", "nabla/requests/unknown/webhook").status_code == 404
    assert hooked.control("GET", "nabla/requests/unknown/webhook").status_code == 405


def test_no_webhook_is_sent_before_there_is_a_result(hooked: Vendor, clinic: Clinic) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        hooked.submit(client_request_id="soon", file_url=f"http://127.0.0.1:{silent.getsockname()[1]}/")
        assert hooked.control("POST", "nabla/requests/soon/webhook").status_code == 409
    assert events(clinic, 1)[0]["type"] == "generate_note_async.failed"
