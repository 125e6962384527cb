"""Whoever removes, changes or inserts a row of the access log is found out, and so is what they touched."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from access import sealing, seals, verification
from access.models import AccessEntry, AccessSeal, Clinic
from access.snapshots import Snapshot
from tests.access import logged
from tests.access.logged import assert_whole, execute, insert, log_rows, slow_transaction, verified, wrong
from tests.factories import ClinicFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def rows(clinic: Clinic) -> list[UUID]:
    """Nine, in three seals."""
    made = []
    for _ in range(3):
        made += log_rows(clinic, 3)
        sealing.seal()
    assert_whole(clinic, 9)
    return made


def assert_found(clinic: Clinic, row: UUID, what: str) -> None:
    """That, and nothing else."""
    found = wrong(clinic)
    assert [line.partition(":")[0] for line in found] == [f"row {row}"]
    assert found[0].startswith(f"row {row}: {what}")


# --- Rows
@pytest.mark.parametrize("place", [0, 4, 8])
def test_a_removed_row_is_named(clinic: Clinic, rows: list[UUID], place: int) -> None:
    execute("DELETE FROM access_accessentry WHERE id = %s", rows[place])
    assert_found(clinic, rows[place], f"removed (seal {place // 3 + 1})")


CHANGES = {
    "clinic_id": "NULL",
    "written_in": "written_in - 1",
    "created_at": "created_at - interval '1 microsecond'",
    "actor_kind": "'nobody'",
    "actor_id": "'2'",
    "role": "'manager'",
    "on_behalf_of": "'user:1'",
    "action": "'linked'",
    "object_type": "'transcript'",
    "object_ids": "ARRAY['x']",
    "mode": "'download'",
    "reason": "'revoked'",
    "times": "2",
    "address": "'192.0.2.1'",
    "request_id": "'x'",
}


@pytest.mark.parametrize("column", CHANGES)
def test_a_changed_row_is_named(clinic: Clinic, rows: list[UUID], column: str) -> None:
    execute(f"UPDATE access_accessentry SET {column} = {CHANGES[column]} WHERE id = %s", rows[4])  # noqa: S608
    assert_found(clinic, rows[4], "changed (seal 2)")


def test_every_column_is_tried() -> None:
    assert {*CHANGES, "id"} == {field.attname for field in AccessEntry._meta.concrete_fields}


def test_a_changed_id_is_one_row_less_and_another_more(clinic: Clinic, rows: list[UUID]) -> None:
    fresh = uuid4()
    execute("UPDATE access_accessentry SET id = %s WHERE id = %s", fresh, rows[4])
    gone, come = wrong(clinic)
    assert gone.startswith(f"row {rows[4]}: removed")
    assert come.startswith(f"row {fresh}: inserted")


def test_object_ids_cannot_be_joined_or_parted(clinic: Clinic) -> None:
    row = insert(clinic, object_ids=["a", "b"])
    sealing.seal()
    execute("UPDATE access_accessentry SET object_ids = ARRAY['a,b']")
    assert_found(clinic, row, "changed")


@pytest.mark.parametrize("time", ["infinity", "-infinity", "4000-01-01 BC", "0001-01-01"])
def test_a_time_that_python_cannot_hold_stops_nothing(clinic: Clinic, rows: list[UUID], time: str) -> None:
    execute("UPDATE access_accessentry SET created_at = %s WHERE id = %s", time, rows[4])
    assert_found(clinic, rows[4], "changed")


@pytest.mark.parametrize("sealed_since", [False, True])
@pytest.mark.parametrize("age", [timedelta(days=30), timedelta(milliseconds=1), None])
def test_a_backdated_row_is_named(clinic: Clinic, rows: list[UUID], sealed_since: bool, age: timedelta | None) -> None:
    last: Any = logged.seals(clinic).last()
    row = insert(clinic, created_at=last.created_at - age if age else "-infinity")
    if sealed_since:
        assert sealing.seal() == 1
    assert_found(clinic, row, "inserted")


@pytest.mark.parametrize("sealed_since", [False, True])
@pytest.mark.parametrize("transaction", ["its own", "1", "of a row", "of the sealer", "of the future", "below zero"])
def test_a_forged_transaction_is_no_way_in(
    clinic: Clinic, rows: list[UUID], sealed_since: bool, transaction: str
) -> None:
    seal: Any = logged.seals(clinic)[1]
    neighbour = AccessEntry.objects.get(pk=rows[4])
    forged = {
        "its own": int(AccessEntry.objects.order_by("-written_in")[0].written_in) + 2,
        "1": 1,
        "of a row": neighbour.written_in,
        "of the sealer": Snapshot.read(logged.seals(clinic)[2].snapshot).xmax - 1,
        "of the future": 2**62,
        "below zero": -1,
    }
    row = insert(clinic, written_in=forged[transaction], created_at=seal.created_at - timedelta(microseconds=1))
    if sealed_since:
        log_rows(clinic)
        sealing.seal()
    assert_found(clinic, row, "inserted")


def test_a_row_in_the_name_of_one_that_runs_is_named(clinic: Clinic, rows: list[UUID]) -> None:
    with slow_transaction() as slow:
        with slow.cursor() as cursor:
            cursor.execute("SELECT pg_current_xact_id()::text::bigint")
            running = cursor.fetchone()[0]
        row = insert(clinic, written_in=running, created_at=timezone.now() - timedelta(days=1))
        assert_found(clinic, row, "inserted")
        assert sealing.seal() == 0
    sealing.seal()
    assert_found(clinic, row, "inserted")


def test_a_row_of_another_clinic_is_missed_there_and_found_here(
    clinic: Clinic, other_clinic: Clinic, rows: list[UUID]
) -> None:
    log_rows(other_clinic)
    sealing.seal()
    execute("UPDATE access_accessentry SET clinic_id = %s WHERE id = %s", other_clinic.pk, rows[0])
    assert_found(clinic, rows[0], "changed")
    assert_found(other_clinic, rows[0], "inserted")


def test_rows_of_no_clinic_are_guarded_too(db: None) -> None:
    first, second = log_rows(None, 2)
    sealing.seal()
    execute("DELETE FROM access_accessentry WHERE id = %s", first)
    execute("UPDATE access_accessentry SET reason = 'x' WHERE id = %s", second)
    assert sorted(line.partition(" (")[0] for line in wrong(None)) == sorted(
        [f"row {first}: removed", f"row {second}: changed"]
    )


def test_honest_rows_after_forged_ones_are_not_blamed(clinic: Clinic, rows: list[UUID]) -> None:
    row = insert(clinic, created_at=timezone.now() - timedelta(days=1))
    log_rows(clinic, 3)
    sealing.seal()
    log_rows(clinic, 2)
    assert_found(clinic, row, "inserted")
    assert verified(clinic)[2].unsealed == 2


def test_a_long_transaction_is_not_blamed(clinic: Clinic, rows: list[UUID]) -> None:
    with slow_transaction() as slow:
        for _ in range(3):
            insert(clinic, slow)
            log_rows(clinic)
            sealing.seal()
        assert wrong(clinic) == []
    assert_whole(clinic, 12, unsealed=3)
    sealing.seal()
    log_rows(clinic)
    sealing.seal()
    assert_whole(clinic, 16)


# --- Seals
def forge_seal(clinic: Clinic, **columns: Any) -> None:
    """As a program of the application's role can: it adds what it likes, and has no key."""
    given: dict[str, Any] = {"id": uuid4(), "clinic_id": clinic.pk, "number": 1, "created_at": timezone.now()}
    given |= {"snapshot": "1:1:", "entry_ids": [], "digests": b"", "previous_mac": b"", "mac": b"\0" * 32}
    given |= {"key_version": 1, "restarted": False} | columns
    places = ", ".join(["%s::uuid[]" if name == "entry_ids" else "%s" for name in given])
    execute(f"INSERT INTO access_accessseal ({', '.join(given)}) VALUES ({places})", *given.values())  # noqa: S608


