"""A recording sent to Dragon Copilot by a client library alone, or by curl: what the adapter is measured against.

Calls and messages are the adapter's, and as long; only the forms of REST each client puts together by itself.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import uuid4

import grpc
import requests
from websockets.sync.client import connect

from config.demo import DRAGON
from vendors.dragon import ambient_audio_streaming_pb2 as pb
from vendors.dragon import grpc_wire, hosts, wire
from vendors.dragon.content import Content
from vendors.dragon.rest_client import AUDIO_VERSION, PARTNER_VERSION
from vendors.dragon.uploading import AT_ONCE, CHUNK_BYTES
from vendors.dragon.websocket_client import USUAL_VERSION
from vendors.dragon.wire import Asked

CLIENT = (DRAGON["client_id"], DRAGON["client_secret"])
SECONDS = 60


@dataclass(frozen=True)
class Recording:
    """`folder`: the same in pieces, a file each from 0 on, for curl can send no part of a file in a form."""

    content: Content
    file: Path
    folder: Path

    def pieces(self) -> Iterator[tuple[int, bytes]]:
        """Each with the byte it begins at."""
        with self.file.open("rb") as file:
            for start in range(0, self.content.size, CHUNK_BYTES):
                yield start, file.read(CHUNK_BYTES)

    def cut(self) -> None:
        self.folder.mkdir(exist_ok=True)
        for number, (_, piece) in enumerate(self.pieces()):
            (self.folder / str(number)).write_bytes(piece)

    @property
    def chunks(self) -> int:
        """By REST: the first holds no audio."""
        return 1 + -(-self.content.size // CHUNK_BYTES)


@dataclass(frozen=True)
class Sandbox:
    """`grpc`: host and port."""

    url: str
    grpc: str

    @cached_property
    def audio(self) -> dict[str, str]:
        """The headers that prove who calls."""
        return self._bearer(hosts.AUDIO_AUDIENCE)

    @cached_property
    def partner(self) -> dict[str, str]:
        return self._bearer(hosts.PARTNER_AUDIENCE)

    def _bearer(self, audience: str) -> dict[str, str]:
        form = {"grant_type": "client_credentials", "scope": f"{audience}/.default"}
        answer = requests.post(f"{self.url}/issuer/token", data=form, auth=CLIENT, timeout=SECONDS)
        return {"Authorization": f"Bearer {answer.json()['access_token']}"}

    def to_audio(self, name: str) -> str:
        return f"{self.url}/dragon/audio/{name}?api-version={AUDIO_VERSION}"

    def to_partner(self, path: str) -> str:
        return f"{self.url}/dragon/partner/{path}?api-version={PARTNER_VERSION}"


# --- REST
@contextmanager
def session(sandbox: Sandbox, asked: Asked, chunks: int) -> Iterator[None]:
    """Made before its chunks; declared whole and ended after them."""
    say("PUT", sandbox.to_partner("ambient-sessions"), sandbox.partner, wire.session_body(asked))
    yield
    say("POST", sandbox.to_audio("finalizeUpload"), sandbox.audio, wire.finalize_body(asked, 1, chunks))
    say("DELETE", sandbox.to_partner(f"ambient-sessions/{asked.correlation_id}"), sandbox.partner)


def say(method: str, url: str, headers: dict[str, str], body: Any = None) -> None:
    headers = headers | {"x-correlation-id": str(uuid4())}
    requests.request(method, url, headers=headers, json=body, timeout=SECONDS).raise_for_status()


def by_requests(recording: Recording, sandbox: Sandbox, asked: Asked) -> None:
    """One session of requests, as many threads as the adapter has."""
    url = sandbox.to_audio("storeChunk")

    def store(number: int) -> None:
        metadata = wire.chunk_metadata(asked, 1, number, is_last=number == recording.chunks)
        form: dict[str, Any] = {"metadata": (None, json.dumps(metadata))}
        if number > 1:
            data = os.pread(file.fileno(), CHUNK_BYTES, (number - 2) * CHUNK_BYTES)
            form["content"] = ("chunk", data, "application/octet-stream")
        headers = sandbox.audio | {"x-correlation-id": str(uuid4())}
        client.put(url, files=form, headers=headers, timeout=SECONDS).raise_for_status()

    with (
        recording.file.open("rb") as file,
        session(sandbox, asked, recording.chunks),
        requests.Session() as client,
        ThreadPoolExecutor(AT_ONCE) as pool,
    ):
        deque(pool.map(store, range(1, recording.chunks + 1)), maxlen=0)


def by_curl(recording: Recording, sandbox: Sandbox, asked: Asked, at_once: int) -> None:
    """One curl, which is told of all requests at once and keeps its connections."""
    together = ["--parallel", "--parallel-immediate", "--parallel-max", str(at_once)] if at_once > 1 else []
    command = ["curl", "--fail-early", *together, "--config", "-"]
    told = "\nnext\n".join(curl_request(recording, sandbox, asked, number + 1) for number in range(recording.chunks))
    with session(sandbox, asked, recording.chunks):
        subprocess.run(command, input=told, text=True, check=True, capture_output=True)  # noqa: S603


def curl_request(recording: Recording, sandbox: Sandbox, asked: Asked, number: int) -> str:
    """One chunk, in the words of a curl configuration."""
    metadata = json.dumps(wire.chunk_metadata(asked, 1, number, is_last=number == recording.chunks))
    lines = ["silent", "show-error", "fail", 'output = "/dev/null"', 'request = "PUT"', 'header = "Expect:"']
    lines.append(f"url = {json.dumps(sandbox.to_audio('storeChunk'))}")
    headers = sandbox.audio | {"x-correlation-id": str(uuid4())}
    lines += [f"header = {json.dumps(f'{name}: {value}')}" for name, value in headers.items()]
    lines.append(f"form-string = {json.dumps(f'metadata={metadata}')}")
    if number > 1:
        lines.append(f"form = {json.dumps(f'content=@{recording.folder / str(number - 2)}')}")
    return "\n".join(lines)


# --- Streams
def by_websockets(recording: Recording, sandbox: Sandbox, asked: Asked) -> None:
    """The library's client for threads: one sends, another hears that all is stored."""
    headers = sandbox.audio | {"customer-id": asked.customer.customer, "external-user-id": asked.customer.user}
    url = f"ws{sandbox.url.removeprefix('http')}/dragon/ws?api-version={USUAL_VERSION}"
    opening, closing = frames(recording, asked)
    with connect(url, additional_headers=headers, compression=None, proxy=None) as line:
        hearing = Thread(target=lambda: deque(line, maxlen=0))
        hearing.start()
        line.send(wire.frame("RecordingOpen", opening, str(uuid4())))
        for start, data in recording.pieces():
            line.send(wire.data_chunk(start, data))
        line.send(wire.frame("RecordingClose", closing, str(uuid4())))
        hearing.join()


def by_grpcio(recording: Recording, sandbox: Sandbox, asked: Asked) -> None:
    """A generator of messages, and all answers read."""
    opening, closing = frames(recording, asked)

    def messages() -> Iterator[pb.RecordAmbientRequest]:
        yield grpc_wire.opening(opening)
        yield from (grpc_wire.chunk(start, data) for start, data in recording.pieces())
        yield grpc_wire.closing(closing)

    headers = sandbox.audio | {"external-user-id": asked.customer.user}
    metadata = tuple((name.lower(), value) for name, value in headers.items())
    with grpc.insecure_channel(sandbox.grpc) as channel:
        method = channel.stream_stream(
            f"{grpc_wire.SERVICE}/RecordAmbient",
            request_serializer=pb.RecordAmbientRequest.SerializeToString,
            response_deserializer=pb.RecordAmbientResponse.FromString,
        )
        deque(method(messages(), metadata=metadata, timeout=SECONDS), maxlen=0)


def frames(recording: Recording, asked: Asked) -> Sequence[dict[str, Any]]:
    """RecordingOpen and RecordingClose."""
    name = wire.recording_id(asked.correlation_id, 1)
    return wire.open_body(asked, name, recording.content, 0), wire.close_body(name, recording.content)
