"""A tiny server on a real socket: it answers what it was told to, and remembers what it was asked."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self

#: One answer: the bytes to send, or a function that does with the connection what it likes.
Answer = bytes | Callable[[socket.socket], None]


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def http(status: int, body: bytes | dict[str, Any] = b"", **headers: str) -> bytes:
    """An HTTP answer; underscores in header names stand for hyphens."""
    content = json.dumps(body).encode() if isinstance(body, dict) else body
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(content)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + content


class ScriptedServer:
    """Gives its answers in order, the last one for ever. Each connection is closed after its answer."""

    def __init__(self, *answers: Answer, tls: ssl.SSLContext | None = None) -> None:
        self.answers: list[Answer] = list(answers)
        self.asked: list[Asked] = []
        self.stopped = threading.Event()
        self.reads_requests = True
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._serve)]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)

    def drip(self, start: bytes, drop: bytes, every: float = 0.05) -> Callable[[socket.socket], None]:
        """Sends `start`, then `drop` again and again for as long as somebody listens."""

        def answer(line: socket.socket) -> None:
            line.sendall(start)
            while not self.stopped.wait(every):
                line.sendall(drop)

        return answer

    def respond(self) -> Answer:
        """What comes next: to the request that was asked last, where requests are read."""
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                line, _ = self._listener.accept()
                thread = threading.Thread(target=self._answer, args=(line,))
                self._threads.append(thread)
                thread.start()

    def _answer(self, line: socket.socket) -> None:
        # A client that hangs up is what many of these tests are about.
        with line, suppress(OSError, ValueError):
            line.settimeout(5)
            if self._tls is not None:
                line = self._tls.wrap_socket(line, server_side=True)
            with line:
                if self.reads_requests:
                    self.asked.append(read_request(line))
                answer = self.respond()
                if callable(answer):
                    answer(line)
                else:
                    line.sendall(answer)


def read_request(line: socket.socket) -> Asked:
    with line.makefile("rb") as file:
        method, path, _ = file.readline().decode().split()
        headers: dict[str, str] = {}
        while head := file.readline().decode().strip():
            name, _, value = head.partition(":")
            headers[name.lower()] = value.strip()
        return Asked(method, path, headers, file.read(int(headers.get("content-length", 0))))
