"""Copies of recordings: whole, once, gone on with after whatever happens, and told of when they cannot be."""

from __future__ import annotations

import hashlib
import os
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from access.models import AccessEntry, Clinic
from config import leases
from feed.models import Event
from recordings import archive, downloads, services, tasks
from recordings.models import Recording, RecordingPart
from tests.recordings.conftest import a_recording
from tests.recordings.store import CANARY, Keeper, Store, gone, pending, sound, wav
from vendors.base import VendorError

pytestmark = pytest.mark.django_db
State = Recording.State


def archived(recording: Recording) -> Recording:
    assert archive.archive_due()
    recording.refresh_from_db()
    return recording


def happened(recording: Recording) -> list[str]:
    return list(Event.objects.filter(object_id=recording.pk).order_by("pk").values_list("kind", flat=True))


def test_one_part_is_copied_as_it_is(recording: Recording, store: Store, storage: Path) -> None:
    archived(recording)
    content = store.files["one"]
    (part,) = recording.parts.all()
    sha256 = hashlib.sha256(content).hexdigest()
    assert (storage / part.storage_key).read_bytes() == content
    assert (part.state, part.sha256, part.size, part.number) == ("archived", sha256, len(content), 1)
    assert (recording.state, recording.sha256, recording.size) == (State.ARCHIVED, sha256, len(content))
    assert (recording.duration_ms, recording.part_count, recording.next_attempt_at) == (2000, 1, None)
    assert recording.archived_at is not None
    assert not list(downloads.folder().iterdir())
    assert not archive.archive_due()


def test_it_is_told_and_in_the_access_log(recording: Recording) -> None:
    archived(recording)
    assert happened(recording) == ["recording.available", "recording.archived"]
    entry = AccessEntry.objects.get(object_type="recording")
    assert (entry.action, entry.mode, entry.actor_kind, entry.actor_id) == ("changed", "archived", "worker", "archive")


def test_all_parts_are_copied_in_their_order_and_their_whole_is_one_wav(
    recording: Recording, keeper: Keeper, store: Store
) -> None:
    sounds = {name: sound(1, pitch) for pitch, name in enumerate(["one", "two", "three"], 1)}
    store.files = {name: wav(pcm) for name, pcm in sounds.items()}
    keeper.parts = [(3, "three"), (1, "one"), (2, "two")]
    archived(recording)
    whole = wav(b"".join(sounds.values()))
    assert [part.number for part in recording.parts.all()] == [1, 2, 3]
    assert (recording.size, recording.sha256) == (len(whole), hashlib.sha256(whole).hexdigest())
    assert (recording.part_count, recording.duration_ms) == (3, 3000)


def test_it_asks_for_links_for_saving_once_with_the_clinicians_ref(
    clinic: Clinic, storage: Path, keeper: Keeper
) -> None:
    recording = archived(a_recording(clinic, clinician_ref="dr-7"))
    ((held, download),) = keeper.asked
    assert (held.ref, held.clinician_ref, download) == (recording.vendor_ref, "dr-7", True)


def test_no_token_goes_to_the_store_and_no_head(recording: Recording, store: Store) -> None:
    archived(recording)
    for method, _, headers in store.asked:
        assert method == "GET"
        assert not {"authorization", "sdp_suki_token", "cookie"} & {name.lower() for name in headers}


# --- Breaks
def test_a_line_that_breaks_is_taken_up_where_it_broke(recording: Recording, store: Store) -> None:
    size = len(store.files["one"])
    store.breaks = [30_000, 10_000]
    assert archived(recording).state == State.ARCHIVED
    assert store.ranges == ["", "bytes=30000-", "bytes=40000-"]
    assert store.sent == size
    assert store.asked[1][2]["If-Range"] == store.asked[2][2]["If-Range"]


def test_what_a_dead_worker_left_is_gone_on_with(recording: Recording, store: Store) -> None:
    store.breaks = [30_000] + [0] * 5
    archived(recording)
    assert (recording.state, recording.error_code) == (State.AVAILABLE, "no_answer")
    due(recording)
    store.breaks, store.asked = [], []
    assert archived(recording).state == State.ARCHIVED
    assert store.ranges == ["bytes=30000-"]
    assert recording.sha256 == hashlib.sha256(store.files["one"]).hexdigest()


def test_other_bytes_under_the_same_link_are_begun_with_anew(recording: Recording, store: Store) -> None:
    store.breaks = [30_000] + [0] * 5
    archived(recording)
    store.files["one"], store.breaks = wav(sound(2, pitch=3)), []
    due(recording)
    assert archived(recording).sha256 == hashlib.sha256(store.files["one"]).hexdigest()


