"""The network between the door and PostgreSQL is cut, or no byte comes through: 503 in time, and healed by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from access.models import Clinic
from config.installation import answers
from tests.faults.cable import Cable
from tests.faults.door import DoorProcess
from tests.faults.effects import prove
from tests.faults.letters import Letter, letters
from tests.faults.load import Load
from tests.flows.clinic import eventually
from tests.flows.conftest import Stack

#: Longer than the door's own limit of five seconds, shorter than vendors wait.
VENDORS_PATIENCE = 9.0


@pytest.fixture
def cable(stack: Stack) -> Iterator[Cable]:
    with Cable(stack.env["DATABASE_URL"]) as laid:
        yield laid


@pytest.fixture
def door(cable: Cable, open_door: Callable[..., DoorProcess]) -> DoorProcess:
    return open_door(DATABASE_URL=cable.url)


def refused(door: DoorProcess, letter: Letter) -> tuple[int, str]:
    url = f"{door.url}{letter.path}"
    response = requests.post(url, data=letter.body, headers=letter.headers(), timeout=VENDORS_PATIENCE)
    letter.said.append(response.status_code)
    return response.status_code, response.headers.get("Retry-After", "")


@pytest.mark.parametrize("harm", [Cable.cut, Cable.silence])
def test_the_door_refuses_in_time_and_heals_when_the_network_does(
    harm: Callable[[Cable], None], cable: Cable, door: DoorProcess, clinic: Clinic
) -> None:
    written = letters(clinic, 150)
    waiting = [letter for letter in written if letter.repeated][-24:]
    with Load(door.url, written) as load:
        load.reach(0.3)
        harm(cable)
        with ThreadPoolExecutor(len(waiting)) as vendors:
            said = set(vendors.map(lambda letter: refused(door, letter), waiting))
        assert {status for status, _ in said} == {503}
        assert all(int(retry) > 0 for _, retry in said)
        assert answers("127.0.0.1", door.port, "/healthz")()
        assert not answers("127.0.0.1", door.port, "/readyz")()
        cable.mend()
        eventually(answers("127.0.0.1", door.port, "/readyz"), what="the door is ready again")
    prove(clinic, written)


def test_a_network_that_comes_and_goes_loses_nothing(cable: Cable, door: DoorProcess, clinic: Clinic) -> None:
    written = letters(clinic, 150)
    with Load(door.url, written) as load:
        for share in (0.2, 0.4, 0.6, 0.8):
            load.reach(share)
            cable.cut()
            cable.mend()
    prove(clinic, written)
