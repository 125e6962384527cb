"""The webhook: signed, sent once, and wrong in every way that is asked for."""

import hashlib
import hmac
import json
import time
from typing import Any

import pytest
import requests

from .conftest import DELAY, SECRET, Clinic
from .partner import Partner, samples

PCM = samples(1)


@pytest.fixture
def hooked(partner: Partner) -> Partner:
    partner.hook()
    return partner


def event(clinic: Clinic, number: int = 0) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(clinic.callbacks(number + 1, "/hook")[number])
    return read


def expected(clinic: Clinic, secret: str = SECRET) -> str:
    _, _, body, headers = clinic.arrived[0]
    return hmac.new(secret.encode(), headers["generated-at"].encode() + b":" + body, hashlib.sha256).hexdigest()


def signature(clinic: Clinic) -> str:
    return clinic.arrived[0][3]["x-api-key"]


def age_seconds(clinic: Clinic) -> float:
    return time.time() - int(clinic.arrived[0][3]["generated-at"]) / 1000


def hrefs(told: dict[str, Any]) -> list[str]:
    return [link["href"] for group in told["_links"].values() for link in group]


def test_success_is_told_once_and_signed(hooked: Partner, clinic: Clinic) -> None:
    session = hooked.finished(PCM, encounter_id="visit-1")
    told = event(clinic)
    assert {name: told[name] for name in ("status", "session_id", "encounter_id", "additional_info")} == {
        "status": "success",
        "session_id": session,
        "encounter_id": "visit-1",
        "additional_info": {},
    }
    assert signature(clinic) == expected(clinic)
    assert 0 <= age_seconds(clinic) < 5
    (record,) = hooked.until(session, lambda shown: shown["webhooks"])["webhooks"]
    assert (record["status"], record["event"]) == (200, "success")


def test_an_answer_of_500_is_not_tried_again(hooked: Partner, clinic: Clinic) -> None:
    clinic.answer_status = 500
    session = hooked.finished(PCM)
    hooked.until(session, lambda shown: shown["webhooks"])
    time.sleep(DELAY * 3)
    assert len(clinic.at("/hook")) == 1


def test_its_links_lead_to_the_results(hooked: Partner, clinic: Clinic) -> None:
    hooked.finished(PCM)
    told = event(clinic)
    assert told["_links"].keys() == {"contents", "encounter_content", "status", "transcripts"}
    assert told["_links"]["status"][0].keys() == {"href", "method", "name", "type"}
    for href in hrefs(told):
        assert href.startswith("/suki/api/v1/ambient/")
        answer = requests.get(f"{hooked.root}{href}", headers={"sdp_suki_token": hooked.token}, timeout=8)
        assert answer.status_code == 200


@pytest.mark.parametrize(
    ("fault", "params", "origin"),
    [
        ("webhook_links_absolute", {}, None),
        ("webhook_links_elsewhere", {}, "http://169.254.169.254"),
        ("webhook_links_elsewhere", {"origin": "http://sdp.suki.ai.evil.example"}, "http://sdp.suki.ai.evil.example"),
    ],
)
def test_its_links_can_lead_elsewhere(
    hooked: Partner, clinic: Clinic, fault: str, params: dict[str, Any], origin: str | None
) -> None:
    hooked.fault(fault, **params)
    hooked.finished(PCM)
    assert all(href.startswith(f"{origin or hooked.root}/suki/api/v1/") for href in hrefs(event(clinic)))


def test_failure_names_its_code(hooked: Partner, clinic: Clinic) -> None:
    hooked.fault("session_failed")
    session = hooked.finished(PCM)
    told = event(clinic)
    assert (told["status"], told["session_id"], told["error_code"]) == ("failure", session, "ERROR_CODE_TRANSCRIPTION")


def test_an_aborted_session_is_told_of_as_cancelled_and_a_skipped_one_is_not(hooked: Partner, clinic: Clinic) -> None:
    hooked.fault("session_skipped", times=1)
    hooked.finished(PCM)
    hooked.fault("session_aborted", times=1)
    aborted = hooked.finished(PCM)
    assert event(clinic) == {"status": "cancelled", "session_id": aborted, "encounter_id": ""}


def test_it_can_be_lost(hooked: Partner, clinic: Clinic) -> None:
    hooked.fault("webhook_lost", times=1)
    lost = hooked.finished(PCM)
    told = hooked.finished(PCM)
    assert event(clinic)["session_id"] == told
    assert hooked.session(lost)["webhooks"] == []
    assert hooked.session(lost)["faults"] == ["webhook_lost"]


def test_it_can_come_twice(hooked: Partner, clinic: Clinic) -> None:
    hooked.fault("webhook_doubled")
    hooked.finished(PCM)
    first, second = clinic.callbacks(2, "/hook")
    assert first == second
    assert len({headers["generated-at"] for _, _, _, headers in clinic.arrived}) == 1


def test_its_signature_can_be_in_capitals_or_wrong_or_old(hooked: Partner, clinic: Clinic) -> None:
    hooked.fault("webhook_upper_case", times=1)
    hooked.finished(PCM)
    event(clinic)
    assert signature(clinic) == expected(clinic).upper() != expected(clinic)
    clinic.arrived.clear()
    hooked.fault("webhook_wrong_signature", times=1)
    hooked.fault("webhook_stale", times=1, seconds=600)
    hooked.finished(PCM)
    event(clinic)
    assert signature(clinic) == expected(clinic, f"not {SECRET}")
    assert 600 <= age_seconds(clinic) < 605


@pytest.mark.parametrize(
    ("fault", "params", "status"),
    [
        ("webhook_status", {"status": "archived"}, "archived"),
        ("webhook_timeout", {}, "timeout"),
        ("webhook_cancelled", {}, "cancelled"),
        ("webhook_body", {"body": {"status": 5}}, 5),
    ],
)
def test_it_can_say_what_nobody_described(
    hooked: Partner, clinic: Clinic, fault: str, params: dict[str, Any], status: Any
) -> None:
    hooked.fault(fault, **params)
    session = hooked.finished(PCM)
    assert (event(clinic)["status"], event(clinic)["session_id"]) == (status, session)


def test_it_can_be_junk_and_is_signed_all_the_same(hooked: Partner, clinic: Clinic) -> None:
    hooked.fault("webhook_junk", body="<html>")
    hooked.finished(PCM)
    assert clinic.callbacks(1, "/hook") == [b"<html>"]
    assert signature(clinic) == expected(clinic)


def test_a_lost_one_can_be_sent_later(hooked: Partner, clinic: Clinic) -> None:
    hooked.fault("webhook_lost")
    session = hooked.finished(PCM)
    answer = hooked.control("POST", f"sessions/{session}/webhook", {"generated_at_shift_seconds": -60})
    assert answer.json()["status"] == 200
    assert event(clinic)["session_id"] == session
    assert signature(clinic) == expected(clinic)
    assert 60 <= age_seconds(clinic) < 65


def test_one_of_an_unknown_session_can_be_sent_anywhere(partner: Partner, clinic: Clinic) -> None:
    asked = {"url": clinic.url("/hook"), "secret": "other", "body": {"status": "success", "session_id": "sdk"}}
    assert partner.control("POST", "webhook", asked).json()["status"] == 200
    assert event(clinic)["session_id"] == "sdk"
    assert signature(clinic) == expected(clinic, "other")
    assert partner.control("POST", "webhook", {"body": {}}).status_code == 400
    assert partner.control("PUT", "webhook", {"url": "x"}).status_code == 400
    partner.hook()
    partner.control("DELETE", "webhook")
    assert partner.control("GET", "webhook").json() == {}
