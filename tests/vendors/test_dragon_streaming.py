"""Dragon Copilot by WebSocket: how a recording is streamed, confirmed, and taken up again."""

from __future__ import annotations

import json
import socket
import time
from base64 import b64decode
from contextlib import suppress
from functools import partial
from typing import Any

import pytest

from tests.vendors.contract import CANARY
from tests.vendors.dragon_server import CREDENTIALS, DragonServer, Stored, Tape, read_frame, takes_all
from tests.vendors.going import Noted
from tests.vendors.scripted_server import ScriptedServer, http
from tests.vendors.test_dragon_client import DragonContract, dragon, dragon_job
from tests.vendors.websocket_peer import Peer
from vendors.base import Submitted, Superseded, VendorError
from vendors.dragon import wire

REF = "5f0c2a34-7b41-4b0c-9f39-0a4ad5b3c101"
FIRST = wire.recording_id(REF, 1)


class TestWebSocket(DragonContract):
    transport = "websocket"
    first_call = "ws"

    def accepting(self, body: bytes) -> ScriptedServer:
        return DragonServer()

    def test_submitting_twice_sends_the_same_under_the_same_id(self) -> None:
        with DragonServer() as server:
            vendor = self.connected(server)
            assert vendor.submit(self.job(), Noted()) == vendor.submit(self.job(), Noted())
        assert list(server.recordings) == [FIRST]
        assert server.processed == [REF, REF]


def streamed(server: DragonServer, progress: Noted | None = None, **changes: Any) -> Submitted:
    with server:
        return dragon(server.url, "websocket").submit(dragon_job(**changes), progress or Noted())


def failed(server: DragonServer, progress: Noted | None = None) -> VendorError:
    with pytest.raises(VendorError) as caught:
        streamed(server, progress)
    return caught.value


def test_a_recording_is_opened_sent_whole_and_then_processed() -> None:
    server, tape = DragonServer(), Tape()
    assert streamed(server) == Submitted(REF)
    kept = server.recordings[FIRST]
    assert (bytes(kept.data), kept.is_closed, server.processed) == (tape.data, True, [REF])
    opening = kept.opened[0]
    assert opening["dataFormat"] == {"byteStream": {"formatSpecifier": "audio/wav"}}
    session = opening["ambientSessionData"]
    assert session["externalIdentifiers"] == [{"type": "userId", "identifier": "dr-1"}]
    assert (session["correlationId"], opening["startingOffset"]) == (REF, 0)
    assert not server.of("ambient-sessions")
    handshake = server.of("ws")[0]
    assert handshake.path == "/ws?api-version=1"
    assert (handshake.headers["customer-id"], handshake.headers["external-user-id"]) == (
        CREDENTIALS["customer_id"],
        "dr-1",
    )


@pytest.mark.parametrize(("version", "query"), [("2", "?api-version=2"), ("none", "")])
def test_the_version_that_is_asked_for_is_a_setting(version: str, query: str) -> None:
    with DragonServer() as server:
        dragon(server.url, "websocket", streaming_api_version=version).submit(dragon_job(), Noted())
    assert server.of("ws")[0].path == f"/ws{query}"


@pytest.mark.parametrize("scheme", ["HTTP", "ws", "WS"])
def test_the_streaming_address_may_be_written_as_of_a_websocket(scheme: str) -> None:
    with DragonServer() as server:
        named = server.url.replace("http", scheme)
        dragon(server.url, "websocket", streaming_url=named).submit(dragon_job(), Noted())
    assert server.processed == [REF]


def test_without_a_configuration_audio_is_sent_decoded() -> None:
    server, tape = DragonServer(retrieveConfiguration=[http(500)]), Tape(b"OggS", "audio/ogg")
    streamed(server, sounds=(tape,))
    assert bytes(server.recordings[FIRST].data) == tape.decoded()[:32_000]
    assert server.recordings[FIRST].opened[0]["dataFormat"]["pcm"]["sampleRateHz"] == 16_000


def test_webm_is_called_by_the_name_that_it_has_there() -> None:
    server, tape = DragonServer(), Tape(b"webm" * 9, "audio/webm")
    server.configuration = {"audioFormats": [{"webmOpus": {}}]}
    streamed(server, sounds=(tape,))
    assert server.recordings[FIRST].opened[0]["dataFormat"] == {"webmOpus": {"sampleRateHz": 48_000}}
    assert bytes(server.recordings[FIRST].data) == tape.data


