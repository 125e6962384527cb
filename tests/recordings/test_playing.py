"""Playing recordings over REST: all of it or a range, from the copy and from the vendor's links alike."""

from __future__ import annotations

import time
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import RequestFactory
from django.utils import timezone

from access.models import AccessEntry, Clinic
from config.files import StoredResponse
from recordings import afar, archive, playing
from recordings.models import Links, Recording
from tests.recordings.conftest import a_recording
from tests.recordings.store import CANARY, Keeper, Store, gone, pending, sound, wav
from tests.rest.api import Api, a_key, assert_problem
from vendors.base import VendorError

pytestmark = pytest.mark.django_db
SOUNDS = [sound(1, 1), sound(1, 3), sound(1, 5)]
WHOLE = wav(b"".join(SOUNDS))
FIRST_SEAM = 44 + len(SOUNDS[0])


@pytest.fixture
def three(recording: Recording, keeper: Keeper, store: Store) -> Recording:
    """In three parts, which differ in what stands around their sound."""
    other = b"LIST" + (4).to_bytes(4, "little") + b"made"
    files = {"one": wav(SOUNDS[0]), "two": wav(SOUNDS[1], before=other), "three": wav(SOUNDS[2], said=7)}
    store.files = files
    keeper.parts = [(2, "two"), (3, "three"), (1, "one")]
    return recording


@pytest.fixture(params=["copied", "at the vendor", "half copied"])
def playable(request: pytest.FixtureRequest, three: Recording, store: Store) -> Recording:
    if request.param == "copied":
        assert archive.archive_due()
    if request.param == "half copied":
        store.answers = [200, 500]
        assert archive.archive_due()
    three.refresh_from_db()
    return three


def audio(api: Api, recording: Recording, *, part: int | None = None, **headers: str) -> Any:
    which = f"parts/{part}/audio" if part else "audio"
    return api.get(f"recordings/{recording.pk}/{which}", headers={"Accept": "audio/*", **headers})


def listened() -> int:
    return AccessEntry.objects.filter(action="listened", object_type="recording").count()


def test_who_takes_bytes_alone_gets_them_as_such(api: Api, three: Recording) -> None:
    assert archive.archive_due()
    response = audio(api, three, Accept="application/octet-stream", Range="bytes=0-3")
    assert (response.status_code, response["Content-Type"]) == (206, "application/octet-stream")
    assert b"".join(response.streaming_content) == b"RIFF"


RANGES = [
    ("bytes=0-", WHOLE),
    ("bytes=0-0", WHOLE[:1]),
    ("bytes=0-43", WHOLE[:44]),
    ("bytes=40-50", WHOLE[40:51]),
    (f"bytes={FIRST_SEAM - 3}-{FIRST_SEAM + 2}", WHOLE[FIRST_SEAM - 3 : FIRST_SEAM + 3]),
    (f"bytes={FIRST_SEAM}-", WHOLE[FIRST_SEAM:]),
    (f"bytes=10-{len(WHOLE) - 10}", WHOLE[10 : len(WHOLE) - 9]),
    ("bytes=-5", WHOLE[-5:]),
    ("bytes=-999999999", WHOLE),
]


@pytest.mark.parametrize("wished", RANGES, ids=lambda wished: wished[0])
def test_any_range_across_the_parts_is_of_one_wav(api: Api, playable: Recording, wished: tuple[str, bytes]) -> None:
    asked, content = wished
    answer = audio(api, playable, Range=asked)
    assert (answer.status_code, answer["Content-Type"]) == (206, "audio/wav")
    start = len(WHOLE) - len(content) if asked.startswith("bytes=-") else int(asked[6:].split("-")[0])
    assert answer["Content-Range"] == f"bytes {start}-{start + len(content) - 1}/{len(WHOLE)}"
    assert answer.getvalue() == content
    assert int(answer["Content-Length"]) == len(content)


def test_the_whole_of_it(api: Api, playable: Recording) -> None:
    answer = audio(api, playable)
    assert (answer.status_code, answer.getvalue()) == (200, WHOLE)
    assert answer["Accept-Ranges"] == "bytes"
    assert "no-store" in answer["Cache-Control"]


def test_each_part_is_as_the_vendor_made_it(api: Api, playable: Recording, store: Store) -> None:
    for number, name in enumerate(["one", "two", "three"], 1):
        assert audio(api, playable, part=number).getvalue() == store.files[name]
        assert audio(api, playable, part=number, Range="bytes=30-60").getvalue() == store.files[name][30:61]
    assert_problem(audio(api, playable, part=4), 404)