def test_a_host_that_knows_no_ranges_is_asked_for_all_of_it_again(recording: Recording, store: Store) -> None:
    store.knows_ranges, store.breaks = False, [30_000]
    assert archived(recording).sha256 == hashlib.sha256(store.files["one"]).hexdigest()


def test_parts_that_are_here_are_not_fetched_again(recording: Recording, keeper: Keeper, store: Store) -> None:
    keeper.parts.append((2, "two"))
    store.files["two"] = wav(sound(1))
    store.answers = [200, 500]
    archived(recording)
    assert (recording.state, recording.error_code) == (State.AVAILABLE, "not_fetched")
    due(recording)
    store.asked.clear()
    assert archived(recording).state == State.ARCHIVED
    assert [path.rpartition("/")[2] for _, path, _ in store.asked] == ["two"]


# --- Links that end
@pytest.mark.parametrize("status", [400, 401, 403, 410])
def test_a_link_that_is_not_taken_is_followed_by_another_once(
    recording: Recording, keeper: Keeper, store: Store, status: int
) -> None:
    store.answers = [status]
    assert archived(recording).state == State.ARCHIVED
    assert len(keeper.asked) == 2


def test_links_that_are_never_taken_end_the_try(recording: Recording, keeper: Keeper, store: Store) -> None:
    store.answers = [403, 403]
    archived(recording)
    assert (recording.state, recording.error_code, len(keeper.asked)) == (State.AVAILABLE, "link_refused", 2)


def test_no_link_is_logged(recording: Recording, store: Store, caplog: pytest.LogCaptureFixture) -> None:
    store.answers = [403, 500]
    with caplog.at_level("DEBUG"):
        archived(recording)
    assert CANARY not in caplog.text
    assert CANARY not in str(Recording.objects.values().get()) + str(list(RecordingPart.objects.values()))


# --- What vendors say
def test_what_is_pending_is_asked_for_again_and_again_less_often(recording: Recording, keeper: Keeper) -> None:
    keeper.errors = [pending() for _ in range(12)]
    pauses = []
    for _ in range(12):
        now = timezone.now()
        archived(recording)
        assert (recording.state, recording.error_code) == (State.PENDING, "recording_pending")
        pauses.append((recording.next_attempt_at - now).total_seconds())  # type: ignore[operator]
        due(recording)
    assert 10 < pauses[0] < 16
    assert all(pause <= 3601 for pause in pauses)
    assert pauses[-1] > 2600
    assert archived(recording).state == State.ARCHIVED


@pytest.mark.parametrize(
    ("left", "pause"), [(160, 24), (47, 23), (24, 18), (20, 14), (6.01, 0.01), (5.99, 4.99), (1.5, 0.5), (0.9, 0.9)]
)
def test_what_stays_pending_is_tried_daily_and_some_times_before_the_end(
    recording: Recording, keeper: Keeper, left: float, pause: float
) -> None:
    keeper.errors = [pending()]
    now = timezone.now()
    Recording.objects.update(attempts=archive.MOST_TRIES - 1, available_until=now + timedelta(hours=left))
    archived(recording)
    assert (recording.state, recording.error_code) == (State.PENDING, "recording_pending")
    waits = (recording.next_attempt_at - now).total_seconds()  # type: ignore[operator]
    assert waits == pytest.approx(3600 * pause, abs=30)


def test_what_is_pending_at_the_very_end_is_lost(recording: Recording, keeper: Keeper) -> None:
    keeper.errors = [pending()]
    over = timezone.now() - timedelta(minutes=1)
    Recording.objects.update(next_attempt_at=over, available_until=over, created_at=over - timedelta(days=7))
    archived(recording)
    assert (recording.state, recording.error_code, recording.next_attempt_at) == (State.LOST, "recording_pending", None)


def test_what_is_gone_is_lost_for_good(recording: Recording, keeper: Keeper) -> None:
    keeper.errors = [gone()]
    archived(recording)
    assert (recording.state, recording.next_attempt_at) == (State.LOST, None)
    assert happened(recording) == ["recording.lost"]
    with pytest.raises(services.NotNow):
        services.archive_now(recording)
    assert (archive.archive_due(), len(keeper.asked)) == (False, 1)


