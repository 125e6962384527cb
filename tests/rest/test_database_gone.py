"""With no database behind it, the service says so and keeps serving."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from email.message import Message
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOKEN = f"lp_{'0' * 12}_{'A' * 43}"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def fetch(url: str) -> tuple[int, Message]:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {TOKEN}"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310
            return response.status, response.headers
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers


@pytest.fixture(params=["refuses", "is silent"])
def server(request: pytest.FixtureRequest) -> Iterator[str]:
    """Django's own server, its database at a port that refuses, or that accepts and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        if request.param == "is silent":
            listener.listen(16)
        database = f"postgresql://x:x@127.0.0.1:{listener.getsockname()[1]}/x?connect_timeout=2"
        port = free_port()
        command = [sys.executable, "-W", "ignore", "-c", SERVE, str(port)]
        with subprocess.Popen(command, cwd=ROOT, env=os.environ | {"DATABASE_URL": database}) as process:
            base = f"http://127.0.0.1:{port}"
            wait_for(port)
            yield base
            process.terminate()


SERVE = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIServer, make_server
from django.core.wsgi import get_wsgi_application
class Server(ThreadingMixIn, WSGIServer): daemon_threads = True
make_server("127.0.0.1", int(sys.argv[1]), get_wsgi_application(), server_class=Server).serve_forever()
"""


def wait_for(port: int) -> None:
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError("the server did not start")


def test_it_is_alive_and_not_ready_and_says_when_to_come_back(server: str) -> None:
    assert fetch(f"{server}/healthz")[0] == 200
    began = time.monotonic()
    assert fetch(f"{server}/readyz")[0] == 503
    assert time.monotonic() - began < 4
    status, headers = fetch(f"{server}/api/v1/notes")
    assert (status, headers["Retry-After"], headers["Content-Type"]) == (503, "5", "application/problem+json")