def test_what_lies_beyond_cannot_be_had(api: Api, playable: Recording) -> None:
    answer = audio(api, playable, Range="bytes=99999999-")
    assert (answer.status_code, answer["Content-Range"]) == (416, f"bytes */{len(WHOLE)}")
    assert listened() == 0


def test_another_etag_gets_the_whole(api: Api, playable: Recording) -> None:
    etag = audio(api, playable, Range="bytes=0-9")["ETag"]
    assert etag.startswith('"')
    for wanted, status in ((etag, 206), ('"other"', 200)):
        headers = {"Range": "bytes=0-9", "If-Range": wanted, "Accept": "audio/*"}
        assert api.get(f"recordings/{playable.pk}/audio", headers=headers).status_code == status


def test_a_head_reads_nothing_and_is_no_listening(api: Api, playable: Recording) -> None:
    for wanted in ("", "bytes=0-9", f"bytes={10**9}-"):
        answer = api.send("HEAD", f"recordings/{playable.pk}/audio", headers={"Range": wanted})
        assert (answer.status_code, answer["Content-Length"], answer.getvalue()) == (200, str(len(WHOLE)), b"")
    assert listened() == 0


def test_the_copy_is_the_same_representation_as_the_vendors(api: Api, three: Recording) -> None:
    """So that a player whose recording is copied while it plays goes on by If-Range, and does not begin again."""
    before = audio(api, three, Range="bytes=0-9")["ETag"]
    assert archive.archive_due()
    assert audio(api, three, Range="bytes=0-9")["ETag"] == before


def test_the_ranges_of_a_program_are_one_listening(api: Api, playable: Recording, clinic: Clinic) -> None:
    for start in (0, 100, 5000):
        audio(api, playable, Range=f"bytes={start}-{start + 50}")
    assert listened() == 1
    audio(api, playable)
    assert listened() == 2
    other = Api(a_key(clinic, "recordings:read"))
    audio(other, playable, Range="bytes=100-")
    assert listened() == 3


def test_slow_listeners_hold_no_thread_of_django(api: Api, playable: Recording) -> None:
    assert isinstance(audio(api, playable), StoredResponse)


# --- The vendor's links
def test_a_link_is_kept_and_asked_for_once(api: Api, recording: Recording, keeper: Keeper, store: Store) -> None:
    for _ in range(5):
        assert audio(api, recording, Range="bytes=0-9").status_code == 206
    assert [download for _, download in keeper.asked] == [False]
    assert CANARY.encode() not in bytes(Links.objects.get().sealed)
    assert {method for method, *_ in store.asked} == {"GET"}


def test_no_more_than_a_piece_is_asked_for_at_once(api: Api, recording: Recording, store: Store) -> None:
    store.files["one"] = wav(sound(50))
    assert audio(api, recording).getvalue() == store.files["one"]
    sizes = [int(stop) - int(start) + 1 for start, stop in (one[6:].split("-") for one in store.ranges)]
    assert max(sizes) <= afar.PIECE
    assert len(sizes) > 3


def test_what_is_not_streamable_is_played_by_links_for_saving(api: Api, recording: Recording, keeper: Keeper) -> None:
    keeper.is_streamable = False
    assert audio(api, recording).status_code == 200
    assert [download for _, download in keeper.asked] == [False, True]


@pytest.mark.parametrize("status", [400, 401, 403, 410])
def test_a_link_that_has_ended_is_followed_by_one_other(
    api: Api, recording: Recording, keeper: Keeper, store: Store, status: int
) -> None:
    assert audio(api, recording, Range="bytes=0-9").status_code == 206
    store.answers = [status]
    assert audio(api, recording, Range="bytes=100-199").getvalue() == store.files["one"][100:200]
    assert len(keeper.asked) == 2


def test_a_link_that_ends_in_the_middle_is_followed_by_another(
    api: Api, recording: Recording, keeper: Keeper, store: Store
) -> None:
    store.files["one"] = wav(sound(50))
    answer = audio(api, recording)
    chunks = iter(answer)
    begun = next(chunks)
    store.good.clear()
    assert begun + b"".join(chunks) == store.files["one"]
    assert len(keeper.asked) == 2


def test_links_that_are_never_taken_are_asked_for_twice_and_no_more(
    api: Api, recording: Recording, keeper: Keeper, store: Store
) -> None:
    store.answers = [403] * 20
    problem = assert_problem(audio(api, recording), 503)
    assert CANARY not in str(problem)
    assert len(keeper.asked) == 2


