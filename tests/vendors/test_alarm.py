"""The alarm that cuts a connection: its deadline moves with each request over it."""

from __future__ import annotations

from threading import Event

from tests.vendors.guard import alarms
from vendors.route import Alarm, Deadline


def test_it_rings_at_its_deadline_once_and_its_thread_ends() -> None:
    rung = Event()
    alarm = Alarm(rung.set)
    alarm.set(Deadline(0.05))
    assert rung.wait(10)
    rung.clear()
    alarm.set(Deadline(0.01))
    assert not rung.wait(0.2)
    alarm.stop()
    assert not alarms()


def test_a_deadline_may_come_sooner() -> None:
    rung = Event()
    alarm = Alarm(rung.set)
    alarm.set(Deadline(60))
    alarm.set(Deadline(0.05))
    assert rung.wait(10)
    alarm.stop()


def test_a_deadline_may_come_later_or_not_at_all() -> None:
    for moved in (Deadline(60), None):
        rung = Event()
        alarm = Alarm(rung.set)
        alarm.set(Deadline(0.05))
        alarm.set(moved)
        assert not rung.wait(0.3)
        alarm.set(Deadline(0.05))
        assert rung.wait(10)
        alarm.stop()
    assert not alarms()


def test_one_that_never_was_set_or_has_not_rung_ends_at_once() -> None:
    never, waiting = Alarm(lambda: None), Alarm(lambda: None)
    waiting.set(Deadline(60))
    assert len(alarms()) == 1
    never.stop()
    waiting.stop()
    assert not alarms()
