"""A server on a socket that keeps what it is asked, and answers each request as it is told."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
#: What is sent back for a request's path and body; None: the connection is closed without a word.
Answer = Callable[[bytes, bytes], bytes | None]


def ok(path: bytes, body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Server:
    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.asked: list[tuple[bytes, bytes]] = []
        self.connections = 0
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listening.getsockname()[1]}"

    def accept(self) -> None:
        while True:
            try:
                connection, _ = self.listening.accept()
            except OSError:  # it was closed: that is all
                return
            self.connections += 1
            threading.Thread(target=self.talk, args=[connection]).start()

    def talk(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as lines:
            while line := lines.readline():
                head = b"".join(iter(lines.readline, b"\r\n"))
                length = LENGTH.search(head)
                body = lines.read(int(length[1])) if length else b""
                path = line.split()[1]
                self.asked.append((path, body))
                answer = self.answer(path, body)
                if answer is None:
                    return
                connection.sendall(answer)
                if b"close" in answer:
                    return


@contextmanager
def serving(answer: Answer = ok) -> Iterator[Server]:
    server = Server(answer)
    thread = threading.Thread(target=server.accept)
    thread.start()
    try:
        yield server
    finally:
        server.listening.shutdown(socket.SHUT_RDWR)
        server.listening.close()
        thread.join()
