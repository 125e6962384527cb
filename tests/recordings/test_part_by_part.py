"""One part that cannot be had costs no other; and what is audio is kept, whatever its kind."""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from access.models import Clinic
from recordings import archive, downloads
from recordings.models import Recording, RecordingPart
from tests.admin.conftest import member
from tests.admin.rows import page_of
from tests.recordings.store import Keeper, Store, sound, wav
from tests.rest.api import Api, assert_problem
from vendors.base import VendorError

pytestmark = pytest.mark.django_db
ADPCM = (
    b"RIFF\0\0\0\0WAVEfmt "
    + struct.pack("<IHHIIHH", 16, 0x11, 1, 16_000, 8000, 256, 4)
    + b"data"
    + struct.pack("<I", 256)
    + bytes(256)
)
RF64 = b"RF64\xff\xff\xff\xffWAVEds64" + struct.pack("<I", 28) + bytes(28) + wav(sound(1))[12:]
NOT_PCM = {"RF64": RF64, "ADPCM": ADPCM, "FLAC": b"fLaC" + bytes(500), "M4A": b"\0\0\0\x20ftypM4A " + bytes(500)}


def tried(recording: Recording) -> Recording:
    Recording.objects.filter(pk=recording.pk).update(next_attempt_at=timezone.now(), lease_until=None)
    assert archive.archive_due()
    recording.refresh_from_db()
    return recording


def states(recording: Recording) -> list[str]:
    return list(recording.parts.values_list("state", flat=True))


def fetched(store: Store, name: str) -> int:
    return sum(path.endswith(f"/{name}") for _, path, _ in store.asked)


@pytest.fixture
def three(recording: Recording, keeper: Keeper, store: Store) -> Recording:
    store.files = {name: wav(sound(1, pitch)) for pitch, name in enumerate(["one", "two", "three"], 1)}
    keeper.parts = [(1, "one"), (2, "two"), (3, "three")]
    return recording


def test_a_part_that_is_no_audio_keeps_no_other_from_being_copied(api: Api, three: Recording, store: Store) -> None:
    right, store.files["one"] = store.files["one"], b"<html>not found</html>"
    assert tried(three).error_code == "not_wav"
    assert states(three) == ["unreadable", "archived", "archived"]
    for number, name in ((2, "two"), (3, "three")):
        assert api.get(f"recordings/{three.pk}/parts/{number}/audio").getvalue() == store.files[name]
    store.files["one"] = right
    assert tried(three).state == "archived"
    assert [fetched(store, name) for name in ("two", "three")] == [1, 1]


def test_what_more_tries_may_change_is_tried_again_soon(three: Recording, store: Store) -> None:
    store.files["one"] = b"<html>"
    Recording.objects.update(attempts=archive.MOST_TRIES)
    store.answers = [200, 500]
    assert tried(three).error_code == "not_fetched"
    assert three.next_attempt_at < timezone.now() + archive.DAILY / 2  # type: ignore[operator]


@pytest.mark.parametrize("kind", NOT_PCM)
def test_audio_of_another_kind_is_kept_as_it_came(
    api: Api, recording: Recording, store: Store, storage: Path, kind: str
) -> None:
    store.files["one"] = NOT_PCM[kind]
    assert tried(recording).state == "archived"
    assert recording.sha256 == hashlib.sha256(NOT_PCM[kind]).hexdigest()
    assert (storage / recording.parts.get().storage_key).read_bytes() == NOT_PCM[kind]
    assert api.get(f"recordings/{recording.pk}/audio").getvalue() == NOT_PCM[kind]


@pytest.mark.parametrize("is_copied", [True, False])
def test_it_is_joined_with_nothing(
    api: Api, clinic: Clinic, recording: Recording, keeper: Keeper, store: Store, is_copied: bool
) -> None:
    store.files = {"one": RF64, "two": RF64}
    keeper.parts.append((2, "two"))
    if is_copied:
        assert tried(recording).state == "archived"
    assert_problem(api.get(f"recordings/{recording.pk}/audio"), 409)
    recording.refresh_from_db()
    assert api.get(f"recordings/{recording.pk}/parts/2/audio").getvalue() == RF64
    told = member(clinic, "viewer").get(page_of(recording)).content.decode()
    assert "Its parts are of different kinds: each is played by itself." in told


