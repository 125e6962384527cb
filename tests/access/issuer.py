"""The sandbox's token issuer on a real socket, and what tests ask of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from ipaddress import ip_network
from typing import Any

import pytest
import requests

from sandbox.issuer import Issuer as SandboxIssuer
from sandbox.server import Server

APPLICATION, AUDIENCE = "sandbox-partner", "listenpost"


class Issuer:
    """Its control. Each test has one of its own: what is held of another's keys says nothing of it."""

    def __init__(self, root: str) -> None:
        self.root, self.url = root, f"{root}/issuer"

    def control(self, path: str, method: str = "POST", **body: Any) -> Any:
        response = requests.request(method, f"{self.root}/control/issuer/{path}", json=body, timeout=10)
        assert response.status_code < 300, response.text
        return response.json() if response.content else None

    def token(self, **wanted: Any) -> str:
        """Anything that the sandbox can mint; by default a good token for us."""
        return str(self.control("tokens", **wanted)["token"])

    def rotate(self, **how: Any) -> Any:
        return self.control("rotate", **how)

    def fault(self, fault: str, **how: Any) -> None:
        self.control("faults", fault=fault, **how)

    def mend(self) -> None:
        self.control("faults", "DELETE")

    def fetches(self, what: str = "jwks") -> int:
        return len(self.control("requests", "GET")[what])


@pytest.fixture
def issuer(settings: Any) -> Iterator[Issuer]:
    settings.OUTBOUND_ALLOW = [ip_network("127.0.0.0/8")]
    stopping, sandbox = threading.Event(), SandboxIssuer()
    server = Server(("127.0.0.1", 0), [sandbox], stopping)
    root = f"http://127.0.0.1:{server.server_address[1]}"
    sandbox.url = f"{root}/issuer"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield Issuer(root)
    stopping.set()
    server.shutdown()
    server.server_close()
    thread.join()
