"""An hour to Dragon Copilot by each transport: in little memory, and across a worker's death, byte for byte."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

import pytest
import requests

ROOT = Path(__file__).parents[2]
TRANSPORTS = ("rest", "websocket", "grpc")
SECONDS, RATE = 3_600, 16_000
CHUNK = 64 * 1024
PAUSES = {"rest": ("chunk_slow", 0.02), "websocket": ("streaming_slow", 0.005), "grpc": ("streaming_slow", 0.005)}


@dataclass
class Sandbox:
    url: str
    grpc_url: str

    def control(self, method: str, path: str, body: Any = None) -> Any:
        answer = requests.request(method, f"{self.url}/control/dragon/{path}", json=body, timeout=30)
        answer.raise_for_status()
        return answer.json()

    def session(self, name: str) -> Any:
        return self.control("GET", f"sessions/{name}")

    def chunks(self, name: str) -> int:
        """How many of a session's have come, those that came twice included."""
        calls = self.control("GET", "requests")["chunk"]
        uploaded = sum(call["correlation_id"] == name and call["status"] == 200 for call in calls)
        return uploaded or int(self.session(name)["recordings"][0]["chunks"])


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    command = [sys.executable, "-m", "sandbox", "--port", "0", "--delay", "3600"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url, grpc_url = (process.stdout.readline().split()[-1] for _ in range(2))
        yield Sandbox(url, f"http://{grpc_url}")
        process.terminate()


@pytest.fixture(scope="module")
def hour(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """115 MB of WAV, no two seconds alike."""
    path, noise = tmp_path_factory.mktemp("hour") / "hour.wav", Random(7).randbytes(2 * RATE - 4)  # noqa: S311
    with wave.open(str(path), "wb") as writer:
        writer.setparams((1, 2, RATE, SECONDS * RATE, "NONE", ""))
        for second in range(SECONDS):
            writer.writeframesraw(second.to_bytes(4, "little") + noise)
    return path


@dataclass
class Sending:
    """`name`: of the session, which every try at it has in common."""

    sandbox: Sandbox
    transport: str
    file: Path
    places: Path
    name: str

    def begun(self) -> subprocess.Popen[str]:
        streaming = self.sandbox.grpc_url if self.transport == "grpc" else f"{self.sandbox.url}/dragon"
        files = [str(self.file), str(self.places)]
        command = [self.transport, *files, self.sandbox.url, streaming, self.name]
        return subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "tests.vendors.sending", *command],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )

    def done(self) -> Any:
        """What the worker said at its end."""
        with self.begun() as worker:
            try:
                said, _ = worker.communicate(timeout=60)
            finally:
                worker.kill()
        assert worker.returncode == 0
        return json.loads(said)

    def confirmed(self) -> int:
        """Bytes, as the worker wrote them down."""
        place = json.loads(self.places.read_text()) if self.places.exists() else {}
        return int(place.get("stored", CHUNK * place.get("chunks", 0)))


@pytest.fixture
def sending(sandbox: Sandbox, hour: Path, tmp_path: Path, transport: str) -> Iterator[Sending]:
    yield Sending(sandbox, transport, hour, tmp_path / "places", str(uuid4()))
    requests.post(f"{sandbox.url}/control/reset", timeout=30)


def check_whole(sending: Sending) -> None:
    """It is at the vendor once, and the same byte for byte."""
    session = sending.sandbox.session(sending.name)
    (recording,) = session["recordings"]
    assert (recording["complete"], recording["bytes"]) == (True, sending.file.stat().st_size)
    with sending.file.open("rb") as file:
        assert recording["sha256"] == hashlib.file_digest(file, "sha256").hexdigest()
    assert (session["offences"], session["processed"]) == ([], True)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_an_hour_takes_little_memory(sending: Sending) -> None:
    assert sending.done()["grew"] < 20_000_000
    check_whole(sending)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_worker_that_is_killed_is_followed_and_hardly_anything_is_sent_again(sending: Sending) -> None:
    fault, seconds = PAUSES[sending.transport]
    sending.sandbox.control("POST", "faults", {"fault": fault, "seconds": seconds})
    with sending.begun() as worker:
        until = time.monotonic() + 40
        while sending.confirmed() < 20_000_000 and time.monotonic() < until:
            time.sleep(0.05)
        worker.kill()
    assert 20_000_000 <= sending.confirmed() < sending.file.stat().st_size // 2
    sending.sandbox.control("DELETE", "faults")
    sending.done()
    check_whole(sending)
    needed = -(-sending.file.stat().st_size // CHUNK)
    assert needed <= sending.sandbox.chunks(sending.name) < 1.1 * needed