def test_what_came_complete_and_is_no_audio_is_not_fetched_again(recording: Recording, store: Store) -> None:
    right, store.files["one"] = store.files["one"], b"<html>" * 10_000
    tried(recording)
    sent = store.sent
    assert (tried(recording).error_code, store.sent) == ("not_wav", sent)
    store.files["one"] = right
    assert tried(recording).sha256 == hashlib.sha256(right).hexdigest()


def test_what_fails_here_is_not_called_the_storages_fault(
    three: Recording, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    downloads.folder().parent.mkdir(parents=True)
    downloads.folder().write_bytes(b"a file where a folder should be")
    tried(three)
    assert (three.error_code, three.error_message) == ("failed_here", "It failed here. Tell the operator.")
    assert "could not be stored" in caplog.text
    downloads.folder().unlink()
    assert tried(three).state == "archived"


# --- What the vendor names
def test_parts_of_an_earlier_answer_are_not_joined_with_those_of_the_latest(
    api: Api, recording: Recording, keeper: Keeper, store: Store
) -> None:
    store.files = {"one": wav(sound(1)), "two": wav(sound(1, 3)), "merged": wav(sound(1) + sound(1, 3))}
    keeper.parts, store.answers = [(1, "one"), (2, "two")], [200, 500]
    tried(recording)
    keeper.parts = [(1, "merged")]
    tried(recording)
    assert (recording.state, recording.duration_ms, recording.part_count) == ("archived", 2000, 1)
    assert recording.sha256 == hashlib.sha256(store.files["merged"]).hexdigest()
    for path in ("audio", "parts/1/audio"):
        assert api.get(f"recordings/{recording.pk}/{path}").getvalue() == store.files["merged"]
    assert len(api.post(f"recordings/{recording.pk}/link").json()["recordings"]) == 1


def test_a_part_that_is_named_again_is_not_fetched_again(recording: Recording, keeper: Keeper, store: Store) -> None:
    store.files["two"], store.files["three"] = wav(sound(1)), b""
    keeper.parts = [(1, "one"), (2, "three")]
    tried(recording)
    keeper.parts = [(1, "two"), (2, "three")]
    tried(recording)
    keeper.parts = [(1, "one"), (2, "two")]
    assert tried(recording).duration_ms == 3000
    assert [fetched(store, name) for name in ("one", "two")] == [1, 1]
    assert set(recording.parts.filter(is_named=True).values_list("vendor_ref", flat=True)) == {"part-one", "part-two"}


def test_who_plays_one_part_looks_at_that_part_alone(
    api: Api, recording: Recording, keeper: Keeper, store: Store
) -> None:
    keeper.parts = [(number, f"p{number}") for number in range(60)]
    store.files = {f"p{number}": wav(sound(0.1)) for number in range(60)}
    store.files["p3"] = b"<html>"
    headers = {"Range": "bytes=0-9"}
    answer = api.get(f"recordings/{recording.pk}/parts/7/audio", headers=headers)
    assert (answer.status_code, answer.getvalue()) == (206, store.files["p7"][:10])
    assert (fetched(store, "p7"), len(store.asked)) == (2, 2)
    api.get(f"recordings/{recording.pk}/parts/7/audio", headers=headers)
    assert len(store.asked) == 3


# --- All is here, and yet not finished
def all_here(recording: Recording, storage: Path) -> None:
    """A worker ended between the last part and what they are together."""
    archive.archive_due()
    recording.refresh_from_db()
    assert recording.state == "archived"
    facts: dict[str, Any] = {"size": None, "sha256": "", "duration_ms": None, "archived_at": None}
    Recording.objects.update(state="available", next_attempt_at=timezone.now(), **facts)


@pytest.mark.parametrize("code", ["recording_gone", "recording_pending"])
def test_what_is_all_here_is_finished_though_the_vendor_has_it_no_more(
    api: Api, three: Recording, keeper: Keeper, storage: Path, code: str
) -> None:
    all_here(three, storage)
    past = timezone.now() - 3 * archive.GRACE
    Recording.objects.update(available_until=past, created_at=past)
    keeper.errors = [VendorError("No.", permanent=True, code=code)] * 2
    assert api.get(f"recordings/{three.pk}/audio").status_code == 200
    assert_problem(api.post(f"recordings/{three.pk}/link"), 410 if code == "recording_gone" else 404)
    assert Recording.objects.get().state == "available"
    assert tried(three).state == "archived"
    assert three.duration_ms == 3000
    assert RecordingPart.objects.count() == 3
