"""The control API of the sandbox's Dragon: what it shows, changes, sends and forgets."""

import tempfile
import uuid
from pathlib import Path
from typing import Any

import pytest

from sandbox.dragon.contract import ENDPOINTS
from sandbox.dragon.exchange import NOTE_READY
from sandbox.dragon.faults import ANSWER, CALLS, KINDS, OF_A_STREAM, OF_THE_WORK, TOKEN, faulty
from sandbox.dragon.sessions import Session, Sessions
from sandbox.faults import Fault
from sandbox.messages import Answer, Silence, Stream

from .copilot import Copilot, samples

AUDIO = samples(2)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files of this process go."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_audio_is_on_disk_until_a_reset(copilot: Copilot, folder: Path) -> None:
    session = copilot.uploaded(AUDIO)
    copilot.streamed(AUDIO, str(uuid.uuid4()), str(uuid.uuid4()))
    assert [one.read_bytes() for one in folder.iterdir()] == [AUDIO, AUDIO]
    copilot.control("POST", "../reset")
    assert list(folder.iterdir()) == []
    assert copilot.control("GET", f"sessions/{session}").status_code == 404


def test_reset_forgets_everything(copilot: Copilot) -> None:
    copilot.subscribe()
    copilot.finished(AUDIO)
    event = copilot.events(1)[0]
    copilot.fault("answer_500", correlation_id="other")
    copilot.settings(delay=5, not_allowed=["x"])
    copilot.control("POST", "../reset")
    for path in ("sessions", "faults", "subscriptions"):
        assert copilot.control("GET", path).json() == []
    assert copilot.control("GET", "settings").json()["not_allowed"] == []
    assert not any(copilot.control("GET", "requests").json().values())
    assert copilot.fetch(event).status_code == 404


@pytest.mark.parametrize(
    "asked",
    [
        {"surprise": 1},
        {"delay": True},
        {"delay": -1},
        {"demands_api_version": 1},
        {"partner_id": "sandbox"},
        {"not_allowed": "x"},
        {"not_allowed": [5]},
        {"audio_formats": ["pcm"]},
        {"chunks_an_ack": 0},
        {"ended_twice_status": 409},
    ],
)
def test_settings_are_checked(copilot: Copilot, asked: dict[str, Any]) -> None:
    before = copilot.control("GET", "settings").json()
    assert copilot.control("PUT", "settings", asked).status_code == 400
    assert copilot.control("GET", "settings").json() == before


def test_settings_change_while_it_runs(copilot: Copilot) -> None:
    customer = str(uuid.uuid4())
    assert copilot.control("PUT", "settings", {"customer_id": customer, "delay": 2}).json()["delay"] == 2
    session = copilot.create()
    assert copilot.offences(session) == ["another_customerId"]
    assert copilot.offences(copilot.create(customerId=customer)) == []


def test_requests_are_listed_by_endpoint(copilot: Copilot) -> None:
    session = copilot.uploaded(AUDIO)
    listed = copilot.control("GET", "requests").json()
    assert listed.keys() == {*ENDPOINTS, "other", "offences"}
    assert [(one["method"], one["status"]) for one in listed["session"]] == [("PUT", 200)]
    assert {one["correlation_id"] for one in (*listed["chunk"], *listed["finalize"])} == {session}
    assert [one["endpoint"] for one in copilot.session(session)["requests"]][-2:] == ["chunk", "finalize"]


def test_offences_of_nobody_are_listed_too(copilot: Copilot) -> None:
    trace = {"x-correlation-id": str(uuid.uuid4())}
    for _ in range(2):
        assert copilot.chunk("unknown", 1, None, trace).status_code == 404
    assert copilot.control("GET", "requests").json()["offences"] == ["x-correlation-id_repeated"]


def test_an_event_can_be_sent_on_demand(copilot: Copilot) -> None:
    copilot.subscribe()
    session = copilot.create()
    note = {"document": {"title": "T"}, "resources": []}
    sent = copilot.control("POST", "send", {"correlation_id": session, "data": note, "id": "e-1"}).json()
    (event,) = copilot.events(1)
    assert (event["id"], event["type"], event["data"]["correlationId"]) == ("e-1", NOTE_READY, session)
    assert copilot.result(event) == note
    assert (sent["event_id"], sent["status"]) == ("e-1", 200)
    assert copilot.session(session)["deliveries"] == [sent]


def test_an_event_can_be_about_nobody_known(copilot: Copilot) -> None:
    copilot.subscribe()
    asked = {"correlation_id": "who", "type": "encounter_closed", "time": "2026-01-01T00:00:00Z", "data": "junk"}
    assert copilot.control("POST", "send", asked).json()["status"] == 200
    (event,) = copilot.events(1)
    assert (event["type"], event["time"]) == ("encounter_closed", "2026-01-01T00:00:00Z")
    assert event["data"]["correlationId"] == "who"
    assert copilot.fetch(event).json()["data"] == "junk"


@pytest.mark.parametrize("body", [{"any": "thing"}, "no json {"])
def test_anything_can_be_sent_instead_of_an_event(copilot: Copilot, body: Any) -> None:
    url = copilot.clinic.url("/elsewhere")
    asked = {"url": url, "access_token": "wrong", "body": body}
    assert copilot.control("POST", "send", asked).json()["status"] == 200
    (sent,) = copilot.clinic.callbacks(1, "/elsewhere?access_token=wrong")
    assert sent in (b'{"any": "thing"}', b"no json {")


@pytest.mark.parametrize("asked", [{}, {"surprise": 1}, {"type": 5}, {"url": "http://x"}])
def test_an_order_to_send_is_checked(copilot: Copilot, asked: dict[str, Any]) -> None:
    assert copilot.control("POST", "send", asked).status_code == 400


@pytest.mark.parametrize("asked", [{"fault": "x"}, {"fault": "chunk_500", "session_id": "x"}, {"fault": 5}])
def test_faults_are_checked(copilot: Copilot, asked: dict[str, Any]) -> None:
    assert copilot.control("POST", "faults", asked).status_code == 400


def test_what_is_no_address_is_not_found(copilot: Copilot) -> None:
    for method, path in (("GET", "elsewhere"), ("DELETE", "sessions"), ("GET", "sessions/unknown")):
        assert copilot.control(method, path).status_code == 404


def test_subscriptions_can_be_forgotten(copilot: Copilot) -> None:
    copilot.subscribe()
    assert len(copilot.control("GET", "subscriptions").json()) == 1
    assert copilot.control("DELETE", "subscriptions").json() == []


@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if kind.aspect in (ANSWER, *CALLS)])
def test_every_fault_of_a_call_has_an_answer(name: str) -> None:
    kind = KINDS[name]
    params = {key: 0 if key == "seconds" else value for key, value in kind.params.items()}
    fault = Fault(1, name, kind.aspect, "correlation_id", None, None, params)
    assert isinstance(faulty(fault, lambda: Answer(200, {})), Answer | Silence | Stream)


def test_every_aspect_is_somebodys() -> None:
    """A fault whose aspect nobody asks for would wait for ever."""
    short = {"handshake", "configuration_talk", "processing_talk"}
    assert {kind.aspect for kind in KINDS.values()} == {ANSWER, TOKEN, *CALLS, *OF_A_STREAM, *OF_THE_WORK, *short}


def test_the_sessions_forget_the_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.kept.KEPT", 3)
    sessions = Sessions()
    for number in range(5):
        sessions.add(Session(str(number), "c", "partner"))
    assert [one.id for one in sessions.all()] == ["2", "3", "4"]
