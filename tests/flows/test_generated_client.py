"""A client that openapi-python-client makes of the service's own description does a consumer's main job."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from access.models import Clinic as ClinicRow
from config.installation import ROOT
from sandbox.subscriber import contract
from tests.flows.clinic import SAMPLE, Clinic, Control, Sandbox, eventually
from tests.rest.api import a_key


@pytest.fixture
def program(clinic: Clinic, tmp_path: Path) -> Path:
    """The consumer's program beside its client."""
    tools = Path(sys.executable).parent
    generate = [str(tools / "openapi-python-client"), "generate", "--url", f"{clinic.base_url}/api/schema"]
    generate += ["--meta", "none", "--output-path", str(tmp_path / "listenpost_client")]
    env = os.environ | {"PATH": f"{tools}:{os.environ['PATH']}"}  # for ruff, which forms what it writes
    made = subprocess.run(generate, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=300, check=False)
    said = made.stdout + made.stderr
    assert made.returncode == 0, said
    assert "warning" not in said.lower(), said
    return Path(shutil.copy(ROOT / "tests" / "flows" / "consumer.py", tmp_path))


def consume(program: Path, clinic: Clinic, key: str, receiver: str) -> dict[str, Any]:
    env = {"PATH": os.environ["PATH"], "URL": clinic.base_url, "KEY": key}
    command = [sys.executable, "-W", "error", str(program), str(SAMPLE), receiver]
    done = subprocess.run(
        command, cwd=program.parent, env=env, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


@pytest.mark.usefixtures("rows")
def test_it_does_a_consumers_main_job(program: Path, clinic: Clinic, sandbox: Sandbox) -> None:
    receiver = f"{sandbox.url}/subscriber/{clinic.slug}"
    told = consume(program, clinic, a_key(ClinicRow.objects.get(slug=clinic.slug)), receiver)
    sample = json.loads(SAMPLE.with_suffix(".json").read_text())
    assert told["states"] == ["ready", "ready"]
    assert told["title"] == sample["note"]["title"]
    assert told["sections"] == [section["text"] for section in sample["note"]["sections"]]
    assert told["lines"] == [line["text"] for line in sample["transcript"]]
    assert told["notes"] == list(reversed(told["asked_for"]))
    assert told["events"][0] == "session.created"
    assert {"audio.created", "transcript.created", "note.created"} < set(told["events"])
    address, secret = told["webhook"]
    assert address == receiver
    inbox = Control(sandbox, "subscriber")
    for note in told["asked_for"]:
        message = eventually(lambda: about(note, inbox.tell("GET", f"messages/{clinic.slug}")))  # noqa: B023
        contract.verify(message["headers"], message["body"].encode(), [secret])


def about(note: str, messages: list[dict[str, Any]]) -> dict[str, Any] | None:
    return next((message for message in messages if note in message["body"]), None)
