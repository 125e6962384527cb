"""A vendor whose clock is wrong proves nothing by its signature, and has lost nothing when its clock is right again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import requests

from access.models import Clinic
from ingest.models import Callback
from tests.faults.effects import prove
from tests.faults.letters import Letter, Post
from tests.flows.conftest import Stack


def send(stack: Stack, letter: Letter, ahead: timedelta = timedelta()) -> int:
    headers = letter.headers(datetime.now(UTC) + ahead)
    return requests.post(stack.env["DOOR_URL"] + letter.path, data=letter.body, headers=headers, timeout=20).status_code


@pytest.mark.parametrize(
    "ahead", [timedelta(seconds=-90), timedelta(seconds=90), timedelta(days=-1), timedelta(days=1)]
)
def test_a_signature_of_another_time_is_refused_until_the_clock_is_right(
    stack: Stack, clinic: Clinic, ahead: timedelta
) -> None:
    letter = Post(clinic).signed()
    assert send(stack, letter, ahead) == 401
    assert not Callback.objects.filter(clinic=clinic).exists()
    letter.said = [send(stack, letter), send(stack, letter)]
    prove(clinic, [letter])
    assert letter.said == [200, 200]


@pytest.mark.parametrize("ahead", [timedelta(seconds=-30), timedelta(seconds=30)])
def test_a_clock_that_is_a_little_off_is_borne_with(stack: Stack, clinic: Clinic, ahead: timedelta) -> None:
    letter = Post(clinic).signed()
    letter.said = [send(stack, letter, ahead)]
    prove(clinic, [letter])
    assert letter.said == [200]
