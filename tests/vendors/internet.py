"""The internet on this machine: what names stand for, and which server here answers at a public address.

Nothing of ours is patched: only the two calls with which this process asks its operating system.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

#: Anybody's, and public; no test sends anything there.
PUBLIC, OTHER_PUBLIC, PUBLIC_V6 = "93.184.215.14", "93.184.215.15", "2606:2800:21f:cb07::1"


class Internet:
    """`names`: a name's addresses, look-up after look-up, the last ones for ever. `servers`: address -> port here."""

    def __init__(self) -> None:
        self.names: dict[str, list[list[str]]] = {}
        self.servers: dict[tuple[str, int], int] = {}
        self.looked_up: list[str] = []
        self.called: list[tuple[str, int]] = []


@contextmanager
def internet(monkeypatch: pytest.MonkeyPatch) -> Iterator[Internet]:
    net = Internet()
    look_up, connect = socket.getaddrinfo, socket.socket.connect

    def getaddrinfo(host: str, port: int, *args: Any, **options: Any) -> list[Any]:
        net.looked_up.append(host)
        answers = net.names.get(host)
        if answers is None:
            return list(look_up(host, port, *args, **options))
        addresses = answers.pop(0) if len(answers) > 1 else answers[0]
        return [found for address in addresses for found in look_up(address, port, *args, **options)]

    def connected(line: socket.socket, sockaddr: Any) -> None:
        address, port = sockaddr[:2]
        net.called.append((address, port))
        if address.startswith("127.") or address == "::1":
            return connect(line, sockaddr)
        if (address, port) not in net.servers:
            raise OSError(errno.ENETUNREACH, "no such server in this test")
        return connect(line, ("127.0.0.1", net.servers[address, port]))

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(socket.socket, "connect", connected)
    yield net
