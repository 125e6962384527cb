"""The service's own processes (web, door, worker, sweeper, beat) and the sandbox, once for all flows.

Nothing is shared between tests but the processes: each test has a clinic of its own.
"""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import pytest
from django.conf import settings
from django.core.management import call_command

from config.installation import ROOT
from tests.access.issuer import Issuer
from tests.flows.clinic import Clinic, Sandbox, eventually
from tests.flows.written import Overheard


@dataclass
class Stack:
    folder: Path
    env: dict[str, str]

    @property
    def pids(self) -> dict[str, int]:
        pids: dict[str, int] = json.loads((self.folder / "pids.json").read_text())
        return pids

    def kill(self, name: str) -> int:
        """kill -9; the supervisor starts another."""
        pid = self.pids[name]
        os.kill(pid, signal.SIGKILL)
        return pid

    def back(self, name: str, killed: int) -> None:
        eventually(lambda: self.pids[name] != killed, what=f"{name} is started again")

    def log(self, name: str) -> str:
        return (self.folder / "log" / f"{name}.log").read_text()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def on_test_database(url: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{settings.DATABASES['default']['NAME']}"))


@pytest.fixture(scope="session")
def stack(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("stack")
    ports = {name: str(free_port()) for name in ("WEB_PORT", "DOOR_PORT", "SANDBOX_PORT", "SANDBOX_GRPC_PORT")}
    env = os.environ | ports
    env |= {
        "VAR": str(folder),
        "DATABASE_URL": on_test_database(os.environ["DATABASE_APP_URL"]),
        "DATABASE_OWNER_URL": on_test_database(os.environ["DATABASE_URL"]),
        "PUBLIC_URL": f"http://127.0.0.1:{ports['WEB_PORT']}",
        "DOOR_URL": f"http://127.0.0.1:{ports['DOOR_PORT']}",
        "STORAGE_URL": (folder / "audio").as_uri(),
        "UPLOAD_DIR": str(folder / "uploads"),
        "OUTBOUND_ALLOW": "127.0.0.0/8,::1/128",
        "SUBMISSION_RETRY_SECONDS": "1",
        "CALLBACK_OVERDUE_SECONDS": "4",
        "DOOR_BODY_SECONDS": "3",
        "METRICS_TOKEN": "prometheus-reads-with-this",
    }
    command = [sys.executable, "-m", "tests.flows.stack", str(folder / "pids.json")]
    process = subprocess.Popen(command, cwd=ROOT, env=env)
    try:
        eventually(lambda: (folder / "pids.json").exists() or process.poll() is not None, within=240)
        assert process.poll() is None, "the stack did not start"
        yield Stack(folder, env)
    finally:
        process.terminate()
        process.wait(60)


@pytest.fixture
def sandbox(stack: Stack) -> Iterator[Sandbox]:
    box = Sandbox(f"http://127.0.0.1:{stack.env['SANDBOX_PORT']}")
    box.clear()
    yield box
    box.clear()


@pytest.fixture
def issuer(stack: Stack) -> Iterator[Issuer]:
    """The sandbox's token issuer, as the processes reach it."""
    box = Issuer(f"http://127.0.0.1:{stack.env['SANDBOX_PORT']}")
    box.mend()
    yield box
    box.mend()


@pytest.fixture
def new_clinic(stack: Stack, sandbox: Sandbox, django_db_blocker: Any) -> Callable[[], Clinic]:
    def make() -> Clinic:
        slug = f"flow-{uuid4().hex[:12]}"
        with django_db_blocker.unblock():
            call_command("create_clinic", slug, "--name", "Flow", stdout=io.StringIO(), stderr=io.StringIO())
            base = ("--base-url", f"{sandbox.url}/nabla/v1/copilot-api/server")
            credentials = ("--credentials", json.dumps({"server_key": "sandbox-nabla-key"}))
            call_command("connect_vendor", slug, "nabla", *base, *credentials, stdout=io.StringIO())
            key = io.StringIO()
            scopes = ("--scope", "sessions:write", "notes:read", "recordings:read")
            call_command("create_api_key", slug, "--name", "flow", *scopes, stdout=key, stderr=io.StringIO())
        urls = (stack.env["PUBLIC_URL"], stack.env["DOOR_URL"])
        return Clinic(slug, *urls, sandbox, key.getvalue().strip(), stack.folder / "log")

    return make


@pytest.fixture
def clinic(new_clinic: Callable[[], Clinic]) -> Clinic:
    return new_clinic()


@pytest.fixture
def rows(stack: Stack, django_db_blocker: Any) -> Iterator[None]:
    """Reading the rows that the processes wrote."""
    with django_db_blocker.unblock():
        yield


@pytest.fixture
def overheard(stack: Stack) -> Iterator[Overheard]:
    heard = Overheard(stack.env["REDIS_URL"])
    yield heard
    heard.close()
