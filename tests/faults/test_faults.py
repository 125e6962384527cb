"""Under load something dies. What was answered 200 becomes one note, within a minute and without a hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from access.models import Clinic
from tests.faults.effects import prove
from tests.faults.faults import CLAIMS_LOST, FAULTS, UNNOTICED
from tests.faults.letters import Letter, letters
from tests.faults.load import Load
from tests.flows.conftest import Stack


def suffer(fault: str, stack: Stack, clinic: Clinic) -> list[Letter]:
    written = letters(clinic, 150)
    with Load(stack.env["DOOR_URL"], written) as load:
        load.reach(0.3)
        FAULTS[fault](stack)
    if fault in UNNOTICED:
        assert {status for letter in written for status in letter.said} == {200}
    return written


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault not in CLAIMS_LOST])
def test_nothing_is_lost_or_doubled_with(fault: str, stack: Stack, clinic: Clinic) -> None:
    prove(clinic, suffer(fault, stack, clinic))


def test_what_was_claimed_when_its_claimant_died_is_done_by_another(
    stack: Stack, new_clinic: Callable[[], Clinic]
) -> None:
    """These are proven together: each waits for the end of a lease."""
    ledgers = [(clinic := new_clinic(), suffer(fault, stack, clinic)) for fault in CLAIMS_LOST]
    for clinic, written in ledgers:
        prove(clinic, written)
