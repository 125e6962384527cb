"""Callbacks that rest are processed again: which of them, in what steps, and with what record."""

from __future__ import annotations

import json
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from access import log
from access.models import AccessEntry, Clinic
from config import leases
from config.ids import first_id
from ingest import processing, replays
from ingest.management.commands import replay_callbacks
from ingest.models import Callback, Replay
from notes.models import Note
from tests.factories import CallbackFactory, OrphanFactory, ReplayFactory

pytestmark = pytest.mark.django_db
BODY = json.dumps({"transcript": [], "note": {"title": "", "sections": []}}).encode()
NABLA = ["replay_callbacks", "--vendor", "nabla", "--since", "2h"]


def resting(clinic: Clinic, number: int = 1, **fields: Any) -> list[Callback]:
    """Callbacks that could not be processed, with a body that can be."""
    facts: dict[str, Any] = {"clinic": clinic, "body": BODY, "state": "failed", "attempts": 7, "problem": "It failed."}
    rows = OrphanFactory.build_batch(number, **facts | {"processed_at": timezone.now()} | fields)
    return Callback.objects.bulk_create(rows)


def received(moment: datetime) -> Any:
    """The id of a callback that came then."""
    return first_id(moment)


def replay(clinic: Clinic, **chosen: Any) -> list[Replay]:
    return list(replays.replay(clinic.pk, Callback.objects.filter(**chosen), "failed", log.command()))[-1:]


def states(*rows: Callback) -> list[str]:
    now = dict(Callback.objects.values_list("pk", "state"))
    return [now[row.pk] for row in rows]


def run(capsys: Any, *arguments: str) -> tuple[list[str], list[str]]:
    """The lines on standard output and on standard error."""
    capsys.readouterr()
    call_command(*arguments)
    said = capsys.readouterr()
    return said.out.splitlines(), said.err.splitlines()


def logged() -> list[tuple[str, set[str]]]:
    entries = AccessEntry.objects.filter(action="changed", object_type="callback", mode="replayed").order_by("pk")
    return [(entry.actor_kind, set(entry.object_ids)) for entry in entries]


# --- Which, and what becomes of them
@pytest.mark.parametrize("state", ["stored", "failed", "junk", "mismatch", "not_applied", "orphan", "notice"])
def test_what_was_not_applied_is_processed_again(clinic: Clinic, state: str) -> None:
    asked = {"submission__request__waiting": True, "submission__request__session__clinic": clinic}
    tried = {"body": BODY, "state": state, "attempts": 7, "problem": "Something."}
    row = CallbackFactory(submission__state="waiting", **asked, **tried)
    (made,) = replay(clinic)
    row.refresh_from_db()
    assert (row.state, row.attempts, row.problem, row.processed_at, row.replay) == ("stored", 0, "", None, made)
    processing.process_due()
    assert states(row) == ["applied"]
    assert Note.objects.count() == 1
    assert replays.by_state([made.pk]) == {"applied": 1}


@pytest.mark.parametrize("state", ["applied", "duplicate", "conflict"])
def test_what_was_applied_is_left_alone(clinic: Clinic, state: str) -> None:
    (row,) = resting(clinic, state=state)
    assert replay(clinic) == []
    assert states(row) == [state]
    assert not Replay.objects.exists()
    assert not logged()


def test_one_whose_body_is_no_longer_kept_is_left_alone(clinic: Clinic) -> None:
    resting(clinic)
    Callback.objects.update(body=None)
    assert replay(clinic) == []


def test_one_that_a_worker_holds_is_left_to_it_until_its_lease_ends(clinic: Clinic) -> None:
    (row,) = resting(clinic, state="stored", next_attempt_at=timezone.now())
    (claimed,) = leases.claim(Callback, lease=timedelta(seconds=30))
    assert replay(clinic) == []
    Callback.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert replay(clinic)
    row.refresh_from_db()
    assert claimed.lease_token
    assert row.lease_token is None


def test_only_the_chosen_ones_of_the_clinic(clinic: Clinic, other_clinic: Clinic) -> None:
    (mine, junk), (theirs,) = resting(clinic, 2), resting(other_clinic)
    Callback.objects.filter(pk=junk.pk).update(state="junk")
    (made,) = replay(clinic, state="failed")
    assert states(mine, junk, theirs) == ["stored", "junk", "failed"]
    assert (made.clinic_id, made.total, made.chosen) == (clinic.pk, 1, "failed")
    assert made.asked_by == str(log.command())


