"""The bell rings without keeping anybody."""

from __future__ import annotations

import threading
import time

import pytest

from config.bell import MOST_WAITING, Bell
from tests.flows.clinic import eventually


class Slow(Bell):
    """A bell whose broker hangs until it is let go. What it would have published is in `heard`."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[tuple[str, list[str]]] = []
        self.hanging, self.let_go = threading.Event(), threading.Event()

    def publish(self, task: str, arguments: list[str]) -> None:
        self.hanging.set()
        assert self.let_go.wait(10)
        self.heard.append((task, arguments))


@pytest.fixture
def bell() -> Slow:
    return Slow()


def test_whoever_rings_does_not_wait_for_a_broker_that_hangs(bell: Slow) -> None:
    begun = time.monotonic()
    for number in range(MOST_WAITING * 3):
        bell.ring("submit", str(number))
    assert time.monotonic() - begun < 1
    assert len(bell.waiting) <= MOST_WAITING
    bell.let_go.set()
    bell.stop()


def test_rings_for_the_same_thing_are_one(bell: Slow) -> None:
    bell.ring("first")
    assert bell.hanging.wait(5)
    for _ in range(100):
        bell.ring("process")
    bell.let_go.set()
    bell.stop()
    assert bell.heard == [("first", []), ("process", [])]


def test_what_waits_is_rung_at_the_end(bell: Slow) -> None:
    bell.let_go.set()
    bell.ring("submit", "1")
    bell.stop()
    assert bell.heard == [("submit", ["1"])]
    bell.stop()


def test_it_rings_after_its_end_too(bell: Slow) -> None:
    bell.let_go.set()
    bell.ring("submit", "1")
    bell.stop()
    for rung in (2, 3):
        bell.ring("submit", str(rung))
        eventually(lambda: len(bell.heard) == rung)  # noqa: B023