def test_an_expired_link_is_not_tried(api: Api, recording: Recording, keeper: Keeper, store: Store) -> None:
    audio(api, recording, Range="bytes=0-9")
    Links.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    asked = len(store.asked)
    assert audio(api, recording, Range="bytes=0-9").status_code == 206
    assert (len(keeper.asked), len(store.asked)) == (2, asked + 1)


def test_a_recording_that_changes_at_its_vendor_is_looked_at_again(
    api: Api, recording: Recording, store: Store
) -> None:
    audio(api, recording, Range="bytes=0-9")
    store.files["one"] = wav(sound(3))
    assert_problem(audio(api, recording, Range="bytes=0-9"), 503)
    assert audio(api, recording).getvalue() == store.files["one"]


def test_a_host_without_ranges_plays_what_is_small(api: Api, recording: Recording, store: Store) -> None:
    store.knows_ranges = False
    assert audio(api, recording, Range="bytes=100-199").getvalue() == store.files["one"][100:200]


def test_a_vendor_that_is_busy_with_it_says_not_yet(api: Api, recording: Recording, keeper: Keeper) -> None:
    keeper.errors = [pending()]
    assert "processing" in assert_problem(audio(api, recording), 404)["detail"]
    assert audio(api, recording).status_code == 200


def test_what_the_vendor_has_deleted_is_gone_and_is_not_asked_for_again(
    api: Api, recording: Recording, keeper: Keeper
) -> None:
    keeper.errors = [gone()]
    for _ in range(3):
        assert assert_problem(audio(api, recording), 410)["type"] == "/problems/gone"
    recording.refresh_from_db()
    assert (recording.state, len(keeper.asked)) == (Recording.State.LOST, 1)


def test_a_vendor_that_fails_is_to_be_asked_later(api: Api, recording: Recording, keeper: Keeper) -> None:
    keeper.errors = [VendorError("The vendor does not answer.", permanent=False, retry_after=30)]
    answer = audio(api, recording)
    assert_problem(answer, 503)
    assert answer["Retry-After"] == "30"


def test_parts_of_different_kinds_play_each_by_itself(
    api: Api, recording: Recording, keeper: Keeper, store: Store
) -> None:
    store.files = {"one": wav(SOUNDS[0]), "two": wav(SOUNDS[1], rate=8000)}
    keeper.parts = [(1, "one"), (2, "two")]
    assert_problem(audio(api, recording), 409)
    assert audio(api, recording, part=2).getvalue() == store.files["two"]


# --- Copied while it is played
@pytest.fixture
def long(recording: Recording, store: Store) -> Recording:
    store.files["one"] = wav(sound(50))
    return recording


def test_what_is_copied_while_it_is_played_goes_on_from_the_copy(
    api: Api, long: Recording, keeper: Keeper, store: Store
) -> None:
    chunks = iter(audio(api, long))
    begun = next(chunks)
    assert archive.archive_due()
    store.good.clear()
    assert begun + b"".join(chunks) == store.files["one"]
    assert [download for _, download in keeper.asked] == [False, True]


def test_it_goes_on_too_where_the_vendor_does_not_answer_any_more(api: Api, long: Recording, store: Store) -> None:
    chunks = iter(audio(api, long))
    begun = next(chunks)
    assert archive.archive_due()
    store.answers = [500] * 20
    assert begun + b"".join(chunks) == store.files["one"]


def test_who_came_just_before_it_was_copied_hears_the_copy(
    rf: RequestFactory, recording: Recording, keeper: Keeper, store: Store
) -> None:
    stale = Recording.objects.get()
    assert archive.archive_due()
    keeper.errors = [gone()]
    assert b"".join(playing.respond(rf.get("/"), stale)) == store.files["one"]


