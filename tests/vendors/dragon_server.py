"""A small Dragon Copilot on real sockets: it takes every call well, unless it is told what to answer."""

from __future__ import annotations

import json
import re
import socket
import threading
from base64 import b64decode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import grpc

from tests.vendors.scripted_server import Answer, Asked, ScriptedServer, http, read_request
from tests.vendors.websocket_peer import Peer
from vendors.base import Speech
from vendors.dragon import ambient_audio_streaming_pb2 as pb
from vendors.dragon import grpc_wire

CREDENTIALS = {
    "partner_id": "0d9a46ab-9e2f-4d0a-8f68-6c7f1f1b7a01",
    "customer_id": "0d9a46ab-9e2f-4d0a-8f68-6c7f1f1b7a02",
    "product_id": "0d9a46ab-9e2f-4d0a-8f68-6c7f1f1b7a03",
    "client_id": "client-1",
    "client_secret": "secret-1",
    "token_url": "https://login.example/token",
    "access_token": "the-subscriptions-secret",
}
CONFIGURATION = {
    "audioFormats": [
        {"pcm": {"sampleRateHz": 16000, "bitcount": 16, "channels": 1}},
        {"byteStream": {"formatSpecifier": "audio/wav"}},
    ],
    "recordingLocales": ["en-US"],
    "recordingDurationLimits": {"minimumSeconds": 0, "maximumSeconds": 7200},
}
Talk = Callable[[Peer, "DragonServer"], None]


@dataclass
class Tape:
    """A Sound of known bytes: what is stored, and what it decodes to."""

    data: bytes = b"RIFF" + bytes(range(256)) * 800
    content_type: str = "audio/wav"
    duration_ms: int = 1_000
    speech: Speech = field(default_factory=lambda: Speech("en-US"))

    def __post_init__(self) -> None:
        self.size = len(self.data)

    def stored(self, start: int) -> Iterator[bytes]:
        for at in range(start, len(self.data), 10_000):
            yield self.data[at : at + 10_000]

    def frames(self, start_ms: int) -> Iterator[bytes]:
        decoded = self.decoded()
        for at in range(start_ms * 32, len(decoded), 3_200):
            yield decoded[at : at + 3_200]

    def decoded(self) -> bytes:
        return b"".join(number.to_bytes(2, "little") for number in range(self.duration_ms * 16 % 65_536)) * (
            1 + self.duration_ms * 16 // 65_536
        )


@dataclass
class Stored:
    """A recording as it was taken."""

    opened: list[dict[str, Any]] = field(default_factory=list)
    data: bytearray = field(default_factory=bytearray)
    is_closed: bool = False


class DragonServer(ScriptedServer):
    """`scripts`: call -> its answers, the last one for ever. `talks`: what is done on each WebSocket for audio."""

    def __init__(self, *talks: Talk, **scripts: list[Answer]) -> None:
        super().__init__(b"")
        self.scripts = scripts
        self.talks = list(talks)
        self.chunks: dict[tuple[int, int], bytes | None] = {}
        self.recordings: dict[str, Stored] = {}
        self.configuration: dict[str, Any] = CONFIGURATION
        self.processing: dict[str, Any] | str = {"startProcessing": {"accepted": True}}
        self.processed: list[str] = []
        self.lock = threading.Lock()

    def respond(self) -> Answer:
        raise NotImplementedError

    def answer_to(self, asked: Asked) -> Answer:
        call = self.call(asked)
        with self.lock:
            if scripted := self.scripts.get(call):
                return scripted.pop(0) if len(scripted) > 1 else scripted[0]
        if "/ws" in asked.path:
            return lambda line: self._talk(Peer(line, asked), call)
        if call == "storeChunk":
            self._keep(asked)
        return http(200, self.usual(call, asked))

    def _answer(self, line: socket.socket) -> None:
        with line, suppress(OSError, ValueError):
            line.settimeout(5)
            while True:
                asked = read_request(line)
                self.asked.append(asked)
                answer = self.answer_to(asked)
                if callable(answer):
                    return answer(line)
                line.sendall(answer)
                if not answer.startswith(b"HTTP/1.1 2") or not is_whole(answer):
                    return None

    @staticmethod
    def call(asked: Asked) -> str:
        """`token`, `ambient-sessions`, `storeChunk`, `finalizeUpload`, `end`, `subscriptions`, `ws`, `retrieve…`."""
        path = asked.path.partition("?")[0]
        if asked.method == "DELETE":
            return "end"
        return path.rpartition("/")[2]

    def of(self, call: str) -> list[Asked]:
        return [asked for asked in self.asked if self.call(asked) == call]

    def usual(self, call: str, asked: Asked) -> dict[str, Any]:
        if call == "token":
            return {"access_token": f"token-{len(self.of('token'))}", "token_type": "Bearer", "expires_in": 3600}
        return {"error": None}

    def _keep(self, asked: Asked) -> None:
        metadata, content = read_form(asked)
        with self.lock:
            self.chunks[metadata["recordingId"], metadata["chunkId"]] = content

    def uploaded(self, recording: int = 1) -> bytes:
        return b"".join(data or b"" for (number, _), data in sorted(self.chunks.items()) if number == recording)

    def _talk(self, peer: Peer, call: str) -> None:
        if call == "ws":
            with self.lock:
                talk = self.talks.pop(0) if len(self.talks) > 1 else self.talks[0] if self.talks else takes_all
            return talk(peer, self)
        _, body = read_frame(peer.receive())
        if call == "startProcessing":
            self.processed.append(body["correlationId"])
            peer.say(self.processing)
        else:
            peer.say({"retrieveConfiguration": self.configuration})
        return peer.close()