def test_a_callback_is_in_no_replay_of_another_clinic(clinic: Clinic, other_clinic: Clinic) -> None:
    (row,), theirs = resting(clinic), ReplayFactory(clinic=other_clinic)
    with pytest.raises(IntegrityError, match="clinic"), transaction.atomic():
        Callback.objects.filter(pk=row.pk).update(replay=theirs)


# --- In what steps
def test_thousands_take_few_statements_and_no_body_is_read(clinic: Clinic) -> None:
    rows = resting(clinic, 3000)
    with CaptureQueriesContext(connection) as queries:
        steps = replays.replay(clinic.pk, Callback.objects.defer("body"), "failed", log.command())
        assert [made.total for made in steps] == [1000, 2000, 3000]
    assert len(queries) <= 4 * 6 + 3  # four a chunk and their savepoint, and a look that finds nothing more
    read = [query["sql"].partition(" FROM ")[0] for query in queries if query["sql"].startswith("SELECT")]
    assert read
    assert not [sql for sql in read if '"body"' in sql]
    assert Replay.objects.get().total == 3000
    assert [len(ids) for _, ids in logged()] == [1000, 1000, 1000]
    assert set().union(*(ids for _, ids in logged())) == {str(row.pk) for row in rows}


def test_one_that_fails_again_meanwhile_is_not_taken_twice(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replays, "CHUNK", 2)
    resting(clinic, 3)
    steps = replays.replay(clinic.pk, Callback.objects.all(), "failed", log.command())
    next(steps)
    Callback.objects.filter(state="stored").update(state="failed", **leases.finished())
    assert [made.total for made in steps] == [3]


def test_a_second_replay_takes_over_what_the_first_could_not_do(clinic: Clinic) -> None:
    rows = resting(clinic, 2)
    (first,) = replay(clinic)
    Callback.objects.filter(pk=rows[0].pk).update(state="failed", **leases.finished())
    (second,) = replay(clinic, state="failed")
    assert replays.by_state([first.pk]) == replays.by_state([second.pk]) == {"stored": 1}
    waiting = dict(replays.with_waiting(Replay.objects.all()).values_list("pk", "waiting"))
    assert waiting == {first.pk: 1, second.pk: 1}


# --- The command
def test_it_says_how_far_it_is_and_leaves_a_record(
    clinic: Clinic, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replays, "CHUNK", 2)
    rows = resting(clinic, 3)
    out, err = run(capsys, *NABLA)
    assert out == []
    assert err[0].startswith("nabla, failed, since ")
    assert err[1:] == ["2 of 3 are due again.", "3 of 3 are due again."]
    assert set(states(*rows)) == {"stored"}
    assert [kind for kind, _ in logged()] == ["command", "command"]
    assert Replay.objects.get().total == 3


def test_a_dry_run_counts_by_clinic_and_state_and_changes_nothing(
    clinic: Clinic, other_clinic: Clinic, capsys: Any
) -> None:
    resting(clinic, 2)
    resting(clinic, 1, state="junk")
    resting(other_clinic, 3)
    before = list(Callback.objects.order_by("pk").values())
    out, _ = run(capsys, *NABLA, "--state", "junk", "--state", "failed", "--dry-run")
    assert sorted(out[:-1]) == ["harbour: 2 failed, 1 junk", "hill: 3 failed"]
    assert out[-1] == "6 would be processed again. Nothing was changed."
    assert list(Callback.objects.order_by("pk").values()) == before
    assert not Replay.objects.exists()
    assert not logged()


def test_of_one_clinic_when_it_is_named_and_of_each_by_itself_else(
    clinic: Clinic, other_clinic: Clinic, capsys: Any
) -> None:
    (mine,), (theirs,) = resting(clinic), resting(other_clinic)
    run(capsys, *NABLA, "--clinic", "harbour")
    assert states(mine, theirs) == ["stored", "failed"]
    Callback.objects.filter(pk=mine.pk).update(state="failed", **leases.finished())
    run(capsys, *NABLA)
    assert states(mine, theirs) == ["stored", "stored"]
    assert Replay.objects.filter(clinic=clinic).count() == 2
    assert Replay.objects.filter(clinic=other_clinic, total=1).count() == 1


def test_other_vendors_older_callbacks_and_other_states_are_left_alone(clinic: Clinic, capsys: Any) -> None:
    now = timezone.now()
    (wanted,) = resting(clinic, pk=received(now - timedelta(minutes=119)))
    (old,) = resting(clinic, pk=received(now - timedelta(minutes=121)))
    (suki,), (junk,) = resting(clinic, vendor="suki"), resting(clinic, state="junk")
    run(capsys, *NABLA)
    assert states(wanted, old, suki, junk) == ["stored", "failed", "failed", "junk"]


