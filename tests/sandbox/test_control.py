"""The control API shows what happened and makes things happen again."""

import json
import time

from sandbox.ledger import KEPT, Entry, Ledger
from sandbox.sample import sample

from .conftest import DELAY, KEY, Clinic, Vendor


def test_health_names_the_vendors(vendor: Vendor) -> None:
    assert vendor.control("GET", "health").json() == {"status": "ok", "vendors": ["nabla"]}


def test_every_request_is_recorded_without_the_key(vendor: Vendor) -> None:
    order = vendor.order(client_request_id="kept")
    vendor.send(order)
    vendor.send(order)
    vendor.send(b"{")
    taken, repeated, junk = vendor.control("GET", "nabla/requests").json()
    assert taken["body"] == order
    assert [one["status"] for one in (taken, repeated, junk)] == [200, 409, 400]
    assert junk["body"] is None
    assert taken["headers"]["x-nabla-api-version"] == "2024-04-22"
    assert KEY not in json.dumps([taken, repeated, junk])


def test_a_request_is_found_by_either_id(vendor: Vendor) -> None:
    request_id = vendor.submit(client_request_id="a visit/7").json()["request_id"]
    assert vendor.entry("a%20visit%2F7")["request_id"] == request_id.lower()
    assert vendor.entry(request_id.upper())["client_request_id"] == "a visit/7"
    assert vendor.control("GET", "nabla/requests/unknown").status_code == 404


def test_the_record_shows_times_in_order(vendor: Vendor) -> None:
    vendor.submit(client_request_id="timed")
    times = vendor.settled("timed")["times"]
    assert times["received"] <= times["answered"] < times["called_back"]
    assert times["result_ready"] < times["called_back"]


def test_a_lost_result_can_be_sent_later(vendor: Vendor, clinic: Clinic) -> None:
    vendor.fault("callback_lost")
    vendor.submit(client_request_id="lost")
    vendor.settled("lost")
    answer = vendor.control("POST", "nabla/requests/lost/callback")
    assert answer.json()["status"] == 200
    body = json.loads(clinic.callbacks(1)[0])
    assert body["client_request_id"] == "lost"
    assert body["note"] == sample()["note"]
    assert len(vendor.entry("lost")["callbacks"]) == 1


def test_a_callback_can_go_elsewhere_with_another_body(vendor: Vendor, clinic: Clinic) -> None:
    vendor.submit(client_request_id="one")
    vendor.settled("one")
    elsewhere = clinic.url("/elsewhere")
    vendor.control("POST", "nabla/requests/one/callback", {"url": elsewhere, "body": {"error_code": 422}})
    vendor.control("POST", "nabla/requests/one/callback", {"url": elsewhere, "body": "not json"})
    failure, junk = clinic.callbacks(2, "/elsewhere")
    assert json.loads(failure) == {
        "request_id": vendor.entry("one")["request_id"],
        "client_request_id": "one",
        "error_code": 422,
    }
    assert junk == b"not json"


def test_nothing_is_sent_before_there_is_a_result_or_for_a_refused_request(vendor: Vendor) -> None:
    vendor.submit(client_request_id="refused", language="xx")
    assert vendor.control("POST", "nabla/requests/refused/callback").status_code == 404
    assert vendor.control("POST", "nabla/requests/unknown/callback").status_code == 404
    vendor.submit(client_request_id="kept")
    vendor.settled("kept")
    assert vendor.control("POST", "nabla/requests/kept/callback", {"body": 5}).status_code == 400
    assert vendor.control("POST", "nabla/requests/kept/callback", {"to": "x"}).status_code == 400


def test_reset_forgets_everything_and_calls_nobody_back(vendor: Vendor, clinic: Clinic) -> None:
    vendor.fault("callback_late", delay=DELAY, times=1)
    vendor.fault("submit_500", client_request_id="x")
    order = vendor.order()
    vendor.send(order)
    assert vendor.control("POST", "reset").status_code == 200
    assert vendor.control("GET", "nabla/requests").json() == []
    assert vendor.control("GET", "nabla/faults").json() == []
    time.sleep(DELAY * 3)
    assert clinic.at("/callback") == []
    assert vendor.send(order).status_code == 200


def test_unknown_control_addresses_are_404(vendor: Vendor) -> None:
    assert vendor.control("GET", "nothing").status_code == 404
    assert vendor.control("GET", "nabla/nothing").status_code == 404


def test_the_ledger_forgets_the_oldest() -> None:
    ledger = Ledger()
    for number in range(KEPT + 5):
        entry = Entry({}, {}, f"client-{number}", f"request-{number}")
        ledger.add(entry)
        assert ledger.accept(entry)
    assert len(ledger.all()) == KEPT
    assert ledger.find("client-4") is None
    assert ledger.find("REQUEST-4") is None
    assert ledger.find("client-5") is ledger.all()[0]
    assert len(ledger._by_id) == 2 * KEPT
