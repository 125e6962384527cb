"""A clinic as its own systems see the service: over REST, and the sandbox's control beside it."""

from __future__ import annotations

import io
import itertools
import json
import time
import wave
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from config.installation import ROOT

SAMPLE = ROOT / "sandbox" / "sample" / "consultation.flac"
PATIENCE = 30.0
tones = itertools.count(1)


def wav(seconds: float = 5.0) -> bytes:
    """A square wave that no other call gives: each is a recording of its own to the sandbox."""
    pitch, rate = next(tones) + 20, 8000
    frames = b"".join(int.to_bytes(8000 if i // pitch % 2 else 57535, 2, "little") for i in range(int(rate * seconds)))
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(frames)
    return file.getvalue()


def eventually(look: Callable[[], Any], *, within: float = PATIENCE, what: str = "") -> Any:
    """The first truthy thing that `look` gives."""
    end = time.monotonic() + within
    while not (found := look()):
        if time.monotonic() > end:
            raise AssertionError(f"not within {within} s: {what or look}")
        time.sleep(0.1)
    return found


@dataclass
class Sandbox:
    url: str

    def fault(self, fault: str, client_request_id: str | None = None, **parameters: Any) -> None:
        body = {"fault": fault, "client_request_id": client_request_id, **parameters}
        requests.post(f"{self.url}/control/nabla/faults", json=body, timeout=10).raise_for_status()

    def clear(self) -> None:
        requests.delete(f"{self.url}/control/nabla/faults", timeout=10).raise_for_status()

    def seen(self, client_request_id: str) -> dict[str, Any] | None:
        """What the vendor knows of one request."""
        response = requests.get(f"{self.url}/control/nabla/requests/{client_request_id}", timeout=10)
        return response.json() if response.status_code == 200 else None

    def send_callback(self, client_request_id: str, **parameters: Any) -> None:
        url = f"{self.url}/control/nabla/requests/{client_request_id}/callback"
        requests.post(url, json=parameters, timeout=30).raise_for_status()


class Control:
    """What a pretend vendor is told to do, and what it saw."""

    def __init__(self, sandbox: Sandbox, vendor: str) -> None:
        self.url = f"{sandbox.url}/control/{vendor}"

    def tell(self, method: str, path: str, **body: Any) -> Any:
        response = requests.request(method, f"{self.url}/{path}", json=body or None, timeout=30)
        response.raise_for_status()
        return response.json()

    def fault(self, fault: str, **parameters: Any) -> None:
        self.tell("POST", "faults", fault=fault, **parameters)

    def session(self, ref: str) -> Any:
        return self.tell("GET", f"sessions/{ref}")


@dataclass
class Clinic:
    slug: str
    base_url: str
    door_url: str
    sandbox: Sandbox
    key: str
    log: Path
    http: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        self.http.headers["Authorization"] = f"Bearer {self.key}"

    def call(self, method: str, path: str, expect: int = 200, **options: Any) -> Any:
        response = self.http.request(method, f"{self.base_url}/api/v1/{path}", timeout=60, **options)
        assert response.status_code == expect, (response.status_code, response.text)
        return response.json()

    def session(self, **fields: Any) -> str:
        body = {"kind": "ambient", "language": "en-US", "consent": True} | fields
        return str(self.call("POST", "sessions", 201, json=body)["id"])

    def upload(self, session: str, audio: bytes, content_type: str = "audio/wav", expect: int = 201) -> Any:
        headers = {"Content-Type": content_type}
        return self.call("PUT", f"sessions/{session}/audio", expect, data=audio, headers=headers)

    def ask(self, session: str, **fields: Any) -> Any:
        body = {"vendor": "nabla", "output_objects": ["transcript_item", "note"]} | fields
        return self.call("POST", f"sessions/{session}/requests", 202, json=body)

    def consult(self, audio: bytes | None = None, **fields: Any) -> Any:
        """A session with audio, and a request for it."""
        session = self.session()
        self.upload(session, audio or wav())
        return self.ask(session, **fields)

    def request(self, request: Any) -> Any:
        return self.call("GET", f"requests/{request['id']}")

    def until(self, request: Any, *states: str, within: float = PATIENCE) -> Any:
        """The request once it is in one of the states."""

        def look() -> Any:
            now = self.request(request)
            return now if now["state"] in states else None

        try:
            return eventually(look, within=within)
        except AssertionError:
            raise AssertionError(f"not {states} within {within} s: {json.dumps(self.request(request))}") from None

    def ready(self, request: Any, within: float = PATIENCE) -> Any:
        return self.until(request, "ready", within=within)