def remove_seal(number: int) -> None:
    execute("DELETE FROM access_accessseal WHERE number = %s", number)


@pytest.mark.parametrize("number", [1, 2])
def test_a_removed_seal_is_named(clinic: Clinic, rows: list[UUID], number: int) -> None:
    remove_seal(number)
    found = wrong(clinic)
    assert found[0] == f"seal {number}: removed"
    assert {line.partition(":")[0] for line in found[1:]} == {f"row {row}" for row in rows[number * 3 - 3 : number * 3]}


def test_seals_that_closed_ranks_are_named(clinic: Clinic, rows: list[UUID]) -> None:
    remove_seal(2)
    execute("UPDATE access_accessseal SET number = 2 WHERE number = 3")
    assert wrong(clinic)[0] == "seal 2: changed"


SEAL_CHANGES = {
    "number": "number + 1",
    "created_at": "created_at + interval '1 microsecond'",
    "snapshot": "snapshot || '1'",
    "entry_ids": "array_append(entry_ids, gen_random_uuid())",
    "digests": "digests || '\\x00'::bytea",
    "previous_mac": "'\\x00'::bytea",
    "mac": "'\\x00'::bytea",
    "key_version": "9",
    "restarted": "true",
    "clinic_id": "NULL",
}


@pytest.mark.parametrize("column", SEAL_CHANGES)
def test_a_changed_seal_is_named(clinic: Clinic, rows: list[UUID], column: str) -> None:
    execute(f"UPDATE access_accessseal SET {column} = {SEAL_CHANGES[column]} WHERE number = 3")  # noqa: S608
    found = wrong(clinic) + wrong(None)
    assert any(line.startswith(("seal 3: changed", "seal 4: changed", "seal 3: removed")) for line in found)


