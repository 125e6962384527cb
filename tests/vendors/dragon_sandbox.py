"""The sandbox's Dragon Copilot, as a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

ROOT = Path(__file__).parents[2]
TRANSPORTS = ("rest", "websocket", "grpc")


@dataclass
class Sandbox:
    url: str
    grpc_url: str

    def control(self, method: str, path: str, body: Any = None) -> Any:
        answer = requests.request(method, f"{self.url}/control/dragon/{path}", json=body, timeout=30)
        answer.raise_for_status()
        return answer.json()

    def fault(self, fault: str, **parameters: Any) -> None:
        self.control("POST", "faults", {"fault": fault, **parameters})

    def settings(self, **changes: Any) -> None:
        self.control("PATCH", "settings", changes)

    def session(self, name: str) -> Any:
        return self.control("GET", f"sessions/{name}")

    def chunks(self, name: str) -> int:
        """How many of a session's have come, those that came twice included."""
        calls = self.control("GET", "requests")["chunk"]
        uploaded = sum(call["correlation_id"] == name and call["status"] == 200 for call in calls)
        return uploaded or int(self.session(name)["recordings"][0]["chunks"])

    def streaming_url(self, transport: str) -> str:
        return self.grpc_url if transport == "grpc" else f"{self.url}/dragon"

    def forget(self) -> None:
        requests.post(f"{self.url}/control/reset", timeout=30).raise_for_status()


@contextmanager
def running(delay: float) -> Iterator[Sandbox]:
    """`delay`: in seconds, until a session is written up."""
    command = [sys.executable, "-m", "sandbox", "--port", "0", "--delay", str(delay)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url, grpc_url = (process.stdout.readline().split()[-1] for _ in range(2))
        try:
            yield Sandbox(url, f"http://{grpc_url}")
        finally:
            process.terminate()
