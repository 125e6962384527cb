"""The sandbox's Suki as a partner of it sees it."""

import base64
import json
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import requests
from websockets.sync.client import ClientConnection, connect

from .conftest import SECRET, Clinic

FRAME = 3200
PROVIDER = "dr-a"
LOGIN = {"partner_id": "sandbox-partner", "partner_token": "sandbox-partner-token", "provider_id": PROVIDER}
REGISTRATION = {"provider_name": "Dr A", "provider_org_id": "clinic", "provider_specialty": "FAMILY_MEDICINE"}
RECORDED_AT = "2026-03-01T09:00:00+00:00"


def samples(seconds: float, seed: int = 1) -> bytes:
    """Noise: no two frames of it are the same."""
    return random.Random(seed).randbytes(int(seconds * 16_000) * 2)  # noqa: S311


def frames(pcm: bytes) -> list[bytes]:
    return [pcm[start : start + FRAME] for start in range(0, len(pcm), FRAME)]


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


class Partner:
    def __init__(self, root: str, clinic: Clinic) -> None:
        self.root, self.clinic = root, clinic
        self.api = f"{root}/suki/api/v1"
        self.sockets = f"ws{root.removeprefix('http')}/suki/ws"

    def login(self, **changes: Any) -> requests.Response:
        return requests.post(f"{self.api}/auth/login", json=LOGIN | changes, timeout=8)

    def register(self, **changes: Any) -> requests.Response:
        return requests.post(f"{self.api}/auth/register", json=LOGIN | REGISTRATION | changes, timeout=8)

    def new_token(self, provider: str = PROVIDER) -> str:
        self.register(provider_id=provider)
        return str(self.login(provider_id=provider).json()["suki_token"])

    @cached_property
    def token(self) -> str:
        return self.new_token()

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> requests.Response:
        sent = {"sdp_suki_token": self.token} | headers
        return requests.request(method, f"{self.api}/{path}", json=body, headers=sent, timeout=8)

    def create(self, **body: Any) -> str:
        return str(self.call("POST", "ambient/session/create", body).json()["ambient_session_id"])

    def ambient(self, method: str, session: str, what: str, body: Any = None) -> requests.Response:
        return self.call(method, f"ambient/session/{session}/{what}", body)

    def create_dictation(self, **body: Any) -> str:
        return str(self.call("POST", "transcription/session/create", body).json()["transcription_session_id"])

    def end_dictation(self, session: str) -> requests.Response:
        return self.call("POST", f"transcription/session/{session}/end")

    @contextmanager
    def stream(self, session: str, started: bool = True) -> Iterator[ClientConnection]:
        headers = {"sdp_suki_token": self.token, "ambient_session_id": session}
        with connect(f"{self.sockets}/stream", additional_headers=headers, compression=None) as socket:
            if started:
                say(socket, type="START_TIME", data=encoded(RECORDED_AT.encode()))
            yield socket

    @contextmanager
    def transcribe(self, session: str) -> Iterator[ClientConnection]:
        headers = {"sdp_suki_token": self.token, "transcription_session_id": session}
        with connect(f"{self.sockets}/transcribe", additional_headers=headers, max_size=None) as socket:
            yield socket

    def streamed(self, pcm: bytes, **body: Any) -> str:
        """A session to which all of that was streamed, not ended yet."""
        session = self.create(**body)
        with self.stream(session) as socket:
            send_audio(socket, pcm)
            say(socket, type="AUDIO", data="RU9G")
            assert list(socket) == []
        return session

    def finished(self, pcm: bytes, **body: Any) -> str:
        session = self.streamed(pcm, **body)
        assert self.ambient("POST", session, "end").status_code == 200
        self.over(session)
        return session

    def over(self, session: str) -> dict[str, Any]:
        """The record of a session that is over, once it is."""
        return self.until(session, lambda shown: shown["state"] not in ("created", "ready", "running"))

    def until(self, session: str, condition: Any) -> dict[str, Any]:
        end = time.monotonic() + 8
        while not condition(shown := self.session(session)):
            assert time.monotonic() < end, f"never came to be: {shown}"
            time.sleep(0.02)
        return shown

    def dictated(self, session: str, pcm: bytes) -> list[dict[str, Any]]:
        """What comes back for one utterance, with the EOF."""
        with self.transcribe(session) as socket:
            for frame in frames(pcm):
                say(socket, type="AUDIO", audioData=encoded(frame))
            say(socket, type="EVENT", event="AUDIO_END")
            return [json.loads(one) for one in socket]

    def links(self, session: str, download: str = "false") -> list[dict[str, Any]]:
        answer = self.ambient("GET", session, f"recording?download={download}")
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["recordings"]
        return found

    def made(self, **asked: Any) -> str:
        """The session that control makes as if elsewhere."""
        answer = self.control("POST", "sessions", asked)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["session_ids"][0])

    def fault(self, name: str, **params: Any) -> None:
        answer = self.control("POST", "faults", {"fault": name, **params})
        assert answer.status_code == 201, answer.text

    def control(self, method: str, path: str, body: Any = None) -> requests.Response:
        return requests.request(method, f"{self.root}/control/suki/{path}", json=body, timeout=8)

    def settings(self, **changes: Any) -> None:
        assert self.control("PATCH", "settings", changes).status_code == 200

    def ahead(self, seconds: float) -> None:
        assert self.control("POST", "clock", {"ahead_seconds": seconds}).status_code == 200

    def hook(self, path: str = "/hook", secret: str = SECRET) -> None:
        asked = {"url": self.clinic.url(path), "secret": secret}
        assert self.control("PUT", "webhook", asked).status_code == 200

    def session(self, identifier: str) -> dict[str, Any]:
        read: dict[str, Any] = self.control("GET", f"sessions/{identifier}").json()
        return read

    def requests(self, endpoint: str) -> list[dict[str, Any]]:
        read: list[dict[str, Any]] = self.control("GET", "requests").json()[endpoint]
        return read


def say(socket: ClientConnection, **frame: Any) -> None:
    socket.send(json.dumps(frame))


def send_audio(socket: ClientConnection, pcm: bytes) -> None:
    for frame in frames(pcm):
        say(socket, type="AUDIO", data=encoded(frame))


def finals(told: Sequence[dict[str, Any]]) -> list[str]:
    return [one["transcript"]["transcript"] for one in told if one.get("is_final")]


def partials(told: Sequence[dict[str, Any]]) -> list[str]:
    return [one["transcript"]["transcript"] for one in told if one.get("is_final") is False]