def test_a_vendor_that_cannot_be_asked_is_asked_until_after_the_end(recording: Recording, keeper: Keeper) -> None:
    failure = VendorError("The vendor refused the key.", permanent=True, code="unauthorized")
    keeper.errors = [failure, failure]
    Recording.objects.update(attempts=1000)
    archived(recording)
    assert (recording.state, recording.error_message) == (State.PENDING, "The vendor refused the key.")
    assert recording.next_attempt_at <= timezone.now() + timedelta(hours=1)  # type: ignore[operator]
    over = timezone.now() - timedelta(days=2)
    due(recording, available_until=over, created_at=over - timedelta(days=7))
    assert archived(recording).state == State.LOST


def test_an_answer_without_parts_is_not_the_whole_of_it(recording: Recording, keeper: Keeper) -> None:
    parts, keeper.parts = keeper.parts, []
    assert archived(recording).state == State.PENDING
    keeper.parts = parts
    due(recording)
    assert archived(recording).state == State.ARCHIVED


# --- What is no WAV, or none that tells the truth
NO_WAVS = [b"", b"RIFF", b"<html>expired</html>" * 100, wav(b"")[:30], b"\x1f\x8b" * 5000]


@pytest.mark.parametrize("content", NO_WAVS)
def test_what_is_no_wav_is_shown_and_asked_for_again(recording: Recording, store: Store, content: bytes) -> None:
    right, store.files["one"] = store.files["one"], content
    archived(recording)
    assert (recording.state, recording.error_code) == (State.AVAILABLE, "not_wav")
    assert recording.parts.get().state == RecordingPart.State.UNREADABLE
    store.files["one"] = right
    due(recording)
    assert archived(recording).state == State.ARCHIVED


def test_what_is_no_wav_time_and_again_is_tried_daily(recording: Recording, store: Store) -> None:
    store.files["one"] = b"<html>"
    Recording.objects.update(attempts=archive.MOST_TRIES - 1)
    archived(recording)
    assert timezone.now() + timedelta(hours=23) < recording.next_attempt_at  # type: ignore[operator]
    assert recording.next_attempt_at < timezone.now() + timedelta(hours=25)  # type: ignore[operator]


@pytest.mark.parametrize("said", [0, 10, 40_000, 64_001, 10**9, 0xFFFFFFFF])
def test_of_a_wav_that_lies_about_its_length_all_that_is_there_is_kept(
    recording: Recording, store: Store, said: int
) -> None:
    pcm = sound(2)
    store.files["one"] = wav(pcm, said=said)
    archived(recording)
    honest = wav(pcm)
    assert (recording.duration_ms, recording.size) == (2000, len(honest))
    assert recording.sha256 == hashlib.sha256(honest).hexdigest()


def test_chunks_around_the_sound_are_not_played(recording: Recording, keeper: Keeper, store: Store) -> None:
    pcm, other = sound(1), b"LIST" + (6).to_bytes(4, "little") + b"secret"
    store.files = {"one": wav(pcm, before=other, after=other), "two": wav(pcm)}
    keeper.parts.append((2, "two"))
    assert archived(recording).sha256 == hashlib.sha256(wav(pcm + pcm)).hexdigest()


def test_parts_of_different_kinds_are_kept_each_by_itself(recording: Recording, keeper: Keeper, store: Store) -> None:
    store.files = {"one": wav(sound(1)), "two": wav(sound(1), rate=8000)}
    keeper.parts.append((2, "two"))
    archived(recording)
    assert (recording.state, recording.sha256, recording.duration_ms) == (State.ARCHIVED, "", 3000)
    assert recording.size == sum(map(len, store.files.values()))


@pytest.mark.parametrize("tells_length", [True, False])
def test_more_than_may_be_is_not_kept_and_is_tried_once_a_day(
    recording: Recording, store: Store, settings: Any, tells_length: bool
) -> None:
    settings.RECORDING_MAX_BYTES, store.tells_length = 50_000, tells_length
    store.files["one"] = wav(sound(60))
    archived(recording)
    assert (recording.state, recording.error_code) == (State.AVAILABLE, "too_large")
    assert "RECORDING_MAX_BYTES" in recording.error_message
    assert recording.next_attempt_at > timezone.now() + timedelta(hours=23)  # type: ignore[operator]
    assert recording.next_attempt_at < timezone.now() + timedelta(hours=25)  # type: ignore[operator]
    assert [file.stat().st_size for file in downloads.folder().iterdir()] == [0]
    settings.RECORDING_MAX_BYTES = 10_000_000
    services.archive_now(recording)
    assert archived(recording).state == State.ARCHIVED


