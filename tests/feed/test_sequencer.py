"""Events get their positions after the commit, and a reader misses none: whoever commits late, dies or comes twice."""

from __future__ import annotations

import json
import multiprocessing
import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event as Signal
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection, connections, transaction

from access.models import Clinic
from feed import events, reading, sequencer
from feed.models import Event, Feed

pytestmark = pytest.mark.django_db(transaction=True)
processes = multiprocessing.get_context("fork")
SECONDS, MOST_SECONDS = 12, 120
chance = random.SystemRandom()  # in each process another
WAITS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


def happen(clinic: Clinic, kind: str = "note.created") -> None:
    events.record(kind, clinic_id=clinic.pk, object_id=uuid4())


class Reader:
    """Follows one clinic's feed by its cursor, as a consumer does."""

    def __init__(self, clinic: Clinic) -> None:
        self.clinic_id, self.cursor = clinic.pk, reading.write_cursor(clinic.pk, 0)
        self.seen: list[str] = []

    def read(self, limit: int = 100) -> bool:
        """One page. Whether there is more."""
        after = reading.read_cursor(self.clinic_id, self.cursor)
        assert after is not None
        page = reading.page(self.clinic_id, after, limit)
        self.cursor = reading.write_cursor(self.clinic_id, page.reached)
        self.seen += [json.loads(event)["id"] for event in page.results]
        return page.has_more

    def read_on(self) -> list[str]:
        while self.read():
            pass
        return self.seen


def in_order(clinic: Clinic) -> list[str]:
    """All of a clinic's events, as their positions are."""
    return [str(pk) for pk in Event.objects.filter(clinic=clinic).order_by("position").values_list("pk", flat=True)]


def positions(clinic: Clinic) -> list[int | None]:
    return list(Event.objects.filter(clinic=clinic).order_by("position").values_list("position", flat=True))


def wait_for(true: Callable[[], Any]) -> None:
    ends = time.monotonic() + MOST_SECONDS
    while not true():
        assert time.monotonic() < ends
        time.sleep(0.01)


def somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(WAITS)
        return bool(cursor.fetchone()[0])


@contextmanager
def elsewhere(work: Callable[[], Any]) -> Iterator[Signal]:
    """Work in a transaction of another connection, which is committed when the signal is given, or at the end."""
    done, may_commit = Signal(), Signal()

    def run() -> None:
        with transaction.atomic():
            work()
            done.set()
            may_commit.wait(MOST_SECONDS)
        connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(run)
        try:
            assert done.wait(MOST_SECONDS)
            yield may_commit
        finally:
            may_commit.set()
            running.result()


def numbered_once(clinic: Clinic) -> list[int]:
    """By a connection that is closed again."""
    try:
        return [one.position for one in sequencer.number(clinic.pk)]
    finally:
        connections.close_all()


# --- One after the other
def test_positions_begin_at_one_in_each_clinic(clinic: Clinic, other_clinic: Clinic) -> None:
    for where in (clinic, other_clinic, clinic):
        happen(where)
    assert not sequencer.sequence()
    assert (positions(clinic), positions(other_clinic)) == ([1, 2], [1])
    assert dict(Feed.objects.values_list("pk", "position")) == {clinic.pk: 2, other_clinic.pk: 1}


def test_those_of_one_transaction_stay_in_their_order(clinic: Clinic) -> None:
    kinds = ["note.created", "note.in_review", "note.approved", "note.signed"] * 50
    with transaction.atomic():
        for kind in kinds:
            happen(clinic, kind)
    sequencer.sequence()
    assert list(Event.objects.order_by("position").values_list("kind", flat=True)) == kinds


def test_many_are_numbered_in_parts_without_a_gap(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequencer, "AT_ONCE", 3)
    for _ in range(7):
        happen(clinic)
    parts = [[one.position for one in sequencer.number(clinic.pk)] for _ in range(4)]
    assert parts == [[1, 2, 3], [4, 5, 6], [7], []]


def test_nothing_new_takes_one_statement(clinic: Clinic, django_assert_num_queries: Any) -> None:
    happen(clinic)
    sequencer.sequence()
    with django_assert_num_queries(1):
        assert not sequencer.sequence()


