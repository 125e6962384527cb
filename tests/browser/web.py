"""The web process as an installation runs it, on the test database: its pages are what a browser is shown here."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config.installation import ROOT, Place, services
from config.supervisor import Process
from tests.flows.clinic import eventually
from tests.flows.conftest import free_port, on_test_database


@contextmanager
def serving(folder: Path, **settings: str) -> Iterator[str]:
    """The address at which it serves. The test process and it share the secrets and the storage."""
    place = Place(folder, web_port=free_port())
    url = f"http://127.0.0.1:{place.web_port}"
    database = on_test_database(os.environ["DATABASE_APP_URL"])
    env = os.environ | {"DATABASE_URL": database, "PUBLIC_URL": url, "UPLOAD_DIR": str(folder / "uploads")} | settings
    web = next(process for process in services(place, env) if process.name == "web")
    with running(web, folder / "web.log"):
        yield url


@contextmanager
def running(process: Process, log: Path) -> Iterator[None]:
    with log.open("wb") as output:
        popen = subprocess.Popen(
            process.command,
            cwd=ROOT,
            env=dict(process.env),
            stdout=output,
            stderr=subprocess.STDOUT,
            process_group=0,
        )
    try:
        assert process.ready
        eventually(process.ready, within=60, what=f"{process.name} serves, see {log}")
        yield
    finally:
        popen.terminate()
        try:
            popen.wait(20)
        finally:
            if popen.poll() is None:
                os.killpg(popen.pid, signal.SIGKILL)