def test_a_time_without_an_offset_is_by_the_clinics_clocks(clinic: Clinic, capsys: Any) -> None:
    Clinic.objects.filter(pk=clinic.pk).update(time_zone="Asia/Tokyo")
    (at_eight,) = resting(clinic, pk=received(datetime(2026, 3, 4, 8, 0, tzinfo=UTC)))
    since = ["replay_callbacks", "--vendor", "nabla", "--since"]
    for text, number in [("2026-03-04T17:01", 0), ("2026-03-04T17:00", 1), ("2026-03-04T08:00:00Z", 1)]:
        out, _ = run(capsys, *since, text, "--clinic", "harbour", "--dry-run")
        assert out[-1].startswith(f"{number} would")
    for text, number in [("2026-03-04T08:01", 0), ("2026-03-04T08:00", 1), ("2026-03-04", 1)]:
        out, _ = run(capsys, *since, text, "--dry-run")
        assert out[-1].startswith(f"{number} would")
    run(capsys, *since, "2026-03-04T08:00Z")
    assert states(at_eight) == ["stored"]
    assert Replay.objects.get().chosen == "nabla, failed, since 2026-03-04 17:00"


class Broken:
    """A terminal at which somebody presses Ctrl-C after so many lines."""

    def __init__(self, lines: int) -> None:
        self.lines = lines

    def write(self, text: str) -> None:
        self.lines -= 1
        if self.lines == 0:
            raise KeyboardInterrupt


def test_broken_off_in_the_middle_it_goes_on_with_the_rest(
    clinic: Clinic, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replays, "CHUNK", 2)
    rows = resting(clinic, 5)
    with pytest.raises(CommandError, match="run it again for the rest"):
        call_command(*NABLA, stderr=Broken(lines=2))
    assert states(*rows) == ["stored", "stored", "failed", "failed", "failed"]
    processing.process_due()
    _, err = run(capsys, *NABLA)
    assert err[1:] == ["2 of 3 are due again.", "3 of 3 are due again."]
    assert states(*rows) == ["orphan", "orphan", "stored", "stored", "stored"]
    assert sorted(Replay.objects.values_list("total", flat=True)) == [2, 3]
    _, err = run(capsys, *NABLA)
    assert err[1:] == ["There is nothing to process again."]


@pytest.mark.django_db(transaction=True)
def test_it_follows_the_workers_until_they_are_through(
    clinic: Clinic, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay_callbacks, "LOOK_SECONDS", 0.05)
    resting(clinic, 3)
    resting(clinic, 1, body=b"no answer")
    worker = threading.Thread(target=work_once_asked)
    worker.start()
    try:
        _, err = run(capsys, *NABLA, "--wait")
    finally:
        worker.join()
    assert err[1] == "4 of 4 are due again."
    assert err[-2:] == ["4 of 4 are processed.", "1 junk, 3 orphan."]


def work_once_asked() -> None:
    try:
        while not Replay.objects.exists():
            time.sleep(0.01)
        processing.process_due()
    finally:
        connection.close()


REFUSED = [
    (["--vendor", "acme", "--since", "2h"], "There is no vendor 'acme'. Known: dragon, nabla"),
    (["--vendor", "nabla", "--since", "2h", "--state", "applied"], "'applied' is no state to process again from"),
    (["--vendor", "nabla", "--since", "tomorrow"], "--since takes 30m, 2h or 3d ago, or a time such as"),
    (["--vendor", "nabla", "--since", "2999-01-01T00:00Z"], "--since takes a time of the past"),
    (["--vendor", "nabla", "--since", "0001-01-01T00:00+14:00"], "--since takes a time of the past"),
    (["--vendor", "nabla", "--since", "-2h"], "since"),
    (["--vendor", "nabla", "--since", "2h", "--clinic", "nowhere"], "There is no clinic 'nowhere'"),
    (["--vendor", "nabla"], "--since"),
]


@pytest.mark.parametrize(("arguments", "because"), REFUSED)
def test_what_cannot_be_is_refused_in_one_line(clinic: Clinic, arguments: list[str], because: str) -> None:
    resting(clinic)
    with pytest.raises(CommandError, match=because) as refusal:
        call_command("replay_callbacks", *arguments)
    assert "\n" not in str(refusal.value)
    assert not Replay.objects.exists()
