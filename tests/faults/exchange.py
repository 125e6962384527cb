"""One exchange with a door on a socket of its own: whatever bytes are sent, and all that comes back."""

from __future__ import annotations

import contextlib
import re
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass

#: Longer than the door may take for anything.
LONGEST = 15.0
#: A door that has said nothing for so long waits for the rest of a request, and is shown that there is none.
PAUSE = 0.15

_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3}) ")


@dataclass(frozen=True)
class Answers:
    """Everything a door said on one connection."""

    raw: bytes

    @property
    def statuses(self) -> list[int]:
        return [int(status) for status in _STATUS.findall(self.raw)]

    def count(self, outcome: str) -> int:
        return self.raw.count(b'{"status":"%s"}' % outcome.encode())


def exchange(port: int, *pieces: bytes, is_whole: bool = False) -> Answers:
    """Sends the pieces one by one and reads until the door closes.

    Of a whole request its answer is awaited; the end of anything else is shown by hanging up. Raises AssertionError
    when the door does not come to an end.
    """
    with socket.create_connection(("127.0.0.1", port), timeout=LONGEST) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it may have heard enough
            for piece in pieces:
                connection.sendall(piece)
        return Answers(_listen(connection, is_whole))


def _listen(connection: socket.socket, is_whole: bool) -> bytes:
    heard, ends = b"", time.monotonic() + LONGEST
    connection.settimeout(LONGEST if is_whole else PAUSE)
    while True:
        try:
            chunk = connection.recv(65536)
        except TimeoutError:
            assert not is_whole, "the door did not answer a whole request"
            assert time.monotonic() < ends, "the door does not let go"
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_WR)
            continue
        except ConnectionResetError:
            return heard
        if not chunk:
            return heard
        heard += chunk


def head(path: str, headers: Mapping[str, str]) -> bytes:
    """Of a POST, after which the door is to close."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST {path} HTTP/1.1\r\nHost: door\r\nConnection: close\r\n{lines}\r\n".encode()


def request(path: str, headers: Mapping[str, str], body: bytes) -> bytes:
    return head(path, {**headers, "Content-Length": str(len(body))}) + body
