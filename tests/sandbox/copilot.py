"""The sandbox's Dragon Copilot as a partner of it sees it."""

import base64
import json
import random
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import requests
from websockets.sync.client import ClientConnection, connect

from sandbox.dragon import Dragon
from sandbox.dragon.contract import AUDIO_AUDIENCE, AUDIO_VERSION, PARTNER_AUDIENCE, PARTNER_VERSION
from sandbox.issuer.contract import CLIENT, SECRET

from .conftest import Clinic

USER = "dr-a"
CHUNK = 16_000
PCM = {"pcm": {"sampleRateHz": 16_000, "bitcount": 16, "channels": 1}}
HOOK, HOOK_TOKEN = "/dax", "s&cret"


def samples(seconds: float, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(int(seconds * 16_000) * 2)  # noqa: S311


def chunks(audio: bytes) -> list[bytes]:
    return [audio[start : start + CHUNK] for start in range(0, len(audio), CHUNK)]


class Copilot:
    def __init__(self, root: str, clinic: Clinic, dragon: Dragon) -> None:
        self.root, self.clinic, self.dragon = root, clinic, dragon
        self.sockets = f"ws{root.removeprefix('http')}/dragon/ws"
        usual = dragon.settings
        self.customer = usual.customer_id
        self.owners = {"productId": usual.product_id, "partnerId": usual.partner_id, "customerId": usual.customer_id}

    def token(self, audience: str) -> str:
        form = {"grant_type": "client_credentials", "scope": f"{audience}/.default"}
        answer = requests.post(f"{self.root}/issuer/token", data=form, auth=(CLIENT, SECRET), timeout=8)
        return str(answer.json()["access_token"])

    @cached_property
    def audio_token(self) -> str:
        return self.token(AUDIO_AUDIENCE)

    @cached_property
    def partner_token(self) -> str:
        return self.token(PARTNER_AUDIENCE)

    def minted(self, audience: str = AUDIO_AUDIENCE, claims: Mapping[str, Any] | None = None, **order: Any) -> str:
        asked = {**order, "claims": {"aud": audience, **(claims or {})}}
        answer = requests.post(f"{self.root}/control/issuer/tokens", json=asked, timeout=8)
        return str(answer.json()["token"])

    def audio(self, method: str, path: str, headers: Mapping[str, Any] | None = None, **sent: Any) -> requests.Response:
        """A call of the AAS; a header of None is left out."""
        usual = {"Authorization": f"Bearer {self.audio_token}", "x-correlation-id": str(uuid.uuid4())}
        sent = {"params": {"api-version": AUDIO_VERSION}} | sent
        url = f"{self.root}/dragon/audio/{path}"
        return requests.request(method, url, headers={**usual, **(headers or {})}, timeout=8, **sent)

    def partner(self, method: str, path: str, body: Any = None, **query: str) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.partner_token}"}
        params = {"api-version": PARTNER_VERSION} | query
        url = f"{self.root}/dragon/partner/{path}"
        return requests.request(method, url, json=body, headers=headers, params=params, timeout=8)

    def order(self, **changes: Any) -> dict[str, Any]:
        """The body of a session; a field changed to `...` is left out."""
        body = {**self.owners, "correlationId": str(uuid.uuid4()), "externalUserId": USER, **changes}
        return {name: value for name, value in body.items() if value is not ...}

    def create(self, **changes: Any) -> str:
        answer = self.partner("PUT", "ambient-sessions", self.order(**changes))
        assert answer.status_code == 200, answer.text
        return str(answer.json()["correlationId"])

    def metadata(self, session: str, number: int, **changes: Any) -> dict[str, Any]:
        return {**self.owners, "correlationId": session, "recordingId": 1, "chunkId": number, **changes}

    def chunk(
        self, session: str, number: int, data: bytes | None, headers: Mapping[str, Any] | None = None, **changes: Any
    ) -> requests.Response:
        form: dict[str, Any] = {"metadata": (None, json.dumps(self.metadata(session, number, **changes)))}
        if data is not None:
            form["content"] = ("audio", data, "application/octet-stream")
        return self.audio("PUT", "storeChunk", headers, files=form)

    def finalize(self, session: str, total: int, **changes: Any) -> requests.Response:
        body = {**self.owners, "correlationId": session, "recordingId": 1, "totalChunks": total, **changes}
        return self.audio("POST", "finalizeUpload", json=body)

    def end(self, session: str) -> requests.Response:
        return self.partner("DELETE", f"ambient-sessions/{session}")

    def put(self, session: str, audio: bytes, recording: int = 1) -> None:
        """A whole recording, finalized."""
        parts = [None, *chunks(audio)]
        for number, data in enumerate(parts, 1):
            assert self.chunk(session, number, data, recordingId=recording).status_code == 200
        assert self.finalize(session, len(parts), recordingId=recording).status_code == 200

    def uploaded(self, audio: bytes, **changes: Any) -> str:
        session = self.create(**changes)
        self.put(session, audio)
        return session

    def finished(self, audio: bytes, **changes: Any) -> str:
        """A session that is being processed."""
        session = self.uploaded(audio, **changes)
        assert self.end(session).status_code == 200
        return session

    def subscribe(self, path: str = HOOK, token: str = HOOK_TOKEN, **changes: Any) -> requests.Response:
        body = {**self.owners, "webHookUrl": self.clinic.url(path), "eventFamily": ["dax"], "accessToken": token}
        return self.partner("PUT", "subscriptions", body | changes, customerId=self.customer)

    def events(self, count: int, path: str = f"{HOOK}?access_token=s%26cret") -> list[dict[str, Any]]:
        return [json.loads(body) for body in self.clinic.callbacks(count, path)]

    def fetch(self, event: Mapping[str, Any]) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.partner_token}"}
        return requests.get(event["data"]["retrievalUrl"], headers=headers, timeout=8)

    def result(self, event: Mapping[str, Any]) -> dict[str, Any]:
        read: dict[str, Any] = json.loads(self.fetch(event).json()["data"])
        return read

    @contextmanager
    def socket(self, path: str = "", query: str = "?api-version=1", **headers: Any) -> Iterator[ClientConnection]:
        """A header of None is left out."""
        usual = {"authorization": f"Bearer {self.audio_token}", "customer-id": self.customer, "external-user-id": USER}
        given = {**usual, **{name.replace("_", "-"): value for name, value in headers.items()}}
        sent = {name: value for name, value in given.items() if value is not None}
        with connect(f"{self.sockets}{path}{query}", additional_headers=sent, compression=None) as socket:
            yield socket

    def opening(self, session: str, recording: str, **changes: Any) -> dict[str, Any]:
        data = {
            **self.owners,
            "correlationId": session,
            "externalIdentifiers": [{"type": "userId", "identifier": USER}],
            "localeInfo": {"recordingLocales": ["en-US"], "encounterReportLocale": "en-US"},
        }
        usual = {"recordingId": recording, "dataFormat": PCM, "ambientSessionData": data, "actions": ["generate-draft"]}
        return {**usual, "reason": "start", "startingOffset": 0, **changes}

    def open(self, socket: ClientConnection, session: str, recording: str, **changes: Any) -> None:
        socket.send(frame("RecordingOpen", self.opening(session, recording, **changes)))

    def streamed(self, audio: bytes, session: str, recording: str) -> None:
        """A whole recording over one WebSocket."""
        with self.socket() as socket:
            self.open(socket, session, recording)
            assert bring(socket, audio) == len(audio)
            close(socket, recording)
            assert told(socket) == [{"recordingCloses": {"dataStored": len(audio)}}]

    def process(self, session: str) -> list[dict[str, Any]]:
        with self.socket("/startProcessing") as socket:
            socket.send(frame("StartProcessing", {**self.owners, "correlationId": session}))
            return told(socket)

    def control(self, method: str, path: str, body: Any = None) -> requests.Response:
        return requests.request(method, f"{self.root}/control/dragon/{path}", json=body, timeout=8)

    def fault(self, name: str, **params: Any) -> None:
        answer = self.control("POST", "faults", {"fault": name, **params})
        assert answer.status_code == 201, answer.text

    def settings(self, **changes: Any) -> None:
        assert self.control("PUT", "settings", changes).status_code == 200

    def session(self, identifier: str) -> dict[str, Any]:
        read: dict[str, Any] = self.control("GET", f"sessions/{identifier}").json()
        return read

    def recording(self, session: str) -> dict[str, Any]:
        (only,) = self.session(session)["recordings"]
        return dict(only)

    def offences(self, session: str) -> list[str]:
        return list(self.session(session)["offences"])

    def until(self, session: str, condition: Any) -> dict[str, Any]:
        end = time.monotonic() + 8
        while not condition(shown := self.session(session)):
            assert time.monotonic() < end, f"never came to be: {shown}"
            time.sleep(0.02)
        return shown


def frame(name: str, body: Any, **headers: str) -> str:
    usual = {"Path": name, "X-MS-Request-Id": str(uuid.uuid4()), "X-Timestamp": "2026-03-01T09:00:00+00:00"}
    lines = [f"{key}={value}" for key, value in (usual | headers).items()]
    return "\r\n".join([*lines, "", json.dumps(body)])


def data_chunk(start: Any, data: bytes) -> bytes:
    return json.dumps({"DataStart": start, "Data": base64.b64encode(data).decode()}).encode()


def bring(socket: ClientConnection, audio: bytes, start: int = 0) -> int:
    """Sends it and waits for every word; gives what is stored in the end."""
    for part in chunks(audio):
        socket.send(data_chunk(start, part))
        start += len(part)
        assert json.loads(socket.recv(timeout=8)) == {"dataStored": {"dataStored": start}}
    return start


def close(socket: ClientConnection, recording: str, seconds: float = 1.0) -> None:
    socket.send(frame("RecordingClose", {"recordingId": recording, "recordingLengthSeconds": seconds, "reason": "end"}))


def told(socket: ClientConnection) -> list[dict[str, Any]]:
    """All that comes until a close of 1000."""
    return [json.loads(message) for message in socket]
