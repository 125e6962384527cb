"""The server's end of a WebSocket, on the connection that asked for the upgrade. The protocol itself is websockets'."""

import select
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress

from websockets.datastructures import Headers
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import OPEN
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

MESSAGE_LIMIT = 1024 * 1024
CHUNK = 64 * 1024
LOOK_ROUND_MS = 100
SENDING_SECONDS = 30
FAREWELL_SECONDS = 2


class Closed(Exception):
    """The other side is gone, or was sent away."""


class Quiet(Exception):
    """Nothing came for as long as it was waited for."""


class Socket:
    """One thread talks over it; any other may `send_away` the client."""

    def __init__(self, connection: socket.socket, stopping: threading.Event) -> None:
        self._connection, self._stopping = connection, stopping
        self._unwanted = threading.Event()
        self._messages: deque[str | bytes] = deque()
        self._parts: list[Frame] = []
        connection.settimeout(SENDING_SECONDS)
        self._readable = select.poll()
        self._readable.register(connection, select.POLLIN)

    def accept(self, path: str, headers: Sequence[tuple[str, str]], subprotocol: str | None) -> bool:
        """Answers the handshake; False when the library finds fault with it and has said so."""
        agreed = Subprotocol(subprotocol) if subprotocol else None
        self._protocol = ServerProtocol(select_subprotocol=lambda *_: agreed, max_size=MESSAGE_LIMIT)
        self._protocol.receive_data(Request(path, Headers(headers)).serialize())
        for event in self._protocol.events_received():
            if isinstance(event, Request):
                self._protocol.send_response(self._protocol.accept(event))
        self._flush()
        return self._protocol.state is OPEN

    def receive(self, seconds: float) -> str | bytes:
        """The next whole message; raises Closed, and Quiet when none comes within so many seconds."""
        end = time.monotonic() + seconds
        while not self._messages:
            if self._protocol.state is not OPEN or self._unwanted.is_set() or self._stopping.is_set():
                raise Closed
            if time.monotonic() >= end:
                raise Quiet
            self._read(LOOK_ROUND_MS)
        return self._messages.popleft()

    def send(self, message: str | bytes) -> None:
        self._still_open()
        if isinstance(message, str):
            self._protocol.send_text(message.encode("utf-8", "surrogatepass"))
        else:
            self._protocol.send_binary(message)
        self._flush()

    def send_by_the_byte(self, message: str) -> None:
        """One text message in as many frames as it has bytes."""
        self._still_open()
        first, *rest = (bytes([one]) for one in message.encode())
        self._protocol.send_text(first, fin=not rest)
        for number, byte in enumerate(rest, 1):
            self._protocol.send_continuation(byte, fin=number == len(rest))
        self._flush()

    def close(self, code: int = CloseCode.NORMAL_CLOSURE, reason: str = "") -> None:
        """Says goodbye and waits a little for the answer."""
        if self._protocol.state is not OPEN:
            return
        with suppress(Closed):
            self._protocol.send_close(code, reason)
            self._flush()
        end = time.monotonic() + FAREWELL_SECONDS
        while self._protocol.close_expected() and not self._protocol.eof_sent and time.monotonic() < end:
            self._read(LOOK_ROUND_MS)

    def drop(self) -> None:
        """Resets the connection without a word."""
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._connection.close()

    def send_away(self) -> None:
        self._unwanted.set()

    @property
    def ended_by(self) -> str:
        """Who ended it: the client with a close frame, or vanished, or with what is no WebSocket; else this side."""
        error = self._protocol.parser_exc
        if error is not None:
            return "vanished" if isinstance(error, EOFError) else type(error).__name__
        return "client" if self._protocol.close_rcvd else "vendor"

    @property
    def close_code(self) -> int | None:
        """What the client closed with, if it did."""
        received = self._protocol.close_rcvd
        return None if received is None else int(received.code)

    def _still_open(self) -> None:
        if self._protocol.state is not OPEN:
            raise Closed

    def _read(self, wait_ms: int) -> None:
        if not self._readable.poll(wait_ms):
            return
        data = b""
        with suppress(OSError):
            data = self._connection.recv(CHUNK)
        if data:
            self._protocol.receive_data(data)
        else:
            self._protocol.receive_eof()
        for event in self._protocol.events_received():
            if isinstance(event, Frame):
                self._collect(event)
        with suppress(Closed):
            self._flush()

    def _collect(self, frame: Frame) -> None:
        """Puts a message together of its frames; their sum is bounded by the protocol."""
        if frame.opcode not in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            return
        self._parts.append(frame)
        if frame.fin:
            whole = b"".join(bytes(part.data) for part in self._parts)
            is_text = self._parts[0].opcode is Opcode.TEXT
            self._messages.append(whole.decode(errors="replace") if is_text else whole)
            self._parts.clear()

    def _flush(self) -> None:
        try:
            for data in self._protocol.data_to_send():
                if data:
                    self._connection.sendall(data)
                else:
                    self._connection.shutdown(socket.SHUT_WR)
        except OSError as error:
            raise Closed from error
