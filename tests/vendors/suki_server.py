"""A small Suki on a real socket: it takes every call well, unless it is told what to answer."""

from __future__ import annotations

import json
import socket
import time
from base64 import b64decode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import jwt

from tests.vendors.scripted_server import Answer, Asked, ScriptedServer, http
from tests.vendors.websocket_peer import Peer
from vendors.base import Speech
from vendors.suki import frames

Talk = Callable[[Peer], None]
KEY = "the-key-of-the-pretend-suki-for-its-tokens"
EOF = {"transcript": {"transcript": "EOF"}}


@dataclass
class Tone:
    """A Sound whose frames can be told apart: each is its own number, again and again."""

    duration_ms: int = 1_000
    speech: Speech = field(default_factory=lambda: Speech("en-US"))

    def frames(self, start_ms: int) -> Iterator[bytes]:
        for at in range(start_ms, self.duration_ms, 100):
            yield (at // 100).to_bytes(2, "little") * (16 * min(100, self.duration_ms - at))


def heard(text: str, is_final: bool = True) -> dict[str, Any]:
    return {"transcript": {"transcript": text, "words": []}, "is_final": is_final, "transcript_id": str(time.time())}


def takes_all(peer: Peer) -> None:
    """Both kinds of stream, to their end."""
    if peer.asked.path == "/ws/stream":
        peer.objects()
        return
    peer.objects(frames.END_OF_DICTATION)
    peer.say(EOF)
    peer.objects()


class SukiServer(ScriptedServer):
    """`scripts`: call -> its answers, the last one for ever. `talks`: what is done on each WebSocket, likewise."""

    def __init__(self, *talks: Talk, token_seconds: int = 3600, **scripts: list[Answer]) -> None:
        super().__init__(b"")
        self.scripts = scripts
        self.talks = list(talks) or [takes_all]
        self.token_seconds = token_seconds

    def respond(self) -> Answer:
        asked = self.asked[-1]
        call = self.call(asked)
        if scripted := self.scripts.get(call):
            return scripted.pop(0) if len(scripted) > 1 else scripted[0]
        if asked.path.startswith("/ws/"):
            return self._talk(asked)
        return http(*self.usual(call, asked))

    def _talk(self, asked: Asked) -> Answer:
        talk = self.talks.pop(0) if len(self.talks) > 1 else self.talks[0]

        def answer(line: socket.socket) -> None:
            offered = asked.headers.get("sec-websocket-protocol", "").split(",")[0]
            talk(Peer(line, asked, **({"Sec-WebSocket-Protocol": offered} if offered else {})))

        return answer

    @staticmethod
    def call(asked: Asked) -> str:
        """`login`, `register`, `create`, `context`, `end`, `status`, `content`, `transcript`, `recording`, `stream`."""
        return asked.path.partition("?")[0].rpartition("/")[2]

    def calls(self) -> list[str]:
        return [self.call(asked) for asked in self.asked]

    def of(self, call: str) -> list[Asked]:
        return [asked for asked in self.asked if self.call(asked) == call]

    def usual(self, call: str, asked: Asked) -> tuple[int, dict[str, Any]]:
        if call == "login":
            return 200, {"suki_token": self.token(len(self.of("login")))}
        if call == "create":
            return 201, {name: value for name, value in asked.json().items() if name.endswith("session_id")}
        if call == "end" and "transcription" in asked.path:
            return 200, {"status": "completed"}
        return {"register": (201, {}), "status": (200, {"status": "running"})}.get(call, (200, {}))

    def token(self, number: int) -> str:
        claims = {"jti": str(number), "iat": int(time.time()), "exp": int(time.time()) + self.token_seconds}
        return jwt.encode(claims, KEY, algorithm="HS256")


def error(status: int, message: str) -> bytes:
    return http(status, {"code": status, "message": message})


def pcm(message: dict[str, Any]) -> bytes:
    return b64decode(message.get("data") or message.get("audioData") or "")


def numbers(messages: list[dict[str, Any]]) -> list[int]:
    """Which frames of a Tone these are."""
    audio = [pcm(one) for one in messages if one["type"] == "AUDIO"]
    return [int.from_bytes(each[:2], "little") for each in audio if each != b"EOF"]


def body(**fields: Any) -> bytes:
    return json.dumps(fields).encode()