def test_every_column_of_a_seal_is_tried() -> None:
    assert {*SEAL_CHANGES, "id"} == {field.attname for field in AccessSeal._meta.concrete_fields}


def test_a_row_removed_with_its_place_in_the_seal_is_told_by_the_seal(clinic: Clinic, rows: list[UUID]) -> None:
    execute("DELETE FROM access_accessentry WHERE id = (SELECT entry_ids[1] FROM access_accessseal WHERE number = 2)")
    execute("UPDATE access_accessseal SET entry_ids = entry_ids[2:], digests = substr(digests, 17) WHERE number = 2")
    assert wrong(clinic) == ["seal 2: changed"]


def test_a_cut_tail_is_found_by_a_noted_head(clinic: Clinic, rows: list[UUID]) -> None:
    number, mac = verified(clinic)[2].head or (0, b"")
    assert number == 3
    assert wrong(clinic, heads={number: mac}) == []
    remove_seal(3)
    execute("DELETE FROM access_accessentry WHERE id = ANY(%s)", rows[6:])
    assert wrong(clinic) == []
    assert wrong(clinic, heads={number: mac}) == ["seal 3: removed, though its head was noted"]
    log_rows(clinic)
    sealing.seal()
    assert wrong(clinic, heads={number: mac}) == ["seal 3: is not the one whose head was noted"]


def test_a_cut_through_seals_of_one_snapshot_is_found(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "MOST_ROWS", 2)
    log_rows(clinic, 4)
    sealing.seal()
    remove_seal(2)
    assert len(wrong(clinic)) == 2


# --- False seals: the application's role may add rows
FALSE_SEALS: dict[str, dict[str, Any]] = {
    "no snapshot": {"snapshot": "x"},
    "a snapshot that sees all": {"snapshot": "9000000000:9000000000:"},
    "a key that is none": {"key_version": 255},
    "a key that has never been": {"key_version": 0},
    "a restart that is to come": {"restarted": True, "created_at": "2099-01-01"},
    "a restart of no key": {"restarted": True, "created_at": "2099-01-01", "key_version": 0},
    "the end of time": {"created_at": "infinity"},
    "the last number": {"number": 2**31 - 1},
    "a number to come": {"number": 6},
}