def test_a_connection_that_drops_is_taken_up_where_it_was_confirmed() -> None:
    drops = partial(takes_all, most_chunks=2)
    server, tape = DragonServer(drops, takes_all), Tape()
    streamed(server)
    kept = server.recordings[FIRST]
    assert bytes(kept.data) == tape.data
    assert [opening["startingOffset"] for opening in kept.opened] in ([0, 65_536], [0, 131_072], [0, 0])


def test_another_worker_goes_on_from_its_place() -> None:
    server, tape = DragonServer(), Tape()
    server.recordings[FIRST] = kept = _begun(tape, 100_000)
    progress = Noted(ref=REF, place={"recording": 1, "form": 0, "stored": 65_536})
    streamed(server, progress)
    assert bytes(kept.data) == tape.data
    assert kept.opened[0]["startingOffset"] == 65_536
    assert progress.place == {"recording": 2, "streamed": 1}


def _begun(tape: Tape, size: int) -> Any:
    return Stored(data=bytearray(tape.data[:size]))


def test_no_more_is_sent_than_a_window_ahead_of_what_is_confirmed() -> None:
    got: list[int] = []

    def confirms_nothing(peer: Peer, server: DragonServer) -> None:
        peer.receive()
        while isinstance(message := peer.receive(), bytes):
            got.append(len(message))

    server = DragonServer(confirms_nothing)
    with pytest.raises(VendorError) as caught:
        streamed(server, sounds=(Tape(bytes(4 * 1024 * 1024)),))
    assert (caught.value.code, caught.value.permanent) == ("no_answer", False)
    assert sum(got) * 3 // 4 <= 3 * (1024 * 1024 + 70_000)  # three connections


def test_a_server_that_says_nothing_is_not_waited_for_for_ever() -> None:
    def silent(peer: Peer, server: DragonServer) -> None:
        while peer.receive():
            pass

    begun = time.monotonic()
    assert failed(DragonServer(silent)).code == "no_answer"
    assert time.monotonic() - begun < 10


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("Failed to convert request to RecordingOpenRequest", "open_refused"),
        ("Invalid DataChunk received", "audio_refused"),
    ],
)
def test_the_two_reasons_to_close_are_told_in_plain_words(reason: str, code: str) -> None:
    def closes(peer: Peer, server: DragonServer) -> None:
        peer.receive()
        peer.protocol.send_close(1008, reason)
        peer._flush()

    error = failed(DragonServer(closes))
    assert (error.code, error.permanent) == (code, True)
    assert reason not in error.message
    assert error.call_id


@pytest.mark.parametrize(
    "said",
    [
        {"error": CANARY},
        {"startProcessing": {"accepted": False}},
        {"error": CANARY, "startProcessing": {"accepted": True}},
    ],
)
def test_what_is_not_to_be_processed_is_asked_for_again_and_not_sent_again(said: dict[str, Any]) -> None:
    progress, server, again = Noted(), DragonServer(), DragonServer()
    server.processing = said
    error = failed(server, progress)
    assert (error.code, error.permanent) == ("not_processed", False)
    assert CANARY not in error.message
    assert error.call_id == server.of("startProcessing")[0].headers["x-ms-request-id"]
    assert streamed(again, progress) == Submitted(REF)
    assert (again.of("ws"), again.processed) == ([], [REF])


@pytest.mark.parametrize("said", [{}, {"startProcessing": {}}, {"processingStarted": {"status": "ok"}}])
def test_whatever_is_no_refusal_means_that_it_is_processed(said: dict[str, Any]) -> None:
    server = DragonServer()
    server.processing = said
    assert streamed(server) == Submitted(REF)


@pytest.mark.parametrize("said", ["", "<html>", "[]"])
def test_what_cannot_be_read_does_not(said: str) -> None:
    server = DragonServer()
    server.processing = said or " "
    error = failed(server)
    assert (error.code, error.permanent) == ("answer_unreadable", False)


def test_processing_that_is_refused_outright_is_told() -> None:
    def refuses(line: socket.socket) -> None:
        peer = Peer(line, server.of("startProcessing")[-1])
        peer.receive()
        peer.protocol.send_close(1008, "Failed to convert request to StartProcessingRequest")
        peer._flush()

    server = DragonServer(startProcessing=[refuses])
    error = failed(server)
    assert (error.code, error.permanent) == ("processing_refused", True)
    assert len(server.recordings) == 1


def test_a_refused_handshake_is_found_by_its_id() -> None:
    for answer in (http(403), http(401, b"no"), b""):
        server = DragonServer(ws=[answer])
        error = failed(server)
        assert error.call_id == server.of("ws")[-1].headers["x-ms-request-id"]
        ids = [asked.headers["x-ms-request-id"] for asked in server.asked if "/ws" in asked.path]
        assert len(set(ids)) == len(ids)


