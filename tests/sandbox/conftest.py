"""A sandbox on a free port and, across a real socket, a clinic that serves audio and takes callbacks."""

import hashlib
import hmac
import io
import json
import threading
import time
import uuid
import wave
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
import requests

from sandbox.dragon import Dragon
from sandbox.dragon import settings as dragon_settings
from sandbox.issuer import Issuer
from sandbox.nabla import Nabla
from sandbox.sample import AUDIO
from sandbox.server import Server
from sandbox.suki import Suki
from sandbox.suki.settings import Settings

if TYPE_CHECKING:
    from .copilot import Copilot
    from .partner import Partner

KEY = "a-key"
DELAY = 0.1
SECRET = "whsec-one"


def wav(seconds: float, seed: int = 0) -> bytes:
    """Audio that differs with the seed; 8 kHz, 8 bit."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(1)
        writer.setframerate(8000)
        writer.writeframes(bytes([seed % 256]) * int(8000 * seconds))
    return file.getvalue()


class Clinic(ThreadingHTTPServer):
    """`files` by path: (status, content type, bytes). `arrived` holds (moment, path, body, headers) of every callback.

    Each of the `first_answers` is given once, then `answer_status` always. `allows` is answered to a CloudEvents
    handshake, None with what was asked.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        self.files: dict[str, tuple[int, str, bytes]] = {"/sample": (200, "audio/flac", AUDIO.read_bytes())}
        self.part_size: int | None = None
        self.answer_status = 200
        self.first_answers: list[int] = []
        self.allows: str | None = None
        self.arrived: list[tuple[float, str, bytes, dict[str, str]]] = []
        self.news = threading.Condition()
        self.busy = self.busiest = 0
        super().__init__(("127.0.0.1", 0), ClinicHandler)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}{path}"

    def serve(self, audio: bytes, content_type: str = "audio/wav", status: int = 200) -> str:
        path = f"/{uuid.uuid4()}"
        self.files[path] = (status, content_type, audio)
        return self.url(path)

    def callbacks(self, count: int, path: str = "/callback") -> list[bytes]:
        """Waits for so many callbacks at the path and gives their bodies."""
        with self.news:
            assert self.news.wait_for(lambda: len(self.at(path)) >= count, 8), f"only {len(self.at(path))} came"
            return self.at(path)

    def at(self, path: str) -> list[bytes]:
        return [body for _, where, body, _ in self.arrived if where == path]


class ClinicHandler(BaseHTTPRequestHandler):
    server: Clinic
    wbufsize = -1

    def do_GET(self) -> None:
        status, content_type, body = self.server.files[self.path]
        headers = {}
        if self.server.part_size:
            asked = self.headers.get("Range", "bytes=0-")
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            part = body[start : start + self.server.part_size]
            headers["Content-Range"] = f"bytes {start}-{start + len(part) - 1}/{len(body)}"
            status, body = 206, part
        self.reply(status, body, headers | {"Content-Type": content_type})

    def do_OPTIONS(self) -> None:
        asked = self.headers["WebHook-Request-Origin"]
        allowed = asked if self.server.allows is None else self.server.allows
        self.reply(200, b"", {"WebHook-Allowed-Origin": allowed, "WebHook-Allowed-Rate": "*"})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        clinic = self.server
        with clinic.news:
            clinic.busy += 1
            clinic.busiest = max(clinic.busiest, clinic.busy)
        time.sleep(0.05)
        with clinic.news:
            clinic.busy -= 1
            headers = {name.lower(): value for name, value in self.headers.items()}
            clinic.arrived.append((time.monotonic(), self.path, body, headers))
            status = clinic.first_answers.pop(0) if clinic.first_answers else clinic.answer_status
            clinic.news.notify_all()
        self.reply(status, b'{"status": "stored"}', {"Content-Type": "application/json"})

    def reply(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


class Vendor:
    """The sandbox as its users see it."""

    def __init__(self, root: str, clinic: Clinic) -> None:
        self.root, self.clinic = root, clinic

    def order(self, **changes: Any) -> dict[str, Any]:
        """A body that the contract allows; a field changed to `...` is left out."""
        body = {
            "output_objects": ["transcript_item", "note"],
            "language": "en-US",
            "note_template": "GENERAL_MEDICINE",
            "file_url": self.clinic.url("/sample"),
            "callback_url": self.clinic.url("/callback"),
            "client_request_id": str(uuid.uuid4()),
        }
        return {name: value for name, value in (body | changes).items() if value is not ...}

    def send(self, body: Any, *, headers: dict[str, Any] | None = None, timeout: float = 8) -> requests.Response:
        sent: dict[str, Any] = {
            "Authorization": f"Bearer {KEY}",
            "X-Nabla-Api-Version": "2024-04-22",
            "Content-Type": "application/json",
        }
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        url = f"{self.root}/nabla/v1/copilot-api/server/listen_async"
        return requests.post(url, data, headers=sent | (headers or {}), timeout=timeout)

    def submit(self, **changes: Any) -> requests.Response:
        return self.send(self.order(**changes))

    def result(self, **changes: Any) -> dict[str, Any]:
        """Submits what is accepted, and gives the callback's body."""
        assert self.submit(**changes).status_code == 200
        read: dict[str, Any] = json.loads(self.clinic.callbacks(1)[0])
        return read

    def fault(self, name: str, **params: Any) -> dict[str, Any]:
        answer = self.control("POST", "nabla/faults", {"fault": name, **params})
        assert answer.status_code == 201, answer.text
        read: dict[str, Any] = answer.json()
        return read

    def control(self, method: str, path: str, body: Any = None) -> requests.Response:
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        return requests.request(method, f"{self.root}/control/{path}", data=data, timeout=8)

    def entry(self, identifier: str) -> dict[str, Any]:
        read: dict[str, Any] = self.control("GET", f"nabla/requests/{identifier}").json()
        return read

    def settled(self, identifier: str) -> dict[str, Any]:
        """The record of the request, once nothing more is going to happen to it."""
        end = time.monotonic() + 8
        while (entry := self.entry(identifier))["state"] == "working":
            assert time.monotonic() < end, "the request never settled"
            time.sleep(0.02)
        return entry


@pytest.fixture
def running() -> Iterator[Callable[[ThreadingHTTPServer], str]]:
    servers: list[ThreadingHTTPServer] = []

    def start(server: ThreadingHTTPServer) -> str:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_address[1]}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def clinic(running: Callable[[ThreadingHTTPServer], str]) -> Clinic:
    server = Clinic()
    running(server)
    return server