@pytest.mark.parametrize("columns", FALSE_SEALS.values(), ids=list(FALSE_SEALS))
def test_a_false_seal_is_named_and_nothing_else(clinic: Clinic, rows: list[UUID], columns: dict[str, Any]) -> None:
    false = {"number": 4} | columns
    forge_seal(clinic, **false)
    for _ in range(4):
        log_rows(clinic, 2)
        assert sealing.seal() == 2
    log_rows(clinic)
    found, _, run = verified(clinic)
    assert [line.partition(",")[0].partition(": its")[0] for line in found] == [f"seal {false['number']}: changed"]
    assert (run.rows, run.unsealed) == (17, 1)
    last: Any = AccessSeal.objects.filter(clinic=clinic).exclude(number=false["number"]).latest("number")
    assert run.head == (last.number, bytes(last.mac))


def test_the_first_seal_of_a_clinic_may_be_false(clinic: Clinic) -> None:
    forge_seal(clinic, snapshot="9000000000:9000000000:")
    first = log_rows(clinic, 2)
    assert sealing.seal() == 2
    assert wrong(clinic) == ["seal 1: changed"]
    execute("DELETE FROM access_accessentry WHERE id = %s", first[0])
    assert wrong(clinic) == ["seal 1: changed", f"row {first[0]}: removed (seal 2)"]


def test_a_seal_removed_before_a_false_one_is_named(clinic: Clinic, rows: list[UUID]) -> None:
    forge_seal(clinic, number=4)
    log_rows(clinic)
    sealing.seal()
    remove_seal(3)
    assert wrong(clinic)[:2] == ["seal 4: changed", "seal 3: removed"]


def test_a_newer_key_does_not_make_honest_seals_wrong(clinic: Clinic, rows: list[UUID], settings: Any) -> None:
    forge_seal(clinic, number=4, key_version=2)
    log_rows(clinic)
    sealing.seal()
    settings.TICKET_KEYS = settings.TICKET_KEYS | {2: "2" * 40}
    log_rows(clinic)
    sealing.seal()
    assert wrong(clinic) == ["seal 4: changed"]


# --- Keys
UNCHECKED = "seals 1 to 3: cannot be checked, key version 1 is not in TICKET_KEYS"


def test_seals_of_a_key_that_is_gone_cannot_be_checked_and_their_rows_are(
    clinic: Clinic, rows: list[UUID], settings: Any
) -> None:
    settings.TICKET_KEYS = {7: "7" * 40}
    log_rows(clinic)
    sealing.seal()
    assert wrong(clinic) == [UNCHECKED]
    found, notices, run = verified(clinic, lost_keys=[1])
    assert (found, notices, run.rows) == ([], [UNCHECKED], 10)
    execute("DELETE FROM access_accessentry WHERE id = %s", rows[4])
    assert wrong(clinic, lost_keys=[1]) == [f"row {rows[4]}: removed (seal 2)"]


@pytest.mark.parametrize("version", [0, 6, 200])
def test_a_changed_row_cannot_hide_behind_a_key_that_never_was(
    clinic: Clinic, rows: list[UUID], settings: Any, version: int
) -> None:
    """Its digest is made anew, as anybody can, and its seal is said to be of a key that nobody holds."""
    settings.TICKET_KEYS = settings.TICKET_KEYS | {7: "7" * 40}
    execute("UPDATE access_accessentry SET action = 'signed_out' WHERE id = %s", rows[0])
    changed = next(row for row in seals.read(AccessEntry.objects.filter(pk=rows[0])))
    first = AccessSeal.objects.get(clinic=clinic, number=1)
    digests = b"".join([changed.digest, bytes(first.digests)[seals.DIGEST_BYTES :]])
    AccessSeal.objects.filter(pk=first.pk).update(digests=digests, key_version=version)
    found = wrong(clinic)
    assert [line for line in found if line.startswith("seal 1: ")]


def test_another_key_of_the_same_version_is_found(clinic: Clinic, rows: list[UUID], settings: Any) -> None:
    settings.TICKET_KEYS = {1: "another key, of forty characters or more"}
    assert [line for line in wrong(clinic) if "changed" in line] == [f"seal {number}: changed" for number in (1, 2, 3)]


