"""Recordings at the desk: told in plain words, listened to, and copied at a press."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from access.models import AccessEntry, Clinic
from recordings import archive
from recordings.models import Recording
from recordings.playback import player_of_request
from tests.admin.conftest import member
from tests.admin.rows import list_of, page_of
from tests.factories import AsyncRequestFactory, SubmissionFactory
from tests.recordings.conftest import a_recording
from tests.recordings.store import Keeper, Store, gone, pending, sound, wav

pytestmark = pytest.mark.django_db


@pytest.fixture
def viewer(clinic: Clinic) -> Client:
    return member(clinic, "viewer")


@pytest.fixture
def manager(clinic: Clinic) -> Client:
    return member(clinic, "manager")


def page(desk: Client, recording: Recording) -> str:
    return desk.get(page_of(recording)).content.decode()


def address(recording: Recording, listening: Any = None) -> str:
    return reverse("admin:recordings_recording_play", args=[listening or uuid4(), recording.pk])


def listened() -> list[AccessEntry]:
    return list(AccessEntry.objects.filter(action="listened"))


def played(told: str) -> str:
    """The address that the page's one player plays."""
    (source,) = re.findall('<audio controls preload="none" src="([^"]*)"', told)
    return str(source)


def tried(recording: Recording) -> None:
    assert archive.archive_due()
    recording.refresh_from_db()


# --- Told
def test_what_will_be_lost_and_when_is_told(viewer: Client, recording: Recording) -> None:
    told = page(viewer, recording)
    assert "It was not looked for yet. It waits to be copied, which begins by itself within seconds." in told
    assert "processing" not in told
    assert "The vendor deletes it on" in told
    Recording.objects.update(available_until=timezone.now() + timedelta(hours=20))
    assert "the vendor deletes it, and it is lost unless it is copied before: tell the operator." in page(
        viewer, recording
    )
    listed = viewer.get(list_of("recordings_recording") + "?expiring=yes").content.decode()
    assert str(recording.pk) in listed


def test_why_a_try_failed_is_told(viewer: Client, recording: Recording, keeper: Keeper, store: Store) -> None:
    keeper.errors = [pending()]
    tried(recording)
    assert "The vendor is still processing it, or knows of none. It is tried again by itself at" in page(
        viewer, recording
    )
    store.files["one"] = b"no sound"
    Recording.objects.update(next_attempt_at=timezone.now())
    tried(recording)
    told = page(viewer, recording)
    assert "What the vendor sent as part 1 is not a WAV file." in told
    assert "not a WAV file</span>" in told


def test_what_was_lost_says_what_is_left(viewer: Client, recording: Recording, keeper: Keeper, store: Store) -> None:
    keeper.parts.append((2, "two"))
    store.files["two"], store.answers = wav(sound(1)), [200, 500]
    tried(recording)
    keeper.errors = [gone()]
    Recording.objects.update(next_attempt_at=timezone.now())
    tried(recording)
    told = page(viewer, recording)
    assert "1 of its 2 parts had been copied and are kept." in told
    assert "not copied before" not in told


def test_what_is_copied_is_told(viewer: Client, recording: Recording) -> None:
    tried(recording)
    told = page(viewer, recording)
    assert "A copy of it is kept here." in told
    assert recording.sha256 in told
    assert "0:02" in told


# --- Pressed
def test_archive_now_makes_it_due_at_once(manager: Client, viewer: Client, recording: Recording) -> None:
    later = timezone.now() + timedelta(minutes=50)
    Recording.objects.update(next_attempt_at=later, attempts=9, error_code="no_answer", error_message="No answer.")
    assert ">Try again</button>" in page(manager, recording)
    assert "<button" not in page(viewer, recording).split("lp-story")[1].split("<dl")[0]
    answer = manager.post(page_of(recording, "press"), {"action": "archive_now"}, follow=True)
    assert "It is copied within seconds, if the vendor has it." in answer.content.decode()
    recording.refresh_from_db()
    assert (recording.attempts, recording.next_attempt_at < timezone.now()) == (0, True)  # type: ignore[operator]
    tried(recording)
    assert "archive_now" not in page(manager, recording)


def test_what_is_being_copied_is_not_begun_again(manager: Client, recording: Recording) -> None:
    claimed = archive.claim()
    assert claimed
    assert "It is being copied at this moment." in page(manager, recording)
    manager.post(page_of(recording, "press"), {"action": "archive_now"})
    recording.refresh_from_db()
    assert recording.lease_token == claimed.lease_token