def test_what_comes_without_a_length_is_taken_as_it_comes(recording: Recording, store: Store) -> None:
    store.tells_length = False
    assert archived(recording).sha256 == hashlib.sha256(store.files["one"]).hexdigest()


def test_a_storage_that_does_not_take_it_is_tried_again(
    recording: Recording, storage: Path, caplog: pytest.LogCaptureFixture
) -> None:
    storage.mkdir(parents=True)
    (storage / "recordings").write_bytes(b"a file where a folder should be")
    archived(recording)
    assert (recording.state, recording.error_code) == (State.AVAILABLE, "not_stored")
    assert "could not be stored" in caplog.text
    (storage / "recordings").unlink()
    due(recording)
    assert archived(recording).state == State.ARCHIVED


# --- Bells
def test_a_bell_is_for_all_that_is_due(clinic: Clinic, storage: Path, keeper: Keeper) -> None:
    for _ in range(3):
        a_recording(clinic)
    assert archive.is_due()
    tasks.archive()
    assert set(Recording.objects.values_list("state", flat=True)) == {"archived"}
    assert not archive.is_due()


def test_four_at_once_in_a_process_and_links_by_one_thread(recording: Recording, settings: Any) -> None:
    assert settings.CELERY_TASK_ROUTES[tasks.refresh.name]["queue"] == "recordings"
    for task, at_once, most in ((tasks.archive, tasks.copies_at_once, 4), (tasks.refresh, tasks.links_at_once, 1)):
        for _ in range(most):
            assert at_once.acquire(blocking=False)
        task()
        assert archive.is_due()
        for _ in range(most):
            at_once.release()
    tasks.archive()
    assert not archive.is_due()


@pytest.mark.parametrize("state", ["archived", "lost"])
def test_what_another_machine_has_ended_is_not_kept_half_here(recording: Recording, store: Store, state: str) -> None:
    store.breaks = [30_000] + [0] * 5
    archived(recording)
    tasks.archive()
    assert [file.stat().st_size for file in downloads.folder().iterdir()] == [30_000]
    Recording.objects.update(state=state, next_attempt_at=None)
    tasks.archive()
    assert not list(downloads.folder().iterdir())


def test_what_is_left_of_old_copies_goes_away(storage: Path) -> None:
    downloads.folder().mkdir(parents=True)
    old, new = (downloads.folder() / name for name in ("old", "new"))
    for file, days in ((old, 9), (new, 7)):
        file.write_bytes(b"half")
        then = time.time() - days * 24 * 3600
        os.utime(file, (then, then))
    tasks.forget_listenings()
    assert list(downloads.folder().iterdir()) == [new]


# --- Leases
def test_the_most_urgent_is_copied_first(clinic: Clinic, storage: Path, keeper: Keeper) -> None:
    now = timezone.now()
    ends = [now + timedelta(days=days) for days in (5, 1, 3)]
    waits = [now - timedelta(minutes=minutes) for minutes in (3, 1, 2)]
    made = [a_recording(clinic, available_until=end, next_attempt_at=at) for end, at in zip(ends, waits, strict=True)]
    while archive.archive_due():
        pass
    assert [held.ref for held, _ in keeper.asked] == [made[n].vendor_ref for n in (1, 2, 0)]


def test_what_another_worker_holds_is_left_to_it(recording: Recording, keeper: Keeper) -> None:
    (held,) = leases.claim(Recording, lease=timedelta(minutes=1))
    assert not archive.archive_due()
    with pytest.raises(services.NotNow, match="at this moment"):
        services.archive_now(held)
    assert keeper.asked == []


def test_a_worker_that_was_followed_by_another_writes_nothing(recording: Recording) -> None:
    first = archive.claim()
    due(recording)
    second = archive.claim()
    assert first
    assert second
    archive.archive(first)
    recording.refresh_from_db()
    assert recording.state != State.ARCHIVED
    archive.archive(second)
    recording.refresh_from_db()
    assert recording.state == State.ARCHIVED
    assert happened(recording) == ["recording.available", "recording.archived"]


def test_a_copy_that_another_process_writes_is_not_touched(recording: Recording, store: Store) -> None:
    services.there(recording, [])
    part = RecordingPart.objects.create(recording=recording, clinic=recording.clinic, number=1, vendor_ref="part-one")
    with downloads.at_hand(part.pk):
        archived(recording)
    assert (recording.state, recording.error_code, store.asked) == (State.AVAILABLE, "being_copied", [])


def due(recording: Recording, **facts: Any) -> None:
    Recording.objects.filter(pk=recording.pk).update(next_attempt_at=timezone.now(), lease_until=None, **facts)