def test_a_seal_cannot_hide_behind_a_key_that_is_gone(clinic: Clinic, rows: list[UUID], settings: Any) -> None:
    settings.TICKET_KEYS = settings.TICKET_KEYS | {5: "5" * 40}
    for _ in range(2):
        log_rows(clinic)
        sealing.seal()
    execute("UPDATE access_accessseal SET key_version = 3 WHERE number = 5")
    assert wrong(clinic) == ["seal 5: changed: its key version does not fit into its place"]


# --- The command
def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    capsys.readouterr()
    call_command("verify_access_log", *arguments)
    return capsys.readouterr().out.splitlines()


def test_the_command_says_what_it_checked(clinic: Clinic, rows: list[UUID], capsys: pytest.CaptureFixture[str]) -> None:
    log_rows(clinic)
    log_rows(None)
    first, second = run(capsys)
    assert re.fullmatch(r"no\.clinic: 0 rows in 0 seals checked, 1 rows not sealed yet\. Head: none", first)
    assert re.fullmatch(
        r"harbour: 9 rows in 3 seals checked, 1 rows not sealed yet\. Head: harbour=3:[0-9a-f]{64}", second
    )
    assert "10 rows in 4 seals" in run(capsys, "--seal", "--clinic", "harbour")[0]
    assert "1 rows in 1 seals" in run(capsys, "--clinic", "no.clinic")[0]


def test_the_command_takes_the_head_that_it_printed(
    clinic: Clinic, rows: list[UUID], capsys: pytest.CaptureFixture[str]
) -> None:
    head = run(capsys, "--clinic", "harbour")[0].rpartition(" ")[2]
    log_rows(clinic)
    run(capsys, "--seal", "--head", head)
    remove_seal(4)
    remove_seal(3)
    with pytest.raises(CommandError, match="wrong"):
        run(capsys, "--head", head)
    assert "harbour: seal 3: removed, though its head was noted" in capsys.readouterr().out


def test_the_command_ends_with_1_when_something_is_wrong(
    clinic: Clinic, rows: list[UUID], capsys: pytest.CaptureFixture[str]
) -> None:
    ClinicFactory(slug="aft")
    execute("DELETE FROM access_accessentry WHERE id = %s", rows[4])
    with pytest.raises(CommandError, match="1 thing is wrong") as error:
        call_command("verify_access_log")
    assert error.value.returncode == 1
    assert f"harbour: row {rows[4]}: removed (seal 2)" in capsys.readouterr().out


@pytest.mark.parametrize("head", ["harbour=3", "nowhere=1:" + "0" * 64, "harbour=0:" + "0" * 64, "harbour=1:00"])
def test_the_command_refuses_what_is_no_head(clinic: Clinic, head: str) -> None:
    with pytest.raises(CommandError, match="--head takes"):
        call_command("verify_access_log", "--head", head)


def test_the_command_refuses_an_unknown_clinic(clinic: Clinic) -> None:
    with pytest.raises(CommandError, match="nowhere"):
        call_command("verify_access_log", "--clinic", "nowhere")


def test_a_long_log_is_read_in_pieces(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch, django_assert_max_num_queries: Any
) -> None:
    monkeypatch.setattr(verification, "MOST_ROWS", 4)
    monkeypatch.setattr(sealing, "MOST_ROWS", 2)
    log_rows(clinic, 20)
    sealing.seal()
    told: list[int] = []
    with django_assert_max_num_queries(12):
        assert wrong(clinic, progress=told.append) == []
    assert told == [4, 8, 12, 16, 20]


def test_rows_in_no_seal_are_found_by_a_hash_and_not_by_loops(clinic: Clinic, rows: list[UUID]) -> None:
    from access import seals

    with connection.cursor() as cursor:
        cursor.execute("SET enable_nestloop = off")
        plan = seals.in_no_seal(clinic.pk).explain()
        cursor.execute("RESET enable_nestloop")
    assert "Hash" in plan or "Merge" in plan
    assert "SubPlan" not in plan