# --- Listened to
@pytest.mark.parametrize("is_copied", [True, False])
def test_a_page_plays_it_and_is_one_listening(
    viewer: Client, recording: Recording, store: Store, is_copied: bool
) -> None:
    if is_copied:
        tried(recording)
    assert recording.state == ("archived" if is_copied else "pending")
    source = played(page(viewer, recording))
    for start in (0, 100, 1000):
        answer = viewer.get(source, headers={"Range": f"bytes={start}-{start + 9}"})
        assert (answer.status_code, answer.getvalue()) == (206, store.files["one"][start : start + 10])
    (entry,) = listened()
    assert (entry.object_type, entry.object_ids, entry.role) == ("recording", [str(recording.pk)], "viewer")


def test_a_head_of_the_player_asks_nothing_of_the_store_but_what_it_must(viewer: Client, recording: Recording) -> None:
    assert viewer.head(address(recording)).status_code == 200
    assert listened() == []


def test_whoever_has_it_already_has_not_listened(viewer: Client, recording: Recording) -> None:
    etag = viewer.head(address(recording))["ETag"]
    for header, given, status in (("If-None-Match", etag, 304), ("If-Match", '"another"', 412)):
        assert viewer.get(address(recording), headers={header: given}).status_code == status
    assert listened() == []


def test_strangers_and_others_listenings(
    viewer: Client, recording: Recording, clinic: Clinic, other_clinic: Clinic
) -> None:
    assert member(other_clinic, "manager").get(address(recording)).status_code == 404
    here = uuid4()
    assert viewer.get(address(recording, here)).status_code == 200
    assert member(clinic, "viewer").get(address(recording, here)).status_code == 404
    assert viewer.get(address(a_recording(clinic), here)).status_code == 404
    assert viewer.post(address(recording)).status_code == 405
    assert len(listened()) == 1


def test_what_cannot_be_played_says_so_by_its_status(viewer: Client, recording: Recording, keeper: Keeper) -> None:
    keeper.errors = [pending(), gone()]
    assert "the vendor may have none yet" in page(viewer, recording)
    assert [viewer.get(address(recording)).status_code for _ in range(3)] == [503, 410, 410]
    assert listened() == []


# --- Part by part
@pytest.fixture
def apart(recording: Recording, keeper: Keeper, store: Store) -> Recording:
    """Of two parts that cannot be one."""
    store.files = {"one": wav(sound(1)), "two": wav(sound(1), rate=8000)}
    keeper.parts.append((2, "two"))
    return recording


@pytest.mark.parametrize("is_copied", [True, False])
def test_parts_of_different_kinds_are_played_each_by_itself(
    viewer: Client, apart: Recording, store: Store, is_copied: bool
) -> None:
    if is_copied:
        tried(apart)
    else:
        assert viewer.get(played(page(viewer, apart))).status_code == 409  # what they are is known from now on
    told = page(viewer, apart)
    assert "Its parts are of different kinds: each is played by itself." in told
    assert [number for number in (1, 2) if f'href="?part={number}"' in told] == [2]
    second = viewer.get(page_of(apart) + "?part=2").content.decode()
    for shown, name in ((told, "one"), (second, "two")):
        assert viewer.get(played(shown)).getvalue() == store.files[name]
    assert len(listened()) == 2


@pytest.mark.parametrize("number", ["3", "0", "-1", "x", "99999999999"])
def test_a_part_that_is_none(viewer: Client, apart: Recording, number: str) -> None:
    tried(apart)
    assert "?part=1" in played(viewer.get(f"{page_of(apart)}?part={number}").content.decode())
    assert viewer.get(f"{address(apart)}?part={number}").status_code == 404
    assert listened() == []


def test_beside_a_note_the_recordings_page_is_named(apart: Recording) -> None:
    tried(apart)
    player = player_of_request(a_request(apart, audio=None, submitted_elsewhere=True))
    assert (player.source, player.recording) == ("", page_of(apart))
    assert "on the recording's own page" in player.problem


# --- Beside a note
def a_request(recording: Recording, **facts: Any) -> Any:
    request = AsyncRequestFactory(session=recording.session, vendor="suki", ready=True, **facts)
    return SubmissionFactory(request=request).request


def test_a_note_whose_audio_was_sent_elsewhere_plays_the_vendors_recording(recording: Recording) -> None:
    request = a_request(recording, audio=None, submitted_elsewhere=True)
    assert f"/{recording.pk}/" in player_of_request(request).source
    tried(recording)
    player = player_of_request(request)
    assert (player.duration_ms, player.content_type) == (2000, "audio/wav")
    assert f"/{recording.pk}/" in player.source


def test_beside_an_uploaded_audio_the_recording_is_a_choice(recording: Recording) -> None:
    request = a_request(recording)
    assert player_of_request(request).recording == page_of(recording)
    assert "/listen/" in player_of_request(request).source
    Recording.objects.update(state="lost")
    assert player_of_request(request).recording == ""
