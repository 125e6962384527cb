"""Every row is sealed once, in whatever order transactions commit, and sealing waits for none of them."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as configured
from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone

from access import sealing, seals, tasks
from access.models import AccessEntry, AccessSeal, Clinic
from access.snapshots import Snapshot
from tests.access import logged
from tests.access.logged import assert_whole, log_rows, slow_transaction, verified, wrong

pytestmark = pytest.mark.django_db(transaction=True)


def test_what_is_not_sealed_is_sealed_and_linked_to_the_seal_before(clinic: Clinic) -> None:
    first = log_rows(clinic, 3)
    assert sealing.seal() == 3
    second = log_rows(clinic, 2)
    assert sealing.seal() == 2
    one, two = logged.seals(clinic)
    assert (one.number, two.number) == (1, 2)
    assert (set(one.entry_ids), set(two.entry_ids)) == (set(first), set(second))
    assert bytes(one.previous_mac) == b""
    assert bytes(two.previous_mac) == bytes(one.mac)
    assert_whole(clinic, 5)


def test_no_rows_no_seal(clinic: Clinic) -> None:
    assert sealing.seal() == 0
    log_rows(clinic)
    sealing.seal()
    assert sealing.seal() == 0
    assert logged.seals(clinic).count() == 1


def test_each_clinic_has_its_own_seals_and_so_have_rows_of_none(clinic: Clinic, other_clinic: Clinic) -> None:
    for owner, number in ((clinic, 1), (other_clinic, 2), (None, 3)):
        log_rows(owner, number)
    assert sealing.seal() == 6
    for owner, number in ((clinic, 1), (other_clinic, 2), (None, 3)):
        assert [len(seal.entry_ids) for seal in logged.seals(owner)] == [number]
        assert_whole(owner, number)


def test_many_rows_become_several_seals_of_one_snapshot(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "MOST_ROWS", 3)
    log_rows(clinic, 8)
    assert sealing.seal() == 8
    made = list(logged.seals(clinic))
    assert [len(seal.entry_ids) for seal in made] == [3, 3, 2]
    assert len({(seal.snapshot, seal.created_at) for seal in made}) == 1
    log_rows(clinic, 1)
    sealing.seal()
    assert_whole(clinic, 9)


def test_a_transaction_that_commits_late_is_sealed_then(clinic: Clinic) -> None:
    log_rows(clinic)
    with slow_transaction() as slow:
        early = logged.insert(clinic, slow)
        log_rows(clinic)
        assert sealing.seal() == 2
        late = logged.insert(clinic, slow)
        log_rows(clinic)
        assert sealing.seal() == 1
        assert_whole(clinic, 3)
    assert_whole(clinic, 3, unsealed=2)
    assert sealing.seal() == 2
    assert set(logged.seals(clinic).last().entry_ids) == {early, late}
    assert_whole(clinic, 5)


def test_a_transaction_above_all_that_have_ended_is_sealed_when_it_ends(clinic: Clinic) -> None:
    """PostgreSQL's snapshot does not list it as running: no later one had ended yet."""
    log_rows(clinic)
    with slow_transaction() as slow:
        logged.insert(clinic, slow)
        sealing.seal()
    assert_whole(clinic, 1, unsealed=1)
    sealing.seal()
    assert_whole(clinic, 2)


def test_a_row_that_was_rolled_back_is_missed_by_nobody(clinic: Clinic) -> None:
    log_rows(clinic)
    other = connection.copy()
    other.set_autocommit(False)
    logged.insert(clinic, other)
    sealing.seal()
    other.rollback()
    other.close()
    log_rows(clinic)
    sealing.seal()
    assert_whole(clinic, 2)


def in_threads(number: int, do: Any) -> None:
    """Each with a connection of its own; what one of them raises is raised here."""
    errors: list[BaseException] = []

    def run() -> None:
        try:
            do()
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_two_sealers_at_once_seal_each_row_once(clinic: Clinic) -> None:
    log_rows(clinic, 50)
    in_threads(4, sealing.seal)
    assert logged.seals(clinic).count() == 1
    assert_whole(clinic, 50)


