"""How sending is measured: what is compared arrives whole and alike, in turn, and by the rounds' own ratios."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from subprocess import CalledProcessError
from typing import Any

import pytest

from benchmarks import senders
from benchmarks.senders import Recording, Sandbox
from benchmarks.submission import ALONE, COLUMNS, CURL, Measured, lines, measured
from config.demo import DRAGON
from tests.vendors.dragon_server import DragonServer, GrpcServer, Tape, serving
from tests.vendors.scripted_server import http
from vendors.dragon import wire
from vendors.dragon.content import Content
from vendors.dragon.customer import Customer
from vendors.dragon.wire import Asked

NAME = "5f0c2a34-7b41-4b0c-9f39-0a4ad5b3c101"
ASKED = Asked(Customer.of(DRAGON, "dr-1"), NAME, "en-US")
NEEDS_CURL = pytest.mark.skipif(not shutil.which("curl"), reason="curl is not here")
WAYS = {CURL: 4.0, "REST: requests": 2.0, "REST: the adapter": 2.5}


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    tape: Any = Tape()
    file = tmp_path / "tape"
    file.write_bytes(tape.data)
    made = Recording(Content(tape, "stored"), file, tmp_path / "pieces")
    made.cut()
    return made


# --- What is sent by others than the adapter
@pytest.mark.parametrize(
    "send",
    [
        senders.by_requests,
        pytest.param(partial(senders.by_curl, at_once=1), marks=NEEDS_CURL, id="curl"),
        pytest.param(partial(senders.by_curl, at_once=4), marks=NEEDS_CURL, id="curl, four"),
    ],
)
def test_by_rest_it_comes_whole_in_the_adapters_calls(recording: Recording, send: Callable[..., None]) -> None:
    with DragonServer() as server:
        send(recording, Sandbox(server.url, ""), ASKED)
    assert server.uploaded() == recording.file.read_bytes()
    assert server.chunks[1, 1] is None
    (declared,), (ended,) = server.of("finalizeUpload"), server.of("end")
    assert declared.json()["totalChunks"] == len(server.chunks) == recording.chunks
    assert ended.path.partition("?")[0].endswith(NAME)
    ids = [asked.headers["x-correlation-id"] for asked in server.of("storeChunk")]
    assert len(set(ids)) == recording.chunks


def test_by_websocket_it_comes_whole_in_messages_of_64_kib(recording: Recording) -> None:
    with DragonServer() as server:
        senders.by_websockets(recording, Sandbox(server.url, ""), ASKED)
    kept = server.recordings[wire.recording_id(NAME, 1)]
    assert (bytes(kept.data), kept.is_closed) == (recording.file.read_bytes(), True)


def test_by_grpc_it_comes_whole(recording: Recording) -> None:
    taking = GrpcServer()
    with DragonServer() as server, serving(taking) as port:
        senders.by_grpcio(recording, Sandbox(server.url, f"127.0.0.1:{port}"), ASKED)
    kept = taking.recordings[wire.recording_id(NAME, 1)]
    assert (bytes(kept.data), kept.is_closed) == (recording.file.read_bytes(), True)


@NEEDS_CURL
def test_a_curl_that_is_refused_is_no_quick_curl(recording: Recording) -> None:
    with DragonServer(storeChunk=[http(500)]) as server, pytest.raises(CalledProcessError):
        senders.by_curl(recording, Sandbox(server.url, ""), ASKED, at_once=1)


# --- How it is measured
def test_each_way_is_measured_once_a_round_and_no_round_begins_as_the_last() -> None:
    sent: list[tuple[str, str]] = []
    checked: list[str] = []
    ways = {way: partial(lambda way, name: sent.append((way, name)), way) for way in WAYS}
    found = measured(ways, checked.append, pid=1, rounds=2)
    assert [way for way, _ in sent] == [*WAYS, *list(WAYS)[1:], CURL]
    assert checked == [name for _, name in sent]
    assert len(set(checked)) == 6
    assert {len(one.seconds) for one in found.values()} == {2}


def test_what_did_not_come_whole_is_no_measurement() -> None:
    def check(_: str) -> None:
        raise RuntimeError("not sent as it should be")

    with pytest.raises(RuntimeError):
        measured({CURL: lambda _: None}, check, pid=1, rounds=1)


def found() -> dict[str, Measured]:
    cpu = {"clients": 1.0, "sandbox": 2.0, "others": 0.0, "idle": 1.0}
    made = {way: Measured(way) for way in WAYS}
    for way, seconds in WAYS.items():
        for slower in (1, 1, 9):
            made[way].add(slower * seconds, cpu)
    return made


def row(way: str) -> dict[str, Any]:
    return found()[way].row(found(), megabytes=100)


def test_one_round_in_which_the_machine_was_busy_changes_no_ratio() -> None:
    adapter = row("REST: the adapter")
    assert (adapter["mb_per_second"], adapter["of_curl"], adapter["of_library"]) == (40.0, 1.6, 0.8)
    assert (adapter["client_ms"], adapter["sandbox_ms"]) == (10.0, 20.0)


def test_a_library_is_measured_against_curl_alone() -> None:
    assert set(ALONE.values()).isdisjoint(ALONE)
    assert row("REST: requests")["of_library"] is None


def test_the_tables_columns_are_figures_that_there_are() -> None:
    rows = [row(way) for way in WAYS]
    assert set(COLUMNS.values()) <= rows[0].keys()
    first, head, *_, last = lines({"megabytes": 100, "rounds": 3, "rows": rows})
    assert first == "a recording of 100 MB, medians of 3 rounds"
    assert head.split("  ")[-1].strip() == "sandbox busy"
    assert last == "programs that take no part used 0 % of the machine"
