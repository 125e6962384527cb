"""A door that is told to stop finishes what it has begun."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import psycopg

from access.models import Clinic
from tests.faults.door import DoorProcess
from tests.faults.effects import prove
from tests.faults.letters import Letter, letters
from tests.faults.load import Sender
from tests.flows.clinic import eventually
from tests.flows.conftest import Stack

IN_FLIGHT = 20
STUCK = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'listenpost-door' AND wait_event_type = 'Lock'"


def sent_once(url: str, letter: Letter) -> int | None:
    with closing(Sender(url)) as sender:
        return sender.send(letter)


def test_a_door_that_is_told_to_stop_answers_what_has_come_first(
    stack: Stack, clinic: Clinic, open_door: Callable[..., DoorProcess]
) -> None:
    door, written = open_door(), letters(clinic, IN_FLIGHT, unrepeated=False)
    with psycopg.connect(stack.env["DATABASE_OWNER_URL"]) as held, ThreadPoolExecutor(IN_FLIGHT) as senders:
        held.execute("LOCK TABLE ingest_callback IN ACCESS EXCLUSIVE MODE")
        said = [senders.submit(sent_once, door.url, letter) for letter in written]
        eventually(lambda: held.execute(STUCK).fetchone() != (0,), within=4)
        time.sleep(1)  # for those behind the first
        door.process.terminate()
        held.rollback()
        for letter, status in zip(written, said, strict=True):
            letter.said.append(status.result())
    assert [letter.said for letter in written] == [[200]] * IN_FLIGHT
    assert door.process.wait(20) == 0
    prove(clinic, written)
