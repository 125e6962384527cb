"""Recordings on their way to Dragon Copilot by REST: several chunks at once, in any order, and how they are closed."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from threading import Barrier, BrokenBarrierError, Event

import pytest

from tests.vendors.dragon_server import DragonServer, Tape, read_form
from tests.vendors.going import Noted
from tests.vendors.scripted_server import Answer, Asked, http
from tests.vendors.test_dragon_client import REF, dragon, dragon_job
from vendors.base import VendorError
from vendors.dragon.uploading import AT_ONCE, CHUNK_BYTES

DONE = http(200, {"error": None})
STORED = {"recording": 1, "form": 0, "streamed": 0, "chunk_bytes": CHUNK_BYTES, "chunks": 5}


def stopped(server: DragonServer, progress: Noted | None = None) -> VendorError:
    with server, pytest.raises(VendorError) as caught:
        dragon(server.url).submit(dragon_job(), progress or Noted())
    return caught.value


def number_of(asked: Asked) -> int:
    return int(read_form(asked)[0]["chunkId"])


# --- Several at once
def test_several_chunks_are_on_their_way_at_once() -> None:
    class Slow(DragonServer):
        together = Barrier(AT_ONCE, timeout=20)

        def answer_to(self, asked: Asked) -> Answer:
            if self.call(asked) == "storeChunk":
                try:
                    self.together.wait()
                except BrokenBarrierError:
                    return http(403)
            return super().answer_to(asked)

    assert AT_ONCE > 1
    tape = Tape(bytes(CHUNK_BYTES * (2 * AT_ONCE - 1)))
    with Slow() as server:
        dragon(server.url).submit(dragon_job(sounds=(tape,)), Noted())
    assert server.uploaded() == tape.data


def test_chunks_are_stored_in_any_order_and_only_what_has_all_before_it_is_confirmed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Late(DragonServer):
        """The second chunk is stored behind the fifth."""

        fifth = Event()

        def answer_to(self, asked: Asked) -> Answer:
            number = number_of(asked) if self.call(asked) == "storeChunk" else 0
            if number == 2:
                self.fifth.wait(20)
            answer = super().answer_to(asked)
            if number == 5:
                self.fifth.set()
            return answer

    class Watched(Noted):
        """What is confirmed has come, and all before it."""

        def reached(self, place: Mapping[str, int], until_ms: int) -> None:
            come = {number for _, number in list(server.chunks)}
            assert come >= set(range(1, place.get("chunks", 0) + 1))
            super().reached(place, until_ms)

    monkeypatch.setattr("vendors.dragon.uploading.TELL_SECONDS", 0.0)
    tape, progress = Tape(), Watched()
    with Late() as server:
        dragon(server.url).submit(dragon_job(sounds=(tape,)), progress)
    stored = [number for _, number in server.chunks]
    assert stored.index(2) > stored.index(5)
    assert server.uploaded() == tape.data
    assert any(place.get("chunks") == 5 for place in progress.places)


# --- Declared whole
def test_a_recording_that_an_earlier_try_declared_is_not_refused_for_it() -> None:
    server, progress = DragonServer(finalizeUpload=[http(503)]), Noted()
    assert not stopped(server, progress).permanent
    again = DragonServer(finalizeUpload=[http(409)])
    with again:
        assert dragon(again.url).submit(dragon_job(), progress).ref == REF
    assert not again.of("storeChunk")


def test_a_recording_that_was_never_declared_and_is_taken_is_refused() -> None:
    for place in ({}, {**STORED, "chunks": 4}):
        error = stopped(DragonServer(finalizeUpload=[http(409)]), Noted(ref=REF, place=place))
        assert (error.code, error.permanent) == ("already_used", True)


# --- The session's end
@pytest.mark.parametrize("status", [400, 401, 403, 405, 409, 429, 500, 503])
def test_a_session_that_cannot_be_ended_is_sent_all_the_same(status: int, caplog: pytest.LogCaptureFixture) -> None:
    server, progress = DragonServer(end=[http(status)]), Noted()
    with caplog.at_level(logging.WARNING), server:
        done = dragon(server.url).submit(dragon_job(), progress)
    assert (done.ref, progress.place["recording"]) == (REF, 2)
    assert done.call_id == server.of("finalizeUpload")[-1].headers["x-correlation-id"]
    (told,) = [record.getMessage() for record in caplog.records if record.name == "vendors.dragon.sending"]
    assert REF in told


def test_a_session_is_ended_at_the_second_try() -> None:
    for answers in ([http(500), DONE], [b"", http(404)]):
        server = DragonServer(end=list(answers))
        with server:
            dragon(server.url).submit(dragon_job(), Noted())
        assert len(server.of("end")) == 2


def test_what_is_left_is_the_end_and_its_id_is_told() -> None:
    server = DragonServer()
    with server:
        done = dragon(server.url).submit(dragon_job(), Noted(ref=REF, place={"recording": 2, "streamed": 0}))
    assert done.call_id == server.of("end")[0].headers["x-correlation-id"]
    assert not server.of("finalizeUpload")
