"""Stored files, sent to those who leave early and read from a storage elsewhere."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.test import RequestFactory

from config import environment, files

START = {"type": "http.response.start", "status": 200, "headers": []}


def test_what_nobody_waits_for_any_more_is_read_no_further() -> None:
    read: list[int] = []

    def chunks() -> Iterator[bytes]:
        for number in range(1000):
            read.append(number)
            yield b"chunk"

    async def run() -> list[Any]:
        sent, leaves = list[Any](), asyncio.Event()

        async def receive() -> Any:
            await leaves.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)
            if len(sent) == 10:
                leaves.set()

        await files.deliver(receive, send, START, chunks())
        return sent

    sent = asyncio.run(run())
    assert len(read) < 20
    assert sent[0] == START


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


@pytest.mark.usefixtures("s3")
def test_of_a_storage_elsewhere_only_the_range_is_fetched() -> None:
    request = RequestFactory().get("/", headers={"Range": "bytes=300-499"})
    answer = files.respond(request, "audio/key", "audio/wav", len(Bucket.content), "abc")
    assert (answer.status_code, answer.getvalue()) == (206, Bucket.content[300:500])
    assert Bucket.asked == [("HEAD", "/bucket/kept/audio/key", ""), ("GET", "/bucket/kept/audio/key", "bytes=300-499")]


@pytest.mark.usefixtures("s3")
def test_what_is_not_in_a_storage_elsewhere_is_missing() -> None:
    with pytest.raises(files.Missing):
        files.respond(RequestFactory().get("/"), "audio/other", "audio/wav", 10, "abc")
