"""The network between the door and PostgreSQL is cut, or no byte comes through: 503 in time, and healed by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from uuid import uuid4

import pytest
import requests
from django.conf import settings

from access.models import Clinic
from config.installation import answers
from tests.faults.cable import Cable
from tests.faults.door import DoorProcess
from tests.faults.effects import prove
from tests.faults.letters import Letter, letters, signature
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


def test_a_refusal_asks_the_database_nothing(cable: Cable, door: DoorProcess, clinic: Clinic) -> None:
    proven = next(letter.path for letter in letters(clinic, 1))
    forged, account = f"{proven[:-6]}AAAAAA", f"/callbacks/nabla/accounts/{uuid4()}"
    late = signature("a secret", b"{}", datetime.now(UTC) - timedelta(minutes=5))
    too_much = {"Content-Length": str(settings.DOOR_MAX_BYTES + 1)}
    cable.cut()
    assert {
        "a forged ticket": said(door, "POST", forged),
        "more than it takes": said(door, "POST", proven, too_much),
        "no signature": said(door, "POST", account),
        "a signature of long ago": said(door, "POST", account, late),
        "no token": said(door, "POST", "/callbacks/nabla"),
        "no key": said(door, "POST", "/callbacks/nabla", {"Authorization": "Bearer guessed"}),
        "a forged file": said(door, "GET", "/files/guessed"),
        "no such door": said(door, "POST", "/callbacks"),
        "no such way": said(door, "GET", proven),
    } == {
        "a forged ticket": 401,
        "more than it takes": 413,
        "no signature": 401,
        "a signature of long ago": 401,
        "no token": 401,
        "no key": 401,
        "a forged file": 401,
        "no such door": 404,
        "no such way": 405,
    }


def said(door: DoorProcess, method: str, path: str, headers: Mapping[str, str] | None = None) -> int:
    """What the head alone is answered: of the body only its length is told."""
    connection = HTTPConnection("127.0.0.1", door.port, timeout=2)
    try:
        connection.request(method, path, headers={"Content-Length": "2", **(headers or {})})
        return connection.getresponse().status
    finally:
        connection.close()


def test_a_network_that_comes_and_goes_loses_nothing(cable: Cable, door: DoorProcess, clinic: Clinic) -> None:
    written = letters(clinic, 150)
    with Load(door.url, written) as load:
        for share in (0.2, 0.4, 0.6, 0.8):
            load.reach(share)
            cable.cut()
            cable.mend()
    prove(clinic, written)
