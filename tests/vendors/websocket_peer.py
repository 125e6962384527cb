"""The other side of a WebSocket on a socket of a scripted server: it does as it is told, proper or not."""

from __future__ import annotations

import json
import logging
import socket
from collections import deque
from typing import Any

from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN
from websockets.server import ServerProtocol
from websockets.utils import accept_key

from tests.vendors.scripted_server import Asked

_QUIET = logging.getLogger("tests.peer")
_QUIET.setLevel(logging.INFO)


class Peer:
    """Open once it is made. `asked`: the handshake."""

    def __init__(self, line: socket.socket, asked: Asked, **headers: str) -> None:
        self.asked = asked
        self.line = line
        self.protocol = ServerProtocol(state=OPEN, max_size=2**24, logger=_QUIET)
        self._received: deque[str | bytes] = deque()
        heads = {
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Accept": accept_key(asked.headers["sec-websocket-key"]),
            **headers,
        }
        written = "".join(f"{name}: {value}\r\n" for name, value in heads.items())
        line.sendall(f"HTTP/1.1 101 Switching Protocols\r\n{written}\r\n".encode())

    def receive(self) -> str | bytes | None:
        """The next message; None when the other side has closed."""
        while not self._received:
            if self.protocol.close_expected():
                return None
            chunk = self.line.recv(65536)
            if chunk:
                self.protocol.receive_data(chunk)
            else:
                self.protocol.receive_eof()
            for event in self.protocol.events_received():
                if isinstance(event, Frame) and event.opcode in (Opcode.TEXT, Opcode.BINARY):
                    self._received.append(
                        bytes(event.data).decode() if event.opcode is Opcode.TEXT else bytes(event.data)
                    )
            self._flush()
        return self._received.popleft()

    def objects(self, end: str = "") -> list[dict[str, Any]]:
        """All messages to the one that is `end`, which is one of them, or to the close."""
        got = []
        while (message := self.receive()) is not None:
            got.append(json.loads(message))
            if message == end:
                break
        return got

    def say(self, message: str | bytes | dict[str, Any], *, fragments: int = 1) -> None:
        if isinstance(message, bytes):
            self.protocol.send_binary(message)
            return self._flush()
        data = (json.dumps(message) if isinstance(message, dict) else message).encode()
        size = -(-len(data) // fragments)
        for start in range(0, len(data), size):
            fin = start + size >= len(data)
            if start == 0:
                self.protocol.send_text(data[:size], fin=fin)
            else:
                self.protocol.send_continuation(data[start : start + size], fin=fin)
        return self._flush()

    def close(self, code: int = 1000) -> None:
        self.protocol.send_close(code)
        self._flush()

    def _flush(self) -> None:
        for data in self.protocol.data_to_send():
            if data:
                self.line.sendall(data)