# --- Slow vendors
def test_only_some_of_djangos_threads_wait_for_vendors(
    api: Api, clinic: Clinic, recording: Recording, settings: Any
) -> None:
    copied = a_recording(clinic)
    assert archive.archive_due()
    assert archive.archive_due()
    waiting = a_recording(clinic)
    with ExitStack() as others:
        for _ in range(settings.WEB_THREADS // 2):
            others.enter_context(playing.beginning())
        answer = audio(api, waiting)
        assert_problem(answer, 503)
        assert int(answer["Retry-After"]) >= 5
        assert audio(api, copied).status_code == 200
    assert audio(api, waiting).status_code == 200


def test_all_that_is_looked_at_before_it_begins_has_one_deadline(
    api: Api, recording: Recording, keeper: Keeper, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(afar, "BEGIN_SECONDS", 0.5)
    store.files = {f"p{number}": wav(sound(0.1)) for number in range(8)}
    keeper.parts = [(number, f"p{number}") for number in range(8)]
    store.waits = 0.1
    begun = time.monotonic()
    assert_problem(audio(api, recording), 503)
    assert time.monotonic() - begun < 2
    store.waits = 0
    assert audio(api, recording).status_code == 200
    assert len({path for _, path, _ in store.asked}) == 8


# --- What is not there
def test_what_is_not_in_the_storage_is_not_found(api: Api, recording: Recording, storage: Path) -> None:
    assert archive.archive_due()
    (storage / recording.parts.get().storage_key).unlink()
    assert_problem(audio(api, recording), 404)
    assert listened() == 0


def test_strangers_find_nothing(stranger: Api, recording: Recording, keeper: Keeper) -> None:
    for path in ("", "/audio", "/parts/1/audio"):
        assert_problem(stranger.get(f"recordings/{recording.pk}{path}"), 404)
    assert_problem(stranger.post(f"recordings/{recording.pk}/link"), 404)
    assert keeper.asked == []


# --- Sent by others
def test_nginx_sends_what_is_one_stored_file(api: Api, recording: Recording, settings: Any) -> None:
    assert archive.archive_due()
    settings.PLAYBACK_REDIRECT = "x-accel:/internal/"
    answer = audio(api, recording)
    part = recording.parts.get()
    assert (answer["X-Accel-Redirect"], answer.content) == (f"/internal/{part.storage_key}", b"")
    assert listened() == 1
    assert "ETag" not in answer, "nginx has its own"
    assert audio(api, recording, If_Match='"whatever"')["X-Accel-Redirect"]


def test_nginx_is_not_asked_to_join_parts(api: Api, three: Recording, settings: Any) -> None:
    assert archive.archive_due()
    settings.PLAYBACK_REDIRECT = "x-accel:/internal/"
    assert audio(api, three).getvalue() == WHOLE


def test_two_recordings_do_not_meet(api: Api, recording: Recording, clinic: Clinic, store: Store) -> None:
    other = a_recording(clinic)
    assert audio(api, recording)["ETag"] != audio(api, other)["ETag"]


# --- What they have already
OTHER, BYTES = '"another"', "application/octet-stream"


@pytest.mark.parametrize("part", [None, 2])
@pytest.mark.parametrize("given", ["{etag}", "W/{etag}", OTHER + ", W/{etag}", "*"])
def test_whoever_has_it_is_told_so_and_has_not_listened(
    api: Api, playable: Recording, given: str, part: int | None
) -> None:
    etag = api.send("HEAD", f"recordings/{playable.pk}/{f'parts/{part}/' if part else ''}audio")["ETag"]
    ways: list[dict[str, str]] = [{}, {"Range": "bytes=0-9"}, {"Range": "bytes=99999999-"}, {"Accept": BYTES}]
    for headers in ways:
        answer = audio(api, playable, part=part, If_None_Match=given.replace("{etag}", etag), **headers)
        assert (answer.status_code, answer.getvalue(), answer["ETag"]) == (304, b"", etag)
        assert "no-store" in answer["Cache-Control"]
        assert not answer.has_header("Content-Type")
    assert listened() == 0


def test_whoever_has_another_gets_it(api: Api, playable: Recording) -> None:
    answer = audio(api, playable, If_None_Match=OTHER)
    assert (answer.status_code, answer.getvalue(), listened()) == (200, WHOLE, 1)


@pytest.mark.parametrize("accept", ["audio/*", BYTES])
def test_whoever_takes_it_to_be_another_gets_nothing(api: Api, playable: Recording, accept: str) -> None:
    etag = api.send("HEAD", f"recordings/{playable.pk}/audio")["ETag"]
    for given in (OTHER, f"W/{etag}"):
        assert_problem(audio(api, playable, Accept=accept, Range="bytes=0-9", If_Match=given), 412)
    assert listened() == 0
    assert audio(api, playable, If_Match=f"{OTHER}, {etag}").getvalue() == WHOLE


def test_what_is_not_there_is_not_as_they_have_it(api: Api, recording: Recording, keeper: Keeper) -> None:
    keeper.errors = [pending()]
    assert_problem(audio(api, recording, If_None_Match="*"), 404)
