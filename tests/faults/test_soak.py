"""Rounds of chance: two or three things die at moments of a load. Two rounds, or fifty with --soak."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from access.models import Clinic
from tests.faults.effects import prove
from tests.faults.faults import FAULTS
from tests.faults.letters import Letter, letters
from tests.faults.load import Load
from tests.flows.conftest import Stack

ROUNDS, LONG = 2, 50
#: So many are proven together: in most of them something waits for the end of a lease.
TOGETHER = 5


def suffer(faults: list[str], stack: Stack, clinic: Clinic) -> list[Letter]:
    written = letters(clinic, 150)
    with Load(stack.env["DOOR_URL"], written) as load:
        for number, fault in enumerate(faults):
            load.reach(0.2 + 0.2 * number)
            FAULTS[fault](stack)
    return written


def test_nothing_is_lost_or_doubled_whatever_dies(
    stack: Stack,
    new_clinic: Callable[[], Clinic],
    seed: int,
    tell: Callable[[str], None],
    pytestconfig: pytest.Config,
) -> None:
    chance, rounds = random.Random(seed), LONG if pytestconfig.getoption("--soak") else ROUNDS  # noqa: S311
    unproven: list[tuple[Clinic, list[Letter]]] = []
    for number in range(1, rounds + 1):
        faults, clinic = chance.sample(list(FAULTS), chance.choice([2, 3])), new_clinic()
        tell(f"round {number} of {rounds}: {', '.join(faults)}")
        unproven.append((clinic, suffer(faults, stack, clinic)))
        if number % TOGETHER == 0 or number == rounds:
            for clinic, written in unproven:
                prove(clinic, written)
            tell(f"round {number} of {rounds}: {sum(len(written) for _, written in unproven)} callbacks proven")
            unproven.clear()
