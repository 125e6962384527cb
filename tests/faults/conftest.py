"""The whole service on a PostgreSQL and a Redis of its own, for tests that kill them, fill them up and cut them off."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from django.db import connection
from hypothesis.configuration import set_hypothesis_home_dir

from access.models import Clinic
from config.installation import ROOT
from config.supervisor import say
from tests.factories import ClinicFactory
from tests.faults.disk import small_disk
from tests.faults.door import DoorProcess, workers
from tests.faults.fuzzing import MOST_BYTES, Examples, unforeseen
from tests.flows.clinic import eventually
from tests.flows.conftest import Stack, free_port

SERVERS = ("DATABASE_URL", "DATABASE_APP_URL", "DATABASE_OWNER_URL", "REDIS_URL")


@pytest.fixture(scope="package")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Its PostgreSQL's files lie on a disk of 800 MB, where one can be mounted. The disk goes with the processes."""
    folder = tmp_path_factory.mktemp("faults")
    (folder / "postgres").mkdir()
    ports = {name: str(free_port()) for name in ("WEB_PORT", "DOOR_PORT", "SANDBOX_PORT")}
    env = {name: value for name, value in os.environ.items() if name not in SERVERS} | ports
    env |= {
        "VAR": str(folder),
        "PUBLIC_URL": f"http://127.0.0.1:{ports['WEB_PORT']}",
        "DOOR_URL": f"http://127.0.0.1:{ports['DOOR_PORT']}",
        "STORAGE_URL": (folder / "audio").as_uri(),
        "UPLOAD_DIR": str(folder / "uploads"),
    }
    command = [sys.executable, "-m", "tests.flows.stack", str(folder / "pids.json")]
    process = subprocess.Popen([*small_disk(folder / "postgres", "800m"), *command], cwd=ROOT, env=env)
    try:
        eventually(lambda: (folder / "pids.json").exists() or process.poll() is not None, within=120)
        assert process.poll() is None, "the stack did not start"
        yield Stack(folder, json.loads((folder / "env.json").read_text()))
    finally:
        process.terminate()
        process.wait(60)


@pytest.fixture
def rows(stack: Stack, django_db_blocker: Any) -> Iterator[None]:
    """Django's own connection leads to the PostgreSQL of the stack."""
    there, before = urlsplit(stack.env["DATABASE_OWNER_URL"]), dict(connection.settings_dict)
    names = {"HOST": there.hostname, "PORT": there.port, "USER": there.username, "PASSWORD": there.password}
    connection.close()
    connection.settings_dict.update(names, NAME=there.path[1:])
    with django_db_blocker.unblock():
        yield
        connection.close()
    connection.settings_dict.update(before)


@pytest.fixture
def new_clinic(rows: None) -> Callable[[], Clinic]:
    def make() -> Clinic:
        connection.close()  # it may have been broken meanwhile
        return ClinicFactory(slug=f"fault-{uuid4().hex[:12]}")

    return make


@pytest.fixture
def clinic(new_clinic: Callable[[], Clinic]) -> Clinic:
    return new_clinic()


@pytest.fixture(autouse=True)
def no_deadlock_and_no_unforeseen_error(stack: Stack) -> Iterator[None]:
    """Whatever is done to it: PostgreSQL never has to break a deadlock, and the door never meets an unknown error."""
    yield
    assert "deadlock detected" not in stack.log("postgres")
    assert "the door failed" not in stack.log("door")


@pytest.fixture
def open_door(stack: Stack, tmp_path: Path) -> Iterator[Callable[..., DoorProcess]]:
    """Opens one more door beside the stack's, with settings of its own."""
    doors: list[DoorProcess] = []

    def start(**settings: str) -> DoorProcess:
        doors.append(DoorProcess(stack.env | settings, tmp_path / f"door-{len(doors)}.log"))
        return doors[-1]

    yield start
    for door in doors:
        door.stop()
        assert "the door failed" not in door.log.read_text()


@pytest.fixture(scope="session")
def tell(pytestconfig: pytest.Config) -> Callable[[str], None]:
    """Says how far a long run has come, past pytest's capturing."""
    capture: Any = pytestconfig.pluginmanager.get_plugin("capturemanager")

    def tell(line: str) -> None:
        if pytestconfig.getoption("--soak"):
            with capture.global_and_fixture_disabled():
                say(line)

    return tell


@pytest.fixture(scope="session")
def seed(pytestconfig: pytest.Config, tell: Callable[[str], None]) -> int:
    """What chance begins with: a number of its own in each long run, one and the same in every other."""
    given = pytestconfig.getoption("--seed")
    seed = given if given is not None else secrets.randbelow(2**32) if pytestconfig.getoption("--soak") else 1
    tell(f"seed {seed}: --seed {seed} repeats it")
    return seed


@pytest.fixture
def examples(pytestconfig: pytest.Config, seed: int, tmp_path: Path) -> Iterator[Examples]:
    set_hypothesis_home_dir(tmp_path)
    yield Examples(seed, times=20 if pytestconfig.getoption("--soak") else 1)
    set_hypothesis_home_dir(None)


@pytest.fixture(scope="package")
def fuzzed_door(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DoorProcess]:
    """A door that is soon tired of a body, and never of refusing."""
    settings = {"DOOR_MAX_BYTES": str(MOST_BYTES), "DOOR_BODY_SECONDS": "1", "RATE_REFUSED": "none"}
    door = DoorProcess(stack.env | settings, tmp_path_factory.mktemp("door") / "door.log")
    yield door
    door.stop()


@pytest.fixture
def unharmed(fuzzed_door: DoorProcess, stack: Stack) -> Iterator[None]:
    """Neither the door nor the processor meets anything that nobody foresaw, and the door serves on."""
    pid, before = fuzzed_door.process.pid, len(stack.log("processor"))
    serving = workers(pid)
    yield
    assert fuzzed_door.serves()
    assert workers(pid) == serving, "nothing died and was replaced"
    assert unforeseen(fuzzed_door.log.read_text()) + unforeseen(stack.log("processor")[before:]) == []
