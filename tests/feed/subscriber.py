"""A clinic's other system, on a real socket: it keeps its connections, and verifies what it is told."""

from __future__ import annotations

import socket
import ssl
from contextlib import suppress
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

from tests.vendors.scripted_server import Answer, Asked, ScriptedServer, http, read_request


class Subscriber(ScriptedServer):
    """Gives its answers in order, the last one for ever, over connections that it keeps."""

    def __init__(self, *answers: Answer, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(*(answers or (http(204),)), tls=tls)
        self.connections = 0

    @property
    def hook(self) -> str:
        return f"{self.url}/hook"

    @property
    def ids(self) -> list[str]:
        """Of the events that it was told of, as they came."""
        return [one.headers["webhook-id"] for one in self.asked]

    def _answer(self, line: socket.socket) -> None:
        self.connections += 1
        with line, suppress(OSError, ValueError):
            line.settimeout(10)
            line = self._tls.wrap_socket(line, server_side=True) if self._tls else line
            with line:
                while True:
                    self.asked.append(read_request(line))
                    answer = self.respond()
                    if callable(answer):
                        answer(line)
                        return
                    line.sendall(answer)


def verified(asked: Asked, secret: str) -> Any:
    """What it was told, if it is signed with the secret."""
    return Webhook(secret).verify(asked.body, asked.headers)


def is_signed(asked: Asked, secret: str) -> bool:
    try:
        verified(asked, secret)
    except WebhookVerificationError:
        return False
    return True