def is_whole(answer: bytes) -> bool:
    head, _, body = answer.partition(b"\r\n\r\n")
    return f"Content-Length: {len(body)}" in head.decode().split("\r\n")


def takes_all(peer: Peer, server: DragonServer, *, most_chunks: int | None = None) -> None:
    """A recording to its end; after so many chunks the connection is dropped instead."""
    name, body = read_frame(peer.receive())
    assert name == "RecordingOpen"
    kept = server.recordings.setdefault(body["recordingId"], Stored())
    kept.opened.append(body)
    del kept.data[body["startingOffset"] :]
    while isinstance(message := peer.receive(), bytes):
        if most_chunks == 0:
            return peer.line.close()
        most_chunks = None if most_chunks is None else most_chunks - 1
        chunk = json.loads(message)
        assert chunk["DataStart"] == len(kept.data)
        kept.data += b64decode(chunk["Data"])
        peer.say({"dataStored": {"dataStored": len(kept.data)}})
    if message is None:
        return None
    assert read_frame(message)[0] == "RecordingClose"
    kept.is_closed = True
    peer.say({"recordingCloses": {"dataStored": len(kept.data)}})
    return peer.close()


def read_frame(message: str | bytes | None) -> tuple[str, dict[str, Any]]:
    assert isinstance(message, str)
    head, _, body = message.partition("\r\n\r\n")
    fields = dict(line.split("=", 1) for line in head.split("\r\n"))
    assert fields.keys() == {"Path", "X-MS-Request-Id", "X-Timestamp"}
    return fields["Path"], json.loads(body)


def read_form(asked: Asked) -> tuple[dict[str, Any], bytes | None]:
    boundary = asked.headers["content-type"].partition("boundary=")[2].encode()
    parts = {}
    for part in asked.body.split(b"--" + boundary)[1:-1]:
        head, _, data = part.partition(b"\r\n\r\n")
        name = re.search(rb'name="([a-z]+)"', head)
        assert name
        parts[name[1].decode()] = data.removesuffix(b"\r\n")
    return json.loads(parts["metadata"]), parts.get("content")


class GrpcServer:
    """The streaming host. `takes`: how each recording is taken, the last one for ever."""

    def __init__(self, *takes: Callable[..., Iterator[Any]], configuration: Any = None) -> None:
        self.takes = list(takes) or [grpc_takes_all]
        self.recordings: dict[str, Stored] = {}
        self.processed: list[str] = []
        self.processing = pb.StartProcessingResponse(accepted=True)
        self.metadata: list[dict[str, str]] = []
        self.configuration = configuration or pb.RetrieveConfigurationResponse(
            audio_formats=[pb.DataFormat(byte_stream=pb.ByteStream(format_specifier="audio/wav"))],
            recording_locales=["en-US"],
        )

    def record(self, requests: Any, context: Any) -> Iterator[Any]:
        self.metadata.append(dict(context.invocation_metadata()))
        take = self.takes.pop(0) if len(self.takes) > 1 else self.takes[0]
        return take(self, requests, context)

    def configure(self, request: Any, context: Any) -> Any:
        return self.configuration

    def process(self, request: Any, context: Any) -> Any:
        self.processed.append(request.correlation_id)
        return self.processing


def grpc_takes_all(server: GrpcServer, requests: Any, context: Any, most_chunks: int | None = None) -> Iterator[Any]:
    opening = next(requests).recording_open
    kept = server.recordings.setdefault(opening.recording_id, Stored())
    kept.opened.append({"startingOffset": opening.starting_offset, "format": opening.data_format.WhichOneof("format")})
    del kept.data[opening.starting_offset :]
    for request in requests:
        if request.HasField("recording_close"):
            kept.is_closed = True
            yield pb.RecordAmbientResponse(recording_closes=pb.RecordingCloses(data_stored=len(kept.data)))
            return
        if most_chunks == 0:
            context.abort(grpc.StatusCode.UNAVAILABLE, "gone")
        most_chunks = None if most_chunks is None else most_chunks - 1
        assert request.data_chunk.data_start == len(kept.data)
        kept.data += request.data_chunk.data
        yield pb.RecordAmbientResponse(data_stored=pb.DataStored(data_stored=len(kept.data)))


@contextmanager
def serving(server: GrpcServer, credentials: Any = None) -> Iterator[int]:
    """The port it listens on."""
    running = grpc.server(ThreadPoolExecutor(8))
    handlers: dict[str, Any] = {
        "RecordAmbient": grpc.stream_stream_rpc_method_handler(
            server.record, pb.RecordAmbientRequest.FromString, pb.RecordAmbientResponse.SerializeToString
        ),
        "RetrieveConfiguration": grpc.unary_unary_rpc_method_handler(
            server.configure,
            pb.RetrieveConfigurationRequest.FromString,
            pb.RetrieveConfigurationResponse.SerializeToString,
        ),
        "StartProcessing": grpc.unary_unary_rpc_method_handler(
            server.process, pb.StartProcessingRequest.FromString, pb.StartProcessingResponse.SerializeToString
        ),
    }
    service = grpc_wire.SERVICE.removeprefix("/")
    running.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers),))
    if credentials:
        port = running.add_secure_port("127.0.0.1:0", credentials)
    else:
        port = running.add_insecure_port("127.0.0.1:0")
    running.start()
    try:
        yield port
    finally:
        running.stop(0.2).wait()
