"""A vendor that keeps recordings, and the store that its links lead to: a real server, with links that end."""

from __future__ import annotations

import re
import struct
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from uuid import uuid4

from vendors.base import Held, Link, RecordingLinks, Vendor, VendorError
from vendors.suki import answers

RATE = 16_000
CANARY = "presigned-canary"


def sound(seconds: float, pitch: int = 1) -> bytes:
    """PCM, mono, 16 bits, 16 kHz: no two stretches alike."""
    return b"".join(struct.pack("<h", (n * pitch * 7) % 65_536 - 32_768) for n in range(int(RATE * seconds)))


def wav(pcm: bytes, *, said: int | None = None, before: bytes = b"", after: bytes = b"", rate: int = RATE) -> bytes:
    """A WAV file. `said`: the length that its header tells, if that is a lie. `before`, `after`: other chunks."""
    form = b"fmt " + struct.pack("<IHHIIHH", 16, 1, 1, rate, 2 * rate, 2, 16)
    length = len(pcm) if said is None else said
    body = b"WAVE" + form + before + b"data" + struct.pack("<I", length) + pcm + after
    return b"RIFF" + struct.pack("<I", len(body) if said is None else min(said + 36, 0xFFFFFFFF)) + body


@dataclass
class Store:
    """`files` by name. A link is `/<token>/<name>`, good while its token is in `good`.

    `breaks`: after how many bytes of an answer the line breaks, once each, in turn. `answers`: statuses given in place
    of the file, in turn. `knows_ranges`, `has_etag`: what the server can.
    `waits`: seconds before each answer; `slowly`: after each 64 KiB of it.
    `takes_all`: links too that another process has made. `tells_length`: of an answer, which else ends with its line.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    good: set[str] = field(default_factory=set)
    breaks: list[int] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    knows_ranges: bool = True
    has_etag: bool = True
    asked: list[tuple[str, str, Mapping[str, str]]] = field(default_factory=list)
    sent: int = 0
    port: int = 0
    slowly: float = 0.0
    waits: float = 0.0
    takes_all: bool = False
    tells_length: bool = True

    def link(self, name: str) -> str:
        token = f"{CANARY}-{uuid4().hex}"
        self.good.add(token)
        return f"http://127.0.0.1:{self.port}/{token}/{name}"

    @property
    def ranges(self) -> list[str]:
        return [headers.get("Range", "") for _, _, headers in self.asked]

    def __enter__(self) -> Store:
        store = self

        class Handler(StoreHandler):
            kept = store

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class StoreHandler(BaseHTTPRequestHandler):
    kept: ClassVar[Store]

    def do_HEAD(self) -> None:
        self.kept.asked.append(("HEAD", self.path, dict(self.headers)))
        self.send_error(403)

    def do_GET(self) -> None:
        store = self.kept
        store.asked.append(("GET", self.path, dict(self.headers)))
        threading.Event().wait(store.waits)
        _, token, name = self.path.split("/", 2)
        if store.answers and (status := store.answers.pop(0)) != 200:
            return self.refuse(status)
        if token not in store.good and not store.takes_all:
            return self.refuse(403)
        content = store.files[name]
        etag = f'"{hash(content) & 0xFFFFFFFF:x}"'
        chosen = self.chosen(content, etag)
        start, stop = chosen or (0, len(content))
        if start >= len(content) > 0:
            return self.refuse(416, {"Content-Range": f"bytes */{len(content)}"})
        self.send_response(206 if chosen else 200)
        if chosen:
            self.send_header("Content-Range", f"bytes {start}-{stop - 1}/{len(content)}")
        if store.has_etag:
            self.send_header("ETag", etag)
        if store.tells_length:
            self.send_header("Content-Length", str(stop - start))
        self.end_headers()
        self.give(content[start:stop])
        return None

    def chosen(self, content: bytes, etag: str) -> tuple[int, int] | None:
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        stale = self.headers.get("If-Range", etag) != etag
        if not match or stale or not self.kept.knows_ranges:
            return None
        return int(match[1]), min(int(match[2]) + 1, len(content)) if match[2] else len(content)

    def give(self, content: bytes) -> None:
        store = self.kept
        if store.breaks:
            content = content[: store.breaks.pop(0)]
        with suppress(OSError):
            for place in range(0, len(content), 65536):
                self.wfile.write(content[place : place + 65536])
                store.sent += len(content[place : place + 65536])
                if store.slowly:
                    threading.Event().wait(store.slowly)

    def refuse(self, status: int, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing to say."""


@dataclass
class Keeper:
    """What the vendor does. `parts`: (sequence number, file) in its answers' order; `errors`: raised first, in turn."""

    store: Store
    parts: list[tuple[int, str]] = field(default_factory=list)
    errors: list[VendorError] = field(default_factory=list)
    is_streamable: bool = True
    lasts: timedelta = timedelta(minutes=15)
    asked: list[tuple[Held, bool]] = field(default_factory=list)

    def give(self, held: Held, download: bool) -> RecordingLinks:
        self.asked.append((held, download))
        if self.errors:
            raise self.errors.pop(0)
        expires_at = datetime.now(UTC) + (timedelta(hours=1) if download else self.lasts)
        links = [Link(f"part-{name}", self.store.link(name), expires_at, number) for number, name in sorted(self.parts)]
        return RecordingLinks(tuple(links), self.is_streamable or download)


def keeping(keeper: Keeper) -> type[Vendor]:
    """The vendor's class, for vendors.VENDORS."""

    class Keeping(Vendor):
        name = "suki"
        title = "A vendor that keeps recordings"
        takes_audio = "stream"
        keeps_recordings = frozenset({"ambient"})
        recordings_kept = timedelta(days=7)
        polled = frozenset({"ambient"})
        parse = staticmethod(answers.parse)

        def __init__(self, *_: Any) -> None:
            pass

        def recordings(self, held: Held, *, download: bool) -> RecordingLinks:
            return keeper.give(held, download)

    return Keeping


def pending() -> VendorError:
    return VendorError("The vendor is processing it.", permanent=False, code="recording_pending")


def gone() -> VendorError:
    return VendorError("The vendor has deleted it.", permanent=True, code="recording_gone")