@pytest.fixture
def vendor(running: Callable[[ThreadingHTTPServer], str], clinic: Clinic) -> Iterator[Vendor]:
    stopping = threading.Event()
    yield Vendor(running(Server(("127.0.0.1", 0), [Nabla(KEY, DELAY, stopping)], stopping)), clinic)
    stopping.set()


@pytest.fixture
def partner(running: Callable[[ThreadingHTTPServer], str], clinic: Clinic) -> Iterator["Partner"]:
    """Of a Suki that takes half a second of audio, and a tenth of one to listen to it."""
    from .partner import Partner

    stopping = threading.Event()
    suki = Suki(Settings(delay=DELAY, shortest_seconds=0.5), None, stopping)
    yield Partner(running(Server(("127.0.0.1", 0), [suki], stopping)), clinic)
    stopping.set()


@pytest.fixture(scope="session")
def issuer() -> Issuer:
    """Its keys take a moment to make."""
    return Issuer()


@pytest.fixture
def copilot(running: Callable[[ThreadingHTTPServer], str], clinic: Clinic, issuer: Issuer) -> Iterator["Copilot"]:
    """Of a Dragon that takes a tenth of a second to listen."""
    from .copilot import Copilot

    stopping = threading.Event()
    issuer.reset()
    dragon = Dragon(dragon_settings.Settings(delay=DELAY, retry_seconds=0.02), issuer, stopping)
    root = running(Server(("127.0.0.1", 0), [dragon, issuer], stopping))
    issuer.url = f"{root}/issuer"
    yield Copilot(root, clinic, dragon)
    stopping.set()


@pytest.fixture
def hooked(vendor: Vendor) -> Vendor:
    configure(vendor)
    return vendor


def configure(vendor: Vendor, path: str = "/hook", **changes: Any) -> None:
    asked = {"url": vendor.clinic.url(path), "secrets": [SECRET], "pause_seconds": 0.1, **changes}
    answer = vendor.control("PUT", "nabla/webhooks", asked)
    assert answer.status_code == 200, answer.text


def signatures(clinic: Clinic, number: int = 0) -> list[str]:
    return clinic.arrived[number][3]["x-nabla-webhook-signature"].split(",")


def expected(clinic: Clinic, secret: str, number: int = 0) -> str:
    _, _, body, headers = clinic.arrived[number]
    signed = headers["x-nabla-webhook-timestamp"].encode() + body
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def age(clinic: Clinic, number: int = 0) -> timedelta:
    return datetime.now(UTC) - datetime.fromisoformat(clinic.arrived[number][3]["x-nabla-webhook-timestamp"])


def events(clinic: Clinic, count: int, path: str = "/hook") -> list[dict[str, Any]]:
    return [json.loads(body) for body in clinic.callbacks(count, path)]