def test_rows_that_come_while_it_is_sealed_are_each_sealed_once(clinic: Clinic) -> None:
    turns = iter(range(6))

    def work() -> None:
        if next(turns) % 2:
            for _ in range(40):
                sealing.seal()
        else:
            log_rows(clinic, 100)

    in_threads(6, work)
    sealing.seal()
    assert logged.seals(clinic).count() > 2
    assert_whole(clinic, 300)


def test_a_sealer_at_work_is_not_waited_for(clinic: Clinic) -> None:
    log_rows(clinic)
    with slow_transaction() as other, other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [sealing.SEAL_LOCK])
        assert sealing.seal() == 0
    assert sealing.seal() == 1


def test_the_task_seals(clinic: Clinic) -> None:
    log_rows(clinic)
    tasks.seal()
    assert_whole(clinic, 1)


def test_beat_rings_for_it_on_the_queue_of_the_chores() -> None:
    assert configured.CELERY_BEAT_SCHEDULE["seal"]["task"] == tasks.seal.name
    assert configured.CELERY_TASK_ROUTES[tasks.seal.name]["queue"] == "chores"


def test_the_newest_key_signs_and_what_an_older_one_seals_after_it_is_sealed_again(
    clinic: Clinic, settings: Any
) -> None:
    log_rows(clinic)
    sealing.seal()
    old = dict(settings.TICKET_KEYS)
    settings.TICKET_KEYS = old | {7: "7" * 40}
    log_rows(clinic)
    sealing.seal()
    assert [seal.key_version for seal in logged.seals(clinic)] == [max(old), 7]
    assert_whole(clinic, 2)
    settings.TICKET_KEYS = old
    log_rows(clinic)
    assert sealing.seal() == 2  # what the seal of an unknown key holds is not taken for sealed
    settings.TICKET_KEYS = old | {7: "7" * 40}
    log_rows(clinic)
    assert sealing.seal() == 2
    assert wrong(clinic) == ["seal 3: changed: its key version does not fit into its place"]


def test_after_every_key_was_replaced_the_rest_is_sealed_and_no_row_twice(clinic: Clinic, settings: Any) -> None:
    log_rows(clinic, 3)
    sealing.seal()
    settings.TICKET_KEYS = {7: "7" * 40}
    assert [sealing.seal() for _ in range(2)] == [0, 0]
    log_rows(clinic, 2)
    assert sealing.seal() == 2
    assert [len(seal.entry_ids) for seal in logged.seals(clinic)] == [3, 0, 2]
    assert_whole(clinic, 5, lost_keys=[1])


def test_what_fails_for_one_clinic_fails_for_no_other(
    clinic: Clinic, other_clinic: Clinic, caplog: pytest.LogCaptureFixture
) -> None:
    for owner in (None, clinic, other_clinic):
        log_rows(owner)
    logged.execute(f"ALTER TABLE {logged.SEAL} ADD CONSTRAINT none CHECK (clinic_id <> '{clinic.pk}')")
    try:
        assert sealing.seal() == 2
    finally:
        logged.execute(f"ALTER TABLE {logged.SEAL} DROP CONSTRAINT none")
    assert f"the access log of clinic {clinic.pk} is not sealed: IntegrityError" in caplog.text
    assert sealing.seal() == 1


def test_a_false_seal_is_told(clinic: Clinic, caplog: pytest.LogCaptureFixture) -> None:
    log_rows(clinic)
    facts = {"created_at": timezone.now(), "entry_ids": [], "digests": b"", "previous_mac": b"", "mac": b""}
    AccessSeal.objects.create(clinic=clinic, number=1, snapshot="x", key_version=255, **facts)
    assert sealing.seal() == 1
    assert f"the access log of clinic {clinic.pk} has seals that are not ours: [1]" in caplog.text


def test_restarts_under_a_key_that_is_gone_still_count(clinic: Clinic, settings: Any) -> None:
    restored(clinic, sealed=10, unsealed=10, begin=next_transaction() + 10)
    sealing.seal()
    settings.TICKET_KEYS = settings.TICKET_KEYS | {7: "7" * 40}
    log_rows(clinic)
    sealing.seal()
    del settings.TICKET_KEYS[1]
    for _ in range(10):
        log_rows(clinic, 3)
        assert sealing.seal() == 3
    assert_whole(clinic, 51, lost_keys=[1])


def test_every_column_is_in_the_digest() -> None:
    columns = [field.attname for field in AccessEntry._meta.concrete_fields]
    assert sorted(columns) == sorted({*seals.COLUMNS, "created_at"} - {"moment"})


