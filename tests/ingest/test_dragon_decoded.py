"""A stored hour to Dragon Copilot, decoded on its way where it is not taken as it is: in little memory, to the byte."""

from __future__ import annotations

import hashlib
import wave
from collections.abc import Iterator
from pathlib import Path
from random import Random
from uuid import uuid4

import pytest

from ingest import sound
from tests.vendors.dragon_sandbox import TRANSPORTS, Sandbox, running
from tests.vendors.test_dragon_hour import SECONDS, Sending, check_taken, check_whole, kill_halfway
from vendors.dragon.content import wav_header

RATE = 44_100
PCM = {"pcm": {"sampleRateHz": 16_000, "bitcount": 16, "channels": 1}}
SAMPLES = 2 * 16_000 * SECONDS


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running(delay=3600) as box:
        yield box


@pytest.fixture(scope="module")
def hour(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """8 bits at 44.1 kHz, no two seconds alike."""
    path, noise = tmp_path_factory.mktemp("stored") / "hour.wav", Random(7).randbytes(RATE)  # noqa: S311
    with wave.open(str(path), "wb") as writer:
        writer.setparams((1, 1, RATE, SECONDS * RATE, "NONE", ""))
        for second in range(SECONDS):
            writer.writeframesraw(noise[second:] + noise[:second])
    return path


@pytest.fixture(scope="module")
def digests(hour: Path) -> dict[str, str]:
    """Of what it is decoded to in one go: as it is streamed, and as a file."""
    streamed, file = hashlib.sha256(), hashlib.sha256(wav_header(SAMPLES, 16_000))
    for frame in sound.read(str(hour), 16_000, 0, 1000 * SECONDS):
        streamed.update(frame)
        file.update(frame)
    return {"rest": file.hexdigest(), **dict.fromkeys(("websocket", "grpc"), streamed.hexdigest())}


@pytest.fixture
def sending(sandbox: Sandbox, hour: Path, tmp_path: Path, transport: str) -> Iterator[Sending]:
    sandbox.settings(audio_formats=[PCM])
    yield Sending(sandbox, transport, hour, tmp_path / "places", str(uuid4()), worker="tests.ingest.sending")
    sandbox.forget()


def size(transport: str) -> int:
    return SAMPLES + (44 if transport == "rest" else 0)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_an_hour_is_decoded_in_little_memory(sending: Sending, digests: dict[str, str]) -> None:
    assert sending.done()["grew"] < 20_000_000
    check_taken(sending, size(sending.transport), digests[sending.transport])


@pytest.mark.parametrize("transport", ["rest"])
def test_so_it_is_where_it_is_sent_as_it_was_stored(sending: Sending) -> None:
    sending.sandbox.settings(audio_formats=[PCM, {"byteStream": {"formatSpecifier": "audio/wav"}}])
    assert sending.done()["grew"] < 20_000_000
    check_whole(sending)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_what_a_worker_left_that_was_killed_is_decoded_to_the_same(sending: Sending, digests: dict[str, str]) -> None:
    kill_halfway(sending, SAMPLES)
    sending.done()
    check_taken(sending, size(sending.transport), digests[sending.transport])
