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

from tests.vendors.dragon_sandbox import ROOT, TRANSPORTS, Sandbox, running

SECONDS, RATE = 3_600, 16_000
CHUNK = 64 * 1024
PAUSES = {"rest": ("chunk_slow", 0.02), "websocket": ("streaming_slow", 0.005), "grpc": ("streaming_slow", 0.005)}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running(delay=3600) as box:
        yield box


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
    """`name`: of the session, which every try at it has in common. `worker`: the module that sends."""

    sandbox: Sandbox
    transport: str
    file: Path
    places: Path
    name: str
    worker: str = "tests.vendors.sending"

    def begun(self) -> subprocess.Popen[str]:
        streaming = self.sandbox.streaming_url(self.transport)
        command = [self.transport, str(self.file), str(self.places), self.sandbox.url, streaming, self.name]
        return subprocess.Popen(
            [sys.executable, "-W", "error", "-m", self.worker, *command],
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
    sandbox.forget()


def check_whole(sending: Sending) -> None:
    with sending.file.open("rb") as file:
        check_taken(sending, sending.file.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest())


def check_taken(sending: Sending, size: int, sha256: str) -> None:
    """It is at the vendor once, and the same byte for byte."""
    session = sending.sandbox.session(sending.name)
    (recording,) = session["recordings"]
    assert (recording["complete"], recording["bytes"], recording["sha256"]) == (True, size, sha256)
    assert (session["offences"], session["processed"]) == ([], True)


def kill_halfway(sending: Sending, size: int) -> None:
    """Once a good part of so many bytes is confirmed."""
    fault, seconds = PAUSES[sending.transport]
    sending.sandbox.fault(fault, seconds=seconds)
    with sending.begun() as worker:
        until = time.monotonic() + 60
        while sending.confirmed() < size // 6 and time.monotonic() < until:
            time.sleep(0.05)
        worker.kill()
    assert size // 6 <= sending.confirmed() < size // 2
    sending.sandbox.control("DELETE", "faults")


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_an_hour_takes_little_memory(sending: Sending) -> None:
    assert sending.done()["grew"] < 20_000_000
    check_whole(sending)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_worker_that_is_killed_is_followed_and_hardly_anything_is_sent_again(sending: Sending) -> None:
    kill_halfway(sending, sending.file.stat().st_size)
    sending.done()
    check_whole(sending)
    needed = -(-sending.file.stat().st_size // CHUNK)
    assert needed <= sending.sandbox.chunks(sending.name) < 1.1 * needed
