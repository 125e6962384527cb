"""A WebSocket on a checked and pinned connection: messages to and fro, and an end to every wait."""

from __future__ import annotations

import logging
import socket
import ssl
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from requests.structures import CaseInsensitiveDict
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from vendors.answers import Response
from vendors.failures import BROKEN, broken
from vendors.route import Route

#: A message that the other side does not take for so long, or an end that it does not agree to.
SEND_SECONDS, CLOSE_SECONDS = 20.0, 5.0
PING_SECONDS = 20.0
#: To read what is there already.
LAST_SECONDS = 1.0
#: Bytes. What waits to be sent is what is lost with a connection that breaks.
SEND_BUFFER = 64 * 1024

# At its debug level websockets logs the headers of the handshake, and headers hold tokens; as an error, with all its
# frames, that a connection was reset in the middle of a message, which whoever sends or receives is told anyway.
_log = logging.getLogger("websockets.client")
_log.setLevel(logging.CRITICAL)

_OPTIONS: dict[str, Any] = {
    "proxy": None,
    "compression": None,
    "user_agent_header": "listenpost",
    "ping_interval": PING_SECONDS,
    "ping_timeout": PING_SECONDS,
    "close_timeout": CLOSE_SECONDS,
    "logger": _log,
    "legacy": True,  # the connection itself, not something that follows redirects and connects anew
}


class WebSocket:
    """An open line, closed at the end of its `with`."""

    def __init__(self, connection: ClientConnection, route: Route) -> None:
        self._connection = connection
        self._route = route

    def __enter__(self) -> WebSocket:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def close_reason(self) -> str:
        """What the other side said when it closed the connection; empty where it said nothing, or has not."""
        return self._connection.close_reason or ""

    def send(self, message: str | bytes) -> None:
        """A text or a binary message, handed to the connection. Raises VendorError `no_answer` where that is closed."""
        try:
            return self._connection.send(message)
        except BROKEN as error:
            failure = broken(error, self._route)
        raise failure

    def receive(self, seconds: float) -> str | bytes | None:
        """The next message, text or binary; None where none comes in time.

        Raises VendorError `no_answer` where the connection is closed and all that came before has been received.
        """
        try:
            return self._connection.recv(seconds)
        except TimeoutError:
            return None
        except BROKEN as error:
            failure = broken(error, self._route)
        raise failure

    def close(self) -> None:
        """Says goodbye and waits for the answer, 5 s at most: whatever was sent before has arrived then."""
        with suppress(*BROKEN):
            self._connection.close()
        self._route.close()


@dataclass(frozen=True, slots=True)
class Handshake:
    """What is asked for. `url`: of http or https. `max_bytes`: of one message."""

    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    subprotocols: Sequence[str] = field(repr=False)
    authorities: ssl.SSLContext = field(repr=False)
    max_bytes: int

    def shake(self, route: Route, within: float) -> WebSocket | Response:
        """The open line, or the answer of a server that did not open one. Raises VendorError."""
        try:
            return WebSocket(self._connect(route, within), route)
        except BROKEN as error:
            # Of a redirect websockets complains that it cannot follow it.
            for refusal in (error, error.__context__):
                if isinstance(refusal, InvalidStatus):
                    return _response(refusal)
            failure = broken(error, route)
        raise failure

    def _connect(self, route: Route, within: float) -> ClientConnection:
        class Routed(ClientConnection):
            """Made once TLS stands: from then on the request may have been received."""

            def __init__(self, line: socket.socket, *args: Any, **options: Any) -> None:
                route.connected = True
                line.settimeout(SEND_SECONDS)
                line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
                super().__init__(line, *args, **options)

            def close_socket(self) -> None:
                """Where sending failed, what came before that is read first: it may say why the other side left."""
                has_failed = isinstance(self.connection_exc, OSError) and not isinstance(
                    self.connection_exc, TimeoutError
                )
                if has_failed and threading.current_thread() is not self.recv_events_thread:
                    self.recv_events_thread.join(LAST_SECONDS)
                super().close_socket()

        connection: ClientConnection = connect(
            f"ws{self.url.removeprefix('http')}",
            sock=route.open(),
            ssl=self.authorities if self.url.startswith("https:") else None,
            additional_headers=dict(self.headers),
            subprotocols=[Subprotocol(name) for name in self.subprotocols] or None,
            open_timeout=within,
            max_size=self.max_bytes,
            create_connection=Routed,
            **_OPTIONS,
        )
        return connection


def _response(refusal: InvalidStatus) -> Response:
    answer = refusal.response
    return Response(answer.status_code, CaseInsensitiveDict(answer.headers.raw_items()), bytes(answer.body))
