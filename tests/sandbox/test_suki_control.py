"""The control API of the sandbox's Suki: what it shows, makes and forgets."""

import base64
import tempfile
from pathlib import Path
from typing import Any

import pytest

from sandbox.faults import Fault
from sandbox.messages import Answer, Silence
from sandbox.suki.contract import ENDPOINTS
from sandbox.suki.faults import ANY, KINDS, faulty, of_an_endpoint
from sandbox.suki.sessions import Session, Sessions
from sandbox.suki.settings import Settings

from .partner import Partner, samples, send_audio

PCM = samples(1)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files of this process go."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_audio_is_on_disk_until_a_reset(partner: Partner, folder: Path) -> None:
    partner.streamed(PCM)
    (file,) = folder.iterdir()
    assert file.read_bytes() == PCM
    partner.control("POST", "../reset")
    assert list(folder.iterdir()) == []


def test_reset_forgets_everything(partner: Partner) -> None:
    session = partner.made()
    partner.fault("any_500", session_id="other")
    partner.settings(chunks=5)
    partner.ahead(60)
    partner.hook()
    token = partner.token
    partner.control("POST", "../reset")
    assert partner.control("GET", f"sessions/{session}").status_code == 404
    assert partner.control("GET", "sessions").json() == partner.control("GET", "faults").json() == []
    assert partner.control("GET", "providers").json() == []
    assert partner.control("GET", "settings").json()["chunks"] == 1
    assert partner.control("GET", "clock").json()["ahead_seconds"] == 0
    assert partner.control("GET", "webhook").json() == {}
    assert partner.requests("login") == []
    assert partner.call("GET", f"ambient/session/{session}/status", sdp_suki_token=token).status_code == 401


def test_reset_hangs_up(partner: Partner) -> None:
    with partner.stream(partner.create()) as socket:
        send_audio(socket, PCM)
        partner.control("POST", "../reset")
        assert list(socket) == []


def test_a_session_can_be_made_elsewhere(partner: Partner) -> None:
    sound = base64.b64encode(PCM).decode()
    session = partner.made(session_id="sdk-1", provider_id="dr-a", samples=sound, chunks=2, encounter_id="v")
    shown = partner.session(session)
    assert (session, shown["audio_bytes"], shown["provider"], shown["state"]) == ("sdk-1", 32_000, "dr-a", "completed")
    assert len(partner.links(session)) == 2
    assert partner.control("POST", "sessions", {"session_id": "sdk-1"}).status_code == 409


def test_many_can_be_made_at_once(partner: Partner, folder: Path) -> None:
    made = partner.control("POST", "sessions", {"count": 500, "seconds": 1}).json()["session_ids"]
    assert len(set(made)) == len(partner.control("GET", "sessions").json()) == 500
    assert len(list(folder.iterdir())) == 1


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("sessions", {"seconds": -1}),
        ("sessions", {"seconds": "long"}),
        ("sessions", {"samples": "?"}),
        ("sessions", {"surprise": 1}),
        ("sessions", {"count": 2, "session_id": "x"}),
        ("clock", {"ahead_seconds": "x"}),
        ("clock", {}),
        ("providers", {}),
        ("faults", {"fault": "recording_404", "client_request_id": "x"}),
    ],
)
def test_what_makes_no_sense_is_refused(partner: Partner, path: str, asked: dict[str, Any]) -> None:
    assert partner.control("POST", path, asked).status_code == 400


@pytest.mark.parametrize(
    "asked",
    [{"chunks": 0}, {"chunks": "2"}, {"surprise": 1}, {"single_token": 1}, {"partner_key": "x"}, {"delay": True}],
)
def test_settings_are_checked(partner: Partner, asked: dict[str, Any]) -> None:
    assert partner.control("PATCH", "settings", asked).status_code == 400
    assert partner.control("GET", "settings").json() == Settings(delay=0.1, shortest_seconds=0.5).shown()


def test_requests_are_listed_by_endpoint_with_their_times(partner: Partner) -> None:
    session = partner.create()
    for _ in range(3):
        partner.ambient("GET", session, "status")
    partner.call("GET", "nowhere")
    told = partner.requests("status")
    assert [(one["method"], one["status"], one["session_id"]) for one in told] == [("GET", 200, session)] * 3
    assert told[0]["at"] < told[1]["at"] < told[2]["at"]
    assert [one["status"] for one in partner.requests("other")] == [404]
    assert [one["session_id"] for one in partner.requests("create")] == [session]
    assert [one["endpoint"] for one in partner.session(session)["requests"]] == ["create", *["status"] * 3]


def test_the_sessions_forget_the_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.kept.KEPT", 3)
    sessions = Sessions()
    for number in range(5):
        assert sessions.add(Session(str(number), "ambient", None, 0, ""))
    assert [one.id for one in sessions.all()] == ["2", "3", "4"]


@pytest.mark.parametrize(
    "name", [name for name, kind in KINDS.items() if kind.aspect in (ANY, "handshake", *ENDPOINTS)]
)
def test_every_fault_of_an_endpoint_has_an_answer(name: str) -> None:
    kind = KINDS[name]
    answer = faulty(Fault(1, name, kind.aspect, "session_id", None, None, dict(kind.params)), Settings())
    assert isinstance(answer, Answer | Silence)


def test_no_other_aspect_is_taken_for_an_endpoints() -> None:
    """An aspect that has an endpoint's name would use up its faults there."""
    ours = {name for name in ENDPOINTS for aspect in of_an_endpoint(name) if aspect == name}
    mistaken = [name for name, kind in KINDS.items() if kind.aspect in ours and not name.startswith(kind.aspect)]
    assert mistaken == []


def test_a_fault_of_one_session_happens_to_no_other(partner: Partner) -> None:
    first, second = partner.create(), partner.create()
    partner.fault("status_500", session_id=second)
    assert [partner.ambient("GET", one, "status").status_code for one in (first, second)] == [200, 500]
    partner.fault("status_timeout", session_id=first, seconds=0.1)
    with pytest.raises(OSError, match="Connection aborted"):
        partner.ambient("GET", first, "status")