def test_more_than_one_pass_may_take_is_left_for_the_next(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(5):
        happen(clinic)
    monkeypatch.setattr(sequencer, "MOST_ROUNDS", 2)
    monkeypatch.setattr(sequencer, "AT_ONCE", 2)
    assert sequencer.sequence()
    assert not sequencer.sequence()
    assert positions(clinic) == [1, 2, 3, 4, 5]


def test_what_was_rolled_back_leaves_no_gap(clinic: Clinic) -> None:
    happen(clinic)
    sequencer.sequence()
    with transaction.atomic():
        happen(clinic)
        assert sequencer.number(clinic.pk)
        transaction.set_rollback(True)
    happen(clinic)
    sequencer.sequence()
    assert positions(clinic) == [1, 2]


def test_one_clinics_trouble_keeps_no_other_waiting(
    clinic: Clinic, other_clinic: Clinic, caplog: pytest.LogCaptureFixture
) -> None:
    happen(clinic)
    happen(other_clinic)
    rule = f"ALTER TABLE feed_feed ADD CONSTRAINT broken CHECK (clinic_id <> '{clinic.pk}')"
    with connection.cursor() as cursor:
        cursor.execute(rule)
        try:
            assert not sequencer.sequence()
        finally:
            cursor.execute("ALTER TABLE feed_feed DROP CONSTRAINT broken")
    assert f"the events of clinic {clinic.pk} were not numbered" in caplog.text
    assert (positions(clinic), positions(other_clinic)) == ([None], [1])
    sequencer.sequence()
    assert positions(clinic) == [1]


# --- Side by side
def test_whoever_commits_late_is_not_missed(clinic: Clinic) -> None:
    reader = Reader(clinic)
    with elsewhere(lambda: happen(clinic)) as may_commit:
        happen(clinic)
        sequencer.sequence()
        assert len(reader.read_on()) == 1
        may_commit.set()
    sequencer.sequence()
    assert len(reader.read_on()) == 2
    assert reader.seen == in_order(clinic)
    assert reader.seen != sorted(reader.seen), "the one that was made first was committed last"


def test_two_sequencers_wait_for_each_other_and_none_is_seen_before_those_below(clinic: Clinic) -> None:
    reader = Reader(clinic)
    happen(clinic)
    with elsewhere(lambda: sequencer.number(clinic.pk)) as may_commit, ThreadPoolExecutor(1) as pool:
        happen(clinic)
        second = pool.submit(numbered_once, clinic)
        wait_for(somebody_waits)
        assert reader.read_on() == []
        may_commit.set()
        assert second.result() == [2]
    assert len(reader.read_on()) == 2
    assert positions(clinic) == [1, 2]


# --- Many, and killed
def child(work: Callable[[], None]) -> Any:
    """A process that does this over and over."""

    def run() -> None:
        for one in connections.all():
            one.connection = None  # the parent's
        while True:
            work()

    connections.close_all()
    process = processes.Process(target=run, daemon=True)
    process.start()
    return process


def write(clinics: list[UUID]) -> None:
    """Some events in one transaction, which takes its time, and may be for nothing."""
    with transaction.atomic():
        for _ in range(chance.randint(1, 3)):
            events.record("note.created", clinic_id=chance.choice(clinics), object_id=uuid4())
            time.sleep(chance.random() * 0.03)
        if chance.random() < 0.2:
            transaction.set_rollback(True)


def sequence() -> None:
    sequencer.sequence()


def end(workers: list[tuple[Callable[[], None], Any]]) -> None:
    for _, process in workers:
        process.kill()
        process.join()


def follow_a_crowd(readers: list[Reader], work: list[Callable[[], None]]) -> None:
    """Reads all the while, and kills one of the others every now and then; another takes its place."""
    workers = [(one, child(one)) for one in work]
    ends = time.monotonic() + SECONDS
    try:
        while time.monotonic() < ends:
            for reader in readers:
                reader.read(chance.randint(1, 20))
            if chance.random() < 0.1:
                one, process = workers.pop(chance.randrange(len(workers)))
                process.kill()
                process.join()
                workers.append((one, child(one)))
            time.sleep(0.01)
    finally:
        end(workers)


def test_a_reader_misses_nothing_whoever_is_late_or_killed(clinic: Clinic, other_clinic: Clinic) -> None:
    clinics, both = [clinic.pk, other_clinic.pk], [clinic, other_clinic]
    readers = [Reader(one) for one in both]
    follow_a_crowd(readers, [lambda: write(clinics)] * 4 + [sequence] * 3)
    before_the_last = Event.objects.filter(position__isnull=False).count()
    wait_for(lambda: not sequencer.sequence())
    for reader, one in zip(readers, both, strict=True):
        assert reader.read_on() == in_order(one), "each event once, in the order of the feed"
        assert positions(one) == list(range(1, len(reader.seen) + 1))
        assert Feed.objects.get(pk=one.pk).position == len(reader.seen)
        assert Reader(one).read_on() == reader.seen, "who begins at the start reads the same"
        assert reader.seen != sorted(reader.seen), "some were committed late"
    assert before_the_last > 100
