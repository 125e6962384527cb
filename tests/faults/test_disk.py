"""PostgreSQL's disk is full: the door says so, stays up, and goes on when there is room again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from access.models import Clinic
from config.installation import answers
from tests.faults.disk import Ballast, can_be_mounted
from tests.faults.effects import prove
from tests.faults.letters import letters
from tests.faults.load import Load
from tests.flows.clinic import eventually
from tests.flows.conftest import Stack


@pytest.fixture
def ballast(stack: Stack) -> Iterator[Ballast]:
    found = Ballast(stack.folder / "postgres", stack.pids["web"])
    yield found
    found.drop()


@pytest.mark.skipif(not can_be_mounted(), reason="mounting a small disk needs root or user namespaces")
def test_a_full_disk_refuses_callbacks_and_loses_none(stack: Stack, clinic: Clinic, ballast: Ballast) -> None:
    written = letters(clinic, 150, characters=1500)
    alive = answers("127.0.0.1", int(stack.env["DOOR_PORT"]), "/healthz")
    with Load(stack.env["DOOR_URL"], written[:50]):
        pass
    ballast.fill()
    with Load(stack.env["DOOR_URL"], written[50:]):
        eventually(lambda: sum(letter.said.count(503) for letter in written) > 20, what="the door refuses")
        assert alive()
        ballast.drop()
    prove(clinic, written)
    assert "No space left on device" in stack.log("postgres")
