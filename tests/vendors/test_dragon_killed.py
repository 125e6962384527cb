"""Dragon Copilot, sent by workers of which one after the other dies: what arrives is one recording, whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

import pytest
from websockets.exceptions import InvalidState

from tests.vendors.dragon_server import DragonServer, GrpcServer, Tape, serving, takes_all
from tests.vendors.going import Noted
from tests.vendors.test_dragon_client import REF, dragon, dragon_job
from tests.vendors.test_dragon_grpc import over_grpc
from tests.vendors.websocket_peer import Peer
from vendors.dragon import wire
from vendors.dragon.adapter import DragonVendor

SIZES = (300_000, 131_072, 10)


class Killed(BaseException):
    """As if by kill -9: nobody gets to say anything any more."""


class Mortal(Noted):
    """A worker that dies at what it tells for the nth time, before or after that was written."""

    def __init__(self, place: Mapping[str, int], at: int, *, written: bool) -> None:
        super().__init__(ref=REF, place=place)
        self.left, self.written = at, written

    def reached(self, place: Mapping[str, int], until_ms: int) -> None:
        self.left -= 1
        if self.left > 0 or (self.left == 0 and self.written):
            super().reached(place, until_ms)
        if self.left <= 0:
            raise Killed


def tapes() -> tuple[Tape, ...]:
    return tuple(Tape(bytes(range(number, 251)) * (size // 200), duration_ms=900) for number, size in enumerate(SIZES))


def takes_what_comes(peer: Peer, server: DragonServer) -> None:
    with suppress(InvalidState):  # whoever dies hears no answer
        takes_all(peer, server)


@contextmanager
def vendor(transport: str, server: DragonServer, streaming: GrpcServer) -> Iterator[DragonVendor]:
    with server, serving(streaming) as port:
        yield over_grpc(port, server.url) if transport == "grpc" else dragon(server.url, transport)


@pytest.fixture(autouse=True)
def told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each confirmation is a place to die at."""
    for module in ("recording", "uploading"):
        monkeypatch.setattr(f"vendors.dragon.{module}.TELL_SECONDS", 0.0)


@pytest.mark.parametrize("written", [True, False])
@pytest.mark.parametrize("transport", ["rest", "websocket", "grpc"])
def test_whoever_follows_a_worker_that_died_goes_on_where_it_stopped(transport: str, written: bool) -> None:
    server, streaming = DragonServer(takes_what_comes), GrpcServer()
    place: Mapping[str, int] = {}
    with vendor(transport, server, streaming) as asked:
        for deaths in range(1, 200):
            worker = Mortal(place, 1 + deaths % 5, written=written)
            try:
                asked.submit(dragon_job(sounds=tapes()), worker)
            except Killed:
                place = worker.place
            else:
                break
    assert deaths > len(SIZES)
    assert arrived(transport, server, streaming) == [tape.data for tape in tapes()]


def arrived(transport: str, server: DragonServer, streaming: GrpcServer) -> list[bytes]:
    if transport == "rest":
        assert {asked.json()["recordingId"] for asked in server.of("finalizeUpload")} == {1, 2, 3}
        return [server.uploaded(number) for number in (1, 2, 3)]
    recordings = streaming.recordings if transport == "grpc" else server.recordings
    assert list(recordings) == [wire.recording_id(REF, number) for number in (1, 2, 3)]
    assert all(kept.is_closed for kept in recordings.values())
    return [bytes(kept.data) for kept in recordings.values()]