# --- The numbers of transactions begin anew: a dump was restored into another cluster
AHEAD = 10_000_000


def next_transaction() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id()::text::bigint + 1")
        return int(cursor.fetchone()[0])


@transaction.atomic
def restored(clinic: Clinic, sealed: int, unsealed: int, begin: int) -> None:
    """Rows and a seal as they come out of a dump: made in a database that had come as far as `begin`."""
    long_ago = timezone.now() - timedelta(days=1)
    for number in range(sealed + unsealed):
        logged.insert(clinic, written_in=begin + number, created_at=long_ago + timedelta(seconds=number))
        if number + 1 == sealed:
            seal_as_of(clinic, Snapshot(begin + sealed, begin + sealed, frozenset()), long_ago + timedelta(minutes=1))


def seal_as_of(clinic: Clinic, snapshot: Snapshot, at: Any) -> None:
    rows = list(seals.read(AccessEntry.objects.filter(clinic=clinic)))
    made = AccessSeal(clinic=clinic, number=1, created_at=at, snapshot=str(snapshot), key_version=1, previous_mac=b"")
    made.entry_ids, made.digests = [row.id for row in rows], b"".join(row.digest for row in rows)
    made.mac = seals.sign(made, f"{at.timestamp():.6f}")
    made.save()


def test_after_a_restore_all_that_no_seal_holds_is_taken_as_it_stands(clinic: Clinic) -> None:
    restored(clinic, sealed=3, unsealed=2, begin=AHEAD)
    log_rows(clinic)
    found, notices, run = verified(clinic)
    assert (found, run.rows) == ([], 3)
    assert "restored" in notices[0]
    assert sealing.seal() == 3
    assert [seal.restarted for seal in logged.seals(clinic)] == [False, True]
    found, notices, run = verified(clinic)
    assert (found, run.rows, run.unsealed) == ([], 6, 0)
    assert len(notices) == 1
    assert "seal 2: the database was restored before it; rows between" in notices[0]


def test_after_a_restore_sealing_goes_on_as_ever(clinic: Clinic) -> None:
    restored(clinic, sealed=3, unsealed=2, begin=AHEAD)
    sealing.seal()
    for _ in range(3):
        log_rows(clinic, 2)
        assert sealing.seal() == 2
    assert_whole(clinic, 11)
    forged = logged.insert(clinic, created_at=timezone.now() - timedelta(hours=30))
    assert [str(forged) in line for line in wrong(clinic)] == [True]


def test_a_restored_log_without_new_rows_is_looked_through_once(clinic: Clinic) -> None:
    restored(clinic, sealed=2, unsealed=0, begin=AHEAD)
    assert (sealing.seal(), sealing.seal()) == (0, 0)
    assert [(seal.restarted, len(seal.entry_ids)) for seal in logged.seals(clinic)] == [(False, 2), (True, 0)]
    assert_whole(clinic, 2)


def test_numbers_that_come_a_second_time_do_not_mix_old_rows_with_new(clinic: Clinic) -> None:
    restored(clinic, sealed=10, unsealed=10, begin=next_transaction() + 10)
    with slow_transaction() as slow:
        logged.insert(clinic, slow)
        assert sealing.seal() == 10
        for _ in range(10):
            log_rows(clinic, 3)
            assert sealing.seal() == 3
        assert_whole(clinic, 50)
    assert sealing.seal() == 1
    assert_whole(clinic, 51, lost_keys=[1])


def test_many_restored_rows_become_several_seals(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "MOST_ROWS", 3)
    restored(clinic, sealed=4, unsealed=7, begin=AHEAD)
    log_rows(clinic)
    assert sealing.seal() == 8
    assert [seal.restarted for seal in logged.seals(clinic)] == [False, True, True, True]
    log_rows(clinic)
    sealing.seal()
    assert_whole(clinic, 13)
    assert len(verified(clinic)[1]) == 1


def test_sealing_is_the_applications_to_do(clinic: Clinic) -> None:
    log_rows(clinic, 2)
    call_command("grant_application", "listenpost_app", verbosity=0)
    logged.execute("SET ROLE listenpost_app")
    try:
        assert sealing.seal() == 2
        assert_whole(clinic, 2)
    finally:
        logged.execute("RESET ROLE")
