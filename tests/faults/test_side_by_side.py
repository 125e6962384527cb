"""Several of a kind at once: doors on one database, and beats."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import redis
import requests

from access.models import Clinic
from config.installation import ROOT
from tests.faults.door import DoorProcess
from tests.faults.effects import prove
from tests.faults.letters import Letter, letters
from tests.faults.load import Load
from tests.flows.conftest import Stack

CLIENTS = 16


def deliver(door: str, order: list[Letter]) -> list[tuple[str, int, Any]]:
    """What each letter was answered: its name, the status, and the word with it."""
    with requests.Session() as http:
        answered = []
        for letter in order:
            response = http.post(f"{door}{letter.path}", data=letter.body, headers=letter.headers(), timeout=20)
            letter.said.append(response.status_code)
            answered.append((letter.title, response.status_code, response.json().get("status")))
    return answered


def test_two_doors_take_the_same_callbacks_in_other_orders_without_a_deadlock(
    stack: Stack, clinic: Clinic, open_door: Callable[..., DoorProcess], seed: int
) -> None:
    written, chance = letters(clinic, 60, unrepeated=False), random.Random(seed)  # noqa: S311
    orders = [chance.sample(written, len(written)) for _ in range(CLIENTS)]
    doors = [stack.env["DOOR_URL"], open_door().url] * (CLIENTS // 2)
    with ThreadPoolExecutor(CLIENTS) as clients:
        said = [answer for answers in clients.map(deliver, doors, orders) for answer in answers]
    assert {status for _, status, _ in said} == {200}
    assert Counter(title for title, _, word in said if word == "stored") == Counter(letter.title for letter in written)
    prove(clinic, written)


@pytest.fixture
def second_beat(stack: Stack, tmp_path: Path) -> Iterator[None]:
    command = [sys.executable, "-m", "celery", "-A", "config.celery", "beat"]
    files = ["--schedule", str(tmp_path / "schedule"), "--pidfile", ""]
    with (tmp_path / "beat.log").open("wb") as log:
        beat = subprocess.Popen([*command, *files], cwd=ROOT, env=stack.env, stdout=log, stderr=log)
    yield
    beat.terminate()
    beat.wait(20)


def wait_for_two_beats(broker: redis.Redis) -> None:
    """Returns when sweeps were rung for over two connections."""
    beats, ends = set(), time.monotonic() + 60
    with broker.monitor() as commands:
        for command in commands.listen():
            if command["command"].startswith("LPUSH sweeps"):
                beats.add(command["client_port"])
            if len(beats) == 2:
                return
            assert time.monotonic() < ends, "the second beat rings"


@pytest.mark.usefixtures("second_beat")
def test_two_beats_do_nothing_twice(stack: Stack, clinic: Clinic) -> None:
    written = letters(clinic, 150)
    with redis.Redis.from_url(stack.env["REDIS_URL"]) as broker, Load(stack.env["DOOR_URL"], written):
        wait_for_two_beats(broker)
    prove(clinic, written)
