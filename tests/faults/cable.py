"""The network between a door and PostgreSQL, which can be cut, fall silent, and come back."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit, urlunsplit

NO_LINGER = struct.pack("ii", 1, 0)


class Cable:
    """A TCP proxy in front of a server's URL; `url` is the same by way of it."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.there = (str(parts.hostname), int(parts.port or 5432))
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        proof = f"{parts.username}:{parts.password}"
        self.url = urlunsplit(parts._replace(netloc=f"{proof}@127.0.0.1:{self.listener.getsockname()[1]}"))
        self.flows, self.is_cut = threading.Event(), False
        self.ends: set[socket.socket] = set()

    def __enter__(self) -> Self:
        self.flows.set()
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.listener.close()
        self.cut()

    def cut(self) -> None:
        """Every connection is reset, and so is each new one."""
        self.is_cut = True
        self.flows.set()
        for end in list(self.ends):
            self.reset(end)

    def silence(self) -> None:
        """Connections stand, and new ones are made, but no byte comes through."""
        self.flows.clear()

    def mend(self) -> None:
        self.is_cut = False
        self.flows.set()

    def accept(self) -> None:
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            if self.is_cut:
                self.reset(near)
            else:
                threading.Thread(target=self.connect, args=(near,), daemon=True).start()

    def connect(self, near: socket.socket) -> None:
        try:
            far = socket.create_connection(self.there, timeout=10)
        except OSError:
            return self.reset(near)
        far.settimeout(None)
        self.ends |= {near, far}
        back = threading.Thread(target=self.pump, args=(far, near), daemon=True)
        back.start()
        self.pump(near, far)
        back.join()
        for end in (near, far):
            self.ends.discard(end)
            end.close()
        return None

    def pump(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self.flows.wait()
                target.sendall(data)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    def reset(self, end: socket.socket) -> None:
        """With RST in place of FIN. The shutdown wakes whoever reads from it, which a close does not."""
        with contextlib.suppress(OSError):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
            end.shutdown(socket.SHUT_RD)
            end.close()
