"""An audio of the clinic whose bytes are in the storage, and a recording that its vendor keeps."""

from __future__ import annotations

import hashlib
import ipaddress
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from access.models import Clinic
from config import environment
from recordings.models import Recording
from tests.factories import AudioFactory, RecordingFactory, SessionFactory
from tests.recordings.store import Keeper, Store, keeping, sound, wav
from vendors import VENDORS

BYTES = bytes(range(256)) * 40


def stored(storage: Path, clinic: Clinic, content: bytes = BYTES, **facts: Any) -> Any:
    session, sha256 = SessionFactory(clinic=clinic), hashlib.sha256(content).hexdigest()
    audio = AudioFactory(session=session, size=len(content), sha256=sha256, **facts)
    file = storage / audio.storage_key
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    return audio


@pytest.fixture
def audio(storage: Path, clinic: Clinic) -> Any:
    return stored(storage, clinic)


@pytest.fixture
def store() -> Iterator[Store]:
    with Store() as store:
        yield store


@pytest.fixture
def keeper(store: Store, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Keeper:
    """A vendor that keeps one recording of one part."""
    keeper = Keeper(store, [(1, "one")])
    store.files["one"] = wav(sound(2))
    settings.OUTBOUND_ALLOW = [ipaddress.ip_network("127.0.0.0/8")]
    monkeypatch.setitem(VENDORS, "suki", keeping(keeper))
    return keeper


@pytest.fixture
def recording(storage: Path, clinic: Clinic, keeper: Keeper) -> Recording:
    """At its vendor, and due."""
    return a_recording(clinic)


def a_recording(clinic: Clinic, **facts: Any) -> Recording:
    now = timezone.now()
    given = {"next_attempt_at": now, "available_until": now + timedelta(days=7), "account__options": FAST}
    made: Recording = RecordingFactory(session__clinic=clinic, **(given | facts))
    return made


#: As often as tests like.
FAST = {"recordings_per_second": 1000}


class Bucket(BaseHTTPRequestHandler):
    """One object of an S3 storage."""

    content = bytes(range(256)) * 1000
    asked: list[tuple[str, str, str]] = []

    def do_HEAD(self) -> None:
        self.answer(200 if self.path == "/bucket/kept/audio/key" else 404, self.content, body=False)

    def do_GET(self) -> None:
        start, _, last = self.headers["Range"].removeprefix("bytes=").partition("-")
        self.answer(206, self.content[int(start) : int(last) + 1])

    def answer(self, status: int, content: bytes, *, body: bool = True) -> None:
        self.asked.append((self.command, self.path, self.headers.get("Range", "")))
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if body:
            self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Nothing to say."""


@pytest.fixture
def s3(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Bucket)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    where = f"endpoint_url=http://127.0.0.1:{server.server_port}&region_name=eu-west-1&access_key=a&secret_key=b"
    monkeypatch.setenv("STORAGE_URL", f"s3://bucket/kept?{where}")
    settings.STORAGES = settings.STORAGES | {"default": environment.storage("STORAGE_URL")}
    Bucket.asked.clear()
    yield
    server.shutdown()
    server.server_close()
