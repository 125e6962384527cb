"""Workers that are killed while they copy, and workers that copy side by side: real processes on one database."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connections
from django.utils import timezone

from access.models import AccessEntry, Clinic
from feed.models import Event
from recordings import archive, downloads, rate
from recordings.models import Recording
from tests.recordings.conftest import a_recording
from tests.recordings.store import Keeper, Store, sound, wav

pytestmark = pytest.mark.django_db(transaction=True)
# The children are to know the vendor that this test has registered.
processes = multiprocessing.get_context("fork")


@pytest.fixture(autouse=True)
def links_of_children(store: Store) -> None:
    store.takes_all = True


def worker(until: Callable[[], bool] = lambda: not archive.archive_due()) -> multiprocessing.Process:
    def run() -> None:
        for connection in connections.all():
            connection.connection = None  # the parent's
        rate._script.cache_clear()
        while not until():
            pass
        os._exit(0)

    connections.close_all()
    process = processes.Process(target=run)
    process.start()
    return process  # type: ignore[return-value]


def wait_for(true: Callable[[], bool]) -> None:
    ends = time.monotonic() + 20
    while not true():
        assert time.monotonic() < ends
        time.sleep(0.01)


def local() -> list[Path]:
    return list(downloads.folder().glob("*"))


def test_what_a_killed_worker_had_is_gone_on_with_by_another(recording: Recording, store: Store) -> None:
    store.files["one"], store.slowly = wav(sound(60)), 0.05
    size = len(store.files["one"])
    process = worker()
    wait_for(lambda: bool(local()) and local()[0].stat().st_size > size / 4)
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join()
    (copy,) = local()
    kept = copy.stat().st_size
    assert 0 < kept < size
    recording.refresh_from_db()
    assert recording.lease_until > timezone.now()  # type: ignore[operator]
    assert not archive.archive_due()

    Recording.objects.update(next_attempt_at=timezone.now())  # as it is once the lease has ended
    store.slowly, store.asked = 0, []
    assert archive.archive_due()
    recording.refresh_from_db()
    assert (recording.state, recording.sha256) == ("archived", hashlib.sha256(store.files["one"]).hexdigest())
    assert store.ranges == [f"bytes={kept}-"]


def test_many_workers_make_one_copy_of_each(clinic: Clinic, storage: Path, keeper: Keeper, store: Store) -> None:
    recordings = [a_recording(clinic) for _ in range(12)]
    store.files["one"] = wav(sound(5))
    workers = [worker() for _ in range(4)]
    for process in workers:
        process.join(60)
        assert process.exitcode == 0
    assert Recording.objects.filter(state="archived").count() == 12
    assert Event.objects.filter(kind="recording.archived").count() == 12
    assert AccessEntry.objects.filter(mode="archived").count() == 12
    stored = [file for file in (storage / "recordings").rglob("*") if file.is_file()]
    assert len(stored) == 12
    assert len(store.asked) == 12
    assert {file.parent.name for file in stored} == {str(recording.pk) for recording in recordings}
    assert local() == []
