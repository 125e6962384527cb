"""Bells that nobody hears."""

from __future__ import annotations

import os
import signal

import redis

from access.models import Clinic
from config.bell import ENOUGH
from tests.faults.effects import prove
from tests.faults.letters import letters
from tests.faults.load import Load
from tests.flows.conftest import Stack

#: Beat sends one a quarter of a minute, and the sweep rings for itself.
OTHERS = 8


def test_they_do_not_gather_while_the_processor_stands_still(stack: Stack, clinic: Clinic) -> None:
    processor = stack.pids["processor"]
    os.killpg(processor, signal.SIGSTOP)
    try:
        with Load(stack.env["DOOR_URL"], letters(clinic, 150, unrepeated=False)) as load:
            load.reach(1)
        with redis.Redis.from_url(stack.env["REDIS_URL"]) as broker:
            assert broker.llen("callbacks") <= ENOUGH + OTHERS
    finally:
        os.killpg(processor, signal.SIGCONT)
    prove(clinic, load.written)