def test_the_reason_is_heard_though_the_connection_is_reset_with_it(caplog: pytest.LogCaptureFixture) -> None:
    def closes(peer: Peer, server: DragonServer) -> None:
        peer.receive()
        time.sleep(0.002)  # more comes, and is not read: that resets it
        peer.protocol.send_close(1008, "Invalid DataChunk received")
        peer._flush()

    codes = {failed(DragonServer(closes)).code for _ in range(30)}
    assert codes == {"audio_refused"}
    assert not [record for record in caplog.records if record.name.startswith("websockets")]


def test_a_recording_that_was_closed_short_is_sent_on() -> None:
    def short(peer: Peer, server: DragonServer) -> None:
        peer.receive()
        while isinstance(peer.receive(), bytes):
            pass
        peer.say({"recordingCloses": {"dataStored": 10}})
        peer.close()

    server, tape = DragonServer(short, takes_all), Tape()
    server.recordings[FIRST] = kept = _begun(tape, 10)
    streamed(server)
    assert bytes(kept.data) == tape.data


def test_what_is_confirmed_and_was_never_sent_is_sent_all_the_same() -> None:
    def boasts(peer: Peer, server: DragonServer) -> None:
        read_frame(peer.receive())
        peer.receive()
        peer.say({"dataStored": {"dataStored": 2_500_000}})
        for _ in range(19):  # more than a window: it has been heard by then
            peer.receive()
        peer.line.close()

    server, tape = DragonServer(boasts, takes_all), Tape(bytes(range(256)) * 12_000)
    server.recordings[FIRST] = kept = _begun(tape, 1_200_000)
    streamed(server, sounds=(tape,))
    assert bytes(kept.data) == tape.data
    assert kept.opened[0]["startingOffset"] < 1_200_000


def test_the_last_word_on_what_is_stored_counts() -> None:
    def takes_back(peer: Peer, server: DragonServer) -> None:
        peer.receive()
        size = 0
        while isinstance(message := peer.receive(), bytes):
            size += len(b64decode(json.loads(message)["Data"]))
            peer.say({"dataStored": {"dataStored": size}})
        peer.say({"recordingCloses": {"dataStored": 100_000}})
        peer.close()

    server, tape = DragonServer(takes_back, takes_all), Tape()
    server.recordings[FIRST] = kept = _begun(tape, 100_000)
    streamed(server)
    assert (bytes(kept.data), kept.opened[0]["startingOffset"]) == (tape.data, 100_000)


def test_talk_of_something_else_is_no_sign_of_life() -> None:
    def chatters(peer: Peer, server: DragonServer) -> None:
        peer.line.settimeout(0.05)
        for _ in range(100):
            with suppress(TimeoutError):
                while peer.receive() is not None:
                    pass
                return
            peer.say({"weather": "fine"})

    begun = time.monotonic()
    assert failed(DragonServer(chatters)).code == "no_answer"
    assert time.monotonic() - begun < 5


def test_a_recording_whose_last_word_was_lost_is_closed_again() -> None:
    class Hushed(Peer):
        def say(self, message: Any, *, fragments: int = 1) -> None:
            if "recordingCloses" not in message:
                super().say(message)

    def forgets_to_answer(peer: Peer, server: DragonServer) -> None:
        peer.__class__ = Hushed
        takes_all(peer, server)

    server, tape = DragonServer(forgets_to_answer, takes_all), Tape()
    streamed(server)
    kept = server.recordings[FIRST]
    assert (bytes(kept.data), [opening["startingOffset"] for opening in kept.opened]) == (tape.data, [0, tape.size])


@pytest.mark.parametrize(
    "said", ["{", '{"dataStored": {"dataStored": -1}}', '{"dataStored": {"dataStored": 1e9}}', "[]"]
)
def test_what_cannot_be_read_ends_the_try(said: str) -> None:
    def talks_nonsense(peer: Peer, server: DragonServer) -> None:
        peer.receive()
        peer.say(said)
        while peer.receive():
            pass

    error = failed(DragonServer(talks_nonsense))
    assert (error.code, error.permanent) == ("answer_unreadable", False)


def test_whoever_is_superseded_stops() -> None:
    with DragonServer() as server, pytest.raises(Superseded):
        dragon(server.url, "websocket").submit(dragon_job(), Noted(most_ms=-1))
    assert not server.processed


def test_a_handshake_without_a_good_token_is_tried_with_a_new_one() -> None:
    server = DragonServer(retrieveConfiguration=[http(401, b"expired"), http(500)])
    streamed(server)
    assert len(server.of("token")) == 2
