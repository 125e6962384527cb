"""A door of the test's own: one more process beside those of the stack."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from config.installation import ROOT, answers
from tests.flows.clinic import eventually
from tests.flows.conftest import free_port


class DoorProcess:
    application = "config.door:application"

    def __init__(self, env: Mapping[str, str], log: Path) -> None:
        self.port, self.log = free_port(), log
        self.url = f"http://127.0.0.1:{self.port}"
        options = ["--interface", "asgi", "--port", str(self.port), "--no-ws", "--log-level", "warning"]
        command = [sys.executable, "-m", "granian", *options, self.application]
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=dict(env), stdout=output, stderr=subprocess.STDOUT, process_group=0
            )
        try:
            eventually(self.serves, within=60, what=f"the door serves, see {log}")
        except AssertionError:
            self.stop()
            raise

    def serves(self) -> bool:
        return answers("127.0.0.1", self.port, "/healthz")()

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(20)
        finally:
            if self.process.poll() is None:
                os.killpg(self.process.pid, signal.SIGKILL)

    @property
    def megabytes(self) -> float:
        """What it and its workers hold in memory."""
        pids = [self.process.pid, *workers(self.process.pid)]
        return sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids) * 4096 / 1e6


def workers(pid: int) -> list[int]:
    """The processes that serve, of the one that started them."""
    children = map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
    return [child for child in children if b"resource_tracker" not in Path(f"/proc/{child}/cmdline").read_bytes()]
