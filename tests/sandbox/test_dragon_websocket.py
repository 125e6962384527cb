"""Dragon Copilot by WebSocket: a recording streamed and resumed, its configuration, its processing."""

import hashlib
import json
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from .copilot import CHUNK, PCM, Copilot, bring, chunks, close, data_chunk, frame, samples, told

AUDIO = samples(4)
SHA256 = hashlib.sha256(AUDIO).hexdigest()
BAD_OPENING = "Failed to convert request to RecordingOpenRequest"
BAD_CHUNK = "Invalid DataChunk received"


def new() -> str:
    return str(uuid.uuid4())


@contextmanager
def closed_by_the_vendor(reason: str, code: int = 1008) -> Iterator[None]:
    with pytest.raises(ConnectionClosed) as caught:
        yield
    received = caught.value.rcvd
    assert received is not None
    assert (received.code, received.reason) == (code, reason)


def receive(socket: ClientConnection) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(socket.recv(timeout=8))
    return read


def test_a_recording_is_stored_byte_by_byte(copilot: Copilot) -> None:
    session, recording = new(), new()
    copilot.streamed(AUDIO, session, recording)
    (shown,) = copilot.session(session)["recordings"]
    assert shown == {
        **{"id": recording, "bytes": len(AUDIO), "sha256": SHA256, "complete": True},
        **{"chunks": len(chunks(AUDIO)), "opened": 1, "format": PCM},
    }
    shown = copilot.session(session)
    assert (shown["created_by"], shown["user"], shown["offences"]) == ("websocket", "dr-a", [])
    assert [one["method"] for one in shown["requests"]] == ["RecordingOpen", "RecordingClose"]


def test_several_chunks_can_be_acknowledged_at_once(copilot: Copilot) -> None:
    copilot.settings(chunks_an_ack=3)
    recording = new()
    with copilot.socket() as socket:
        copilot.open(socket, new(), recording)
        for number, part in enumerate(chunks(AUDIO)):
            socket.send(data_chunk(number * CHUNK, part))
        close(socket, recording)
        stored = [next(iter(one.values()))["dataStored"] for one in told(socket)]
    assert stored == [3 * CHUNK, 6 * CHUNK, len(AUDIO)]


REFUSED: list[tuple[dict[str, Any], int]] = [
    ({"authorization": None}, 401),
    ({"authorization": "Bearer junk"}, 401),
    ({"customer-id": None}, 403),
    ({"customer-id": "x"}, 403),
    ({"external-user-id": None}, 403),
    ({"query": ""}, 403),
]


@pytest.mark.parametrize("path", ["", "/retrieveConfiguration", "/startProcessing"])
@pytest.mark.parametrize(("changes", "status"), REFUSED)
def test_a_handshake_can_be_refused(copilot: Copilot, path: str, changes: dict[str, Any], status: int) -> None:
    with pytest.raises(InvalidStatus, match=str(status)), copilot.socket(path, **changes):
        pass


def test_either_name_of_the_clinician_will_do(copilot: Copilot) -> None:
    session = new()
    with copilot.socket(external_user_id=None, user_guid="guid-1") as socket:
        copilot.open(socket, session, new())
        bring(socket, AUDIO[:CHUNK])
    assert copilot.session(session)["user"] == "guid-1"


def test_the_api_version_may_not_be_demanded(copilot: Copilot) -> None:
    copilot.settings(demands_api_version=False)
    with copilot.socket(query="") as socket:
        copilot.open(socket, new(), new())
        assert bring(socket, AUDIO) == len(AUDIO)


def test_the_token_can_be_a_subprotocol(copilot: Copilot) -> None:
    headers = {"customer-id": copilot.customer, "external-user-id": "dr-a"}
    offered = [Subprotocol("dragon"), Subprotocol(copilot.audio_token)]
    with connect(f"{copilot.sockets}?api-version=1", additional_headers=headers, subprotocols=offered) as socket:
        assert socket.subprotocol == "dragon"
    with pytest.raises(InvalidStatus, match="401"):
        connect(f"{copilot.sockets}?api-version=1", additional_headers=headers, subprotocols=offered[:1])


def test_only_a_websocket_is_spoken_here(copilot: Copilot) -> None:
    headers = {"Authorization": f"Bearer {copilot.audio_token}", "external-user-id": "dr-a"}
    assert requests.get(f"{copilot.root}/dragon/ws", headers=headers, timeout=8).status_code == 426


BAD_OPENINGS: list[dict[str, Any]] = [
    {"recordingId": "1"},
    {"recordingId": 1},
    {"dataFormat": {}},
    {"dataFormat": {"mp3": {}}},
    {"dataFormat": {"opus": {}, "byteStream": {}}},
    {"dataFormat": {"pcm": {"sampleRateHz": 16_000}}},
    {"startingOffset": -1},
    {"startingOffset": "0"},
    {"startingOffset": 1},
    {"actions": [5]},
    {"ambientSessionData": {}},
]


@pytest.mark.parametrize("changes", BAD_OPENINGS)
def test_a_bad_opening_gets_only_a_close(copilot: Copilot, changes: dict[str, Any]) -> None:
    with copilot.socket() as socket:
        copilot.open(socket, new(), new(), **changes)
        with closed_by_the_vendor(BAD_OPENING):
            socket.recv(timeout=8)


@pytest.mark.parametrize("name", ["productId", "partnerId", "customerId", "correlationId"])
def test_the_session_is_named_by_uuids(copilot: Copilot, name: str) -> None:
    body = copilot.opening(new(), new())
    body["ambientSessionData"][name] = "visit_7"
    with copilot.socket() as socket:
        socket.send(frame("RecordingOpen", body))
        with closed_by_the_vendor(BAD_OPENING):
            socket.recv(timeout=8)


FIRST_FRAMES: list[str | bytes] = [
    "",
    "{}",
    b"{}",
    data_chunk(0, b"x"),
    frame("RecordingClose", {}),
    frame("RecordingOpen", []),
    frame("RecordingOpen", {}),
    frame("RecordingOpen", {}, **{"X-MS-Request-Id": "1"}),
    frame("RecordingOpen", {}, **{"X-Timestamp": "now"}),
]


@pytest.mark.parametrize("first", FIRST_FRAMES)
def test_nothing_else_may_come_first(copilot: Copilot, first: str | bytes) -> None:
    with copilot.socket() as socket:
        socket.send(first)
        with closed_by_the_vendor(BAD_OPENING):
            socket.recv(timeout=8)


@pytest.mark.parametrize(
    "message",
    [
        data_chunk(CHUNK + 1, b"x"),
        data_chunk(0, b"x"),
        data_chunk("0", b"x"),
        data_chunk(CHUNK, b""),
        b"\xff\x00",
        b"[]",
        json.dumps({"DataStart": CHUNK, "Data": "?"}).encode(),
        json.dumps({"DataStart": CHUNK}).encode(),
        frame("RecordingOpen", {}),
        "no frame",
    ],
)
def test_a_bad_chunk_ends_the_stream(copilot: Copilot, message: str | bytes) -> None:
    session = new()
    with copilot.socket() as socket:
        copilot.open(socket, session, new())
        bring(socket, AUDIO[:CHUNK])
        socket.send(message)
        with closed_by_the_vendor(BAD_CHUNK):
            socket.recv(timeout=8)
    assert copilot.recording(session)["bytes"] == CHUNK


@pytest.mark.parametrize("changes", [{"recordingId": new()}, {"recordingLengthSeconds": "long"}])
def test_a_bad_close_closes_nothing(copilot: Copilot, changes: dict[str, Any]) -> None:
    session, recording = new(), new()
    with copilot.socket() as socket:
        copilot.open(socket, session, recording)
        socket.send(frame("RecordingClose", {"recordingId": recording, **changes}))
        with closed_by_the_vendor("Failed to convert request to RecordingCloseRequest"):
            socket.recv(timeout=8)
    assert copilot.recording(session)["complete"] is False


def broken_off(copilot: Copilot, session: str, recording: str) -> None:
    """A recording whose connection was dropped after two chunks, of which the second was not acknowledged."""
    copilot.fault("drop_after_bytes", times=1, bytes=2 * CHUNK, correlation_id=session)
    with copilot.socket() as socket:
        copilot.open(socket, session, recording)
        bring(socket, AUDIO[:CHUNK])
        socket.send(data_chunk(CHUNK, AUDIO[CHUNK : 2 * CHUNK]))
        with pytest.raises(ConnectionClosedError):
            socket.recv(timeout=8)


@pytest.mark.parametrize("offset", [0, CHUNK, 2 * CHUNK])
def test_a_recording_goes_on_from_what_is_stored(copilot: Copilot, offset: int) -> None:
    session, recording = new(), new()
    broken_off(copilot, session, recording)
    assert copilot.recording(session)["bytes"] == 2 * CHUNK
    with copilot.socket() as socket:
        copilot.open(socket, session, recording, startingOffset=offset)
        bring(socket, AUDIO[offset:], offset)
        close(socket, recording)
        assert told(socket) == [{"recordingCloses": {"dataStored": len(AUDIO)}}]
    shown = copilot.recording(session)
    assert (shown["sha256"], shown["opened"], shown["complete"]) == (SHA256, 2, True)
    assert copilot.offences(session) == []


def test_a_recording_cannot_go_on_beyond_what_is_stored(copilot: Copilot) -> None:
    session, recording = new(), new()
    broken_off(copilot, session, recording)
    with copilot.socket() as socket:
        copilot.open(socket, session, recording, startingOffset=2 * CHUNK + 1)
        with closed_by_the_vendor(BAD_OPENING):
            socket.recv(timeout=8)


def test_other_bytes_after_a_resume_are_an_offence(copilot: Copilot) -> None:
    session, recording = new(), new()
    broken_off(copilot, session, recording)
    with copilot.socket() as socket:
        copilot.open(socket, session, recording, startingOffset=CHUNK)
        bring(socket, samples(1, seed=2), CHUNK)
        close(socket, recording)
        told(socket)
    assert copilot.offences(session) == ["other_bytes_after_a_resume"]


def test_what_is_stored_may_get_shorter(copilot: Copilot) -> None:
    session, recording = new(), new()
    copilot.streamed(AUDIO, session, recording)
    with copilot.socket() as socket:
        copilot.open(socket, session, recording, startingOffset=CHUNK)
        close(socket, recording)
        assert told(socket) == [{"recordingCloses": {"dataStored": CHUNK}}]
    assert copilot.recording(session)["sha256"] == hashlib.sha256(AUDIO[:CHUNK]).hexdigest()


def test_a_newer_connection_takes_the_recording_over(copilot: Copilot) -> None:
    session, recording = new(), new()
    with copilot.socket() as older, copilot.socket() as newer:
        copilot.open(older, session, recording)
        bring(older, AUDIO[:CHUNK])
        copilot.open(newer, session, recording, startingOffset=CHUNK)
        bring(newer, AUDIO[CHUNK : 2 * CHUNK], CHUNK)
        older.send(data_chunk(2 * CHUNK, b"late"))
        with closed_by_the_vendor("The recording was opened again", 1001):
            older.recv(timeout=8)
        bring(newer, AUDIO[2 * CHUNK :], 2 * CHUNK)
        close(newer, recording)
        told(newer)
    assert copilot.recording(session)["sha256"] == SHA256


def test_a_session_that_was_ended_is_not_streamed_to(copilot: Copilot) -> None:
    session = copilot.create(correlationId=new())
    copilot.end(session)
    with copilot.socket() as socket:
        copilot.open(socket, session, new())
        with closed_by_the_vendor("Session not found"):
            socket.recv(timeout=8)


def test_silence_ends_the_stream(copilot: Copilot) -> None:
    copilot.settings(quiet_seconds=0.2)
    with copilot.socket() as socket:
        copilot.open(socket, new(), new())
        with closed_by_the_vendor("Nothing was sent for too long", 1001):
            socket.recv(timeout=8)


def test_what_may_be_an_oversight_is_written_down(copilot: Copilot) -> None:
    session, recording = new(), new()
    copilot.settings(maximum_seconds=60, recording_locales=["fr-FR"])
    body = copilot.opening(session, recording, dataFormat={"byteStream": {"formatSpecifier": "audio/midi"}})
    body["ambientSessionData"] |= {"partnerId": new(), "externalIdentifiers": [{"type": "userId", "identifier": "z"}]}
    with copilot.socket() as socket:
        socket.send(frame("RecordingOpen", body))
        bring(socket, AUDIO)
        close(socket, recording, seconds=61)
        told(socket)
    assert copilot.offences(session) == [
        "another_partnerId",
        "another_user",
        "format_not_supported",
        "locale_not_supported",
        "duration_out_of_limits",
    ]


def test_a_stream_can_go_without_acknowledgements(copilot: Copilot) -> None:
    copilot.fault("no_acks", times=1)
    recording = new()
    with copilot.socket() as socket:
        copilot.open(socket, new(), recording)
        socket.send(data_chunk(0, AUDIO))
        close(socket, recording)
        assert told(socket) == [{"recordingCloses": {"dataStored": len(AUDIO)}}]


@pytest.mark.parametrize(
    ("fault", "params", "said"),
    [
        ("acks_beyond", {"bytes": 7}, json.dumps({"dataStored": {"dataStored": CHUNK + 7}})),
        ("acks_junk", {"body": "<html>"}, "<html>"),
        ("acks_huge", {"bytes": 9}, json.dumps({"dataStored": {"dataStored": CHUNK}}) + 9 * " "),
    ],
)
def test_an_acknowledgement_can_be_wrong(copilot: Copilot, fault: str, params: dict[str, Any], said: str) -> None:
    copilot.fault(fault, times=1, **params)
    recording = new()
    with copilot.socket() as socket:
        copilot.open(socket, new(), recording)
        socket.send(data_chunk(0, AUDIO[:CHUNK]))
        assert socket.recv(timeout=8) == said
        close(socket, recording)
        assert told(socket) == [{"recordingCloses": {"dataStored": CHUNK}}]


def test_chunks_can_be_stored_slowly(copilot: Copilot) -> None:
    copilot.fault("streaming_slow", times=1, seconds=0.2)
    with copilot.socket() as socket:
        copilot.open(socket, new(), new())
        begun = time.monotonic()
        bring(socket, AUDIO[: 2 * CHUNK])
        assert time.monotonic() - begun >= 0.4


def test_a_close_can_stay_unanswered(copilot: Copilot) -> None:
    copilot.fault("no_close_answer", times=1)
    session, recording = new(), new()
    with copilot.socket() as socket:
        copilot.open(socket, session, recording)
        bring(socket, AUDIO)
        close(socket, recording)
        with pytest.raises(TimeoutError):
            socket.recv(timeout=0.3)
    assert copilot.recording(session)["complete"] is True
    with copilot.socket() as socket:
        copilot.open(socket, session, recording, startingOffset=len(AUDIO))
        close(socket, recording)
        assert told(socket) == [{"recordingCloses": {"dataStored": len(AUDIO)}}]
    assert copilot.recording(session)["sha256"] == SHA256


def test_a_stream_can_be_closed_for_any_reason(copilot: Copilot) -> None:
    copilot.fault("close_reason", times=1, reason="Concurrent recordings are not allowed")
    with copilot.socket() as socket:
        copilot.open(socket, new(), new())
        with closed_by_the_vendor("Concurrent recordings are not allowed", 1011):
            socket.recv(timeout=8)


def test_an_opening_can_be_refused_once(copilot: Copilot) -> None:
    copilot.fault("open_refused", times=1)
    with copilot.socket() as socket:
        copilot.open(socket, new(), new())
        with closed_by_the_vendor(BAD_OPENING):
            socket.recv(timeout=8)
    copilot.streamed(AUDIO, new(), new())


@pytest.mark.parametrize(("fault", "status"), [("streaming_500", 500), ("token_expired", 401)])
def test_a_handshake_can_be_refused_once(copilot: Copilot, fault: str, status: int) -> None:
    copilot.fault(fault, times=1)
    with pytest.raises(InvalidStatus, match=str(status)), copilot.socket():
        pass
    copilot.streamed(AUDIO, new(), new())


def test_an_app_only_token_can_be_met_with_silence(copilot: Copilot) -> None:
    copilot.settings(app_only_is_silent=True)
    session = new()
    with copilot.socket() as socket:
        copilot.open(socket, session, new())
        with pytest.raises(TimeoutError):
            socket.recv(timeout=0.3)
    assert copilot.control("GET", f"sessions/{session}").status_code == 404


@contextmanager
def asked_configuration(copilot: Copilot) -> Iterator[ClientConnection]:
    with copilot.socket("/retrieveConfiguration") as socket:
        owners = {name: copilot.owners[name] for name in ("partnerId", "customerId")}
        socket.send(frame("RetrieveConfiguration", owners))
        yield socket


def test_the_configuration_is_told(copilot: Copilot) -> None:
    copilot.settings(maximum_seconds=120, recording_locales=["en-US"])
    with asked_configuration(copilot) as socket:
        (answer,) = told(socket)
    told_of = answer["retrieveConfiguration"]
    assert told_of["audioFormats"][0] == PCM
    assert {"byteStream": {"formatSpecifier": "audio/wav"}} in told_of["audioFormats"]
    assert told_of["recordingLocales"] == ["en-US"]
    assert told_of["recordingDurationLimits"] == {"minimumSeconds": 0, "maximumSeconds": 120}
    assert told_of.keys() == {"audioFormats", "recordingLocales", "encounterReportLocales", "recordingDurationLimits"}


def test_the_configuration_can_be_refused_or_never_come(copilot: Copilot) -> None:
    copilot.fault("configuration_refused", times=1)
    refused = closed_by_the_vendor("Failed to convert request to RetrieveConfigurationRequest")
    with asked_configuration(copilot) as socket, refused:
        socket.recv(timeout=8)
    copilot.fault("configuration_empty", times=1)
    with asked_configuration(copilot) as socket:
        assert told(socket) == [{"retrieveConfiguration": {}}]
    copilot.fault("configuration_huge", times=1, bytes=9)
    with asked_configuration(copilot) as socket:
        assert told(socket)[0]["retrieveConfiguration"]["recordingLocales"] == ["x" * 9]
    copilot.fault("configuration_silent", times=1)
    with asked_configuration(copilot) as socket, pytest.raises(TimeoutError):
        socket.recv(timeout=0.3)


def test_a_session_is_processed_when_that_is_asked_for(copilot: Copilot) -> None:
    session = new()
    copilot.streamed(AUDIO, session, new())
    time.sleep(0.2)
    assert copilot.session(session)["processed"] is False
    for _ in range(2):
        assert copilot.process(session) == [{"startProcessing": {"accepted": True}}]
    assert copilot.session(session)["processed"] is True
    assert copilot.offences(session) == []


def test_processing_needs_a_session_that_is_whole(copilot: Copilot) -> None:
    with closed_by_the_vendor("Session not found"), copilot.socket("/startProcessing") as socket:
        socket.send(frame("StartProcessing", {**copilot.owners, "correlationId": new()}))
        socket.recv(timeout=8)
    session = new()
    with copilot.socket() as socket:
        copilot.open(socket, session, new())
        bring(socket, AUDIO)
    copilot.process(session)
    copilot.streamed(AUDIO, session, new())
    assert copilot.offences(session) == ["processed_incomplete", "opened_after_processing"]


def test_processing_can_be_refused_or_never_answered(copilot: Copilot) -> None:
    session = new()
    copilot.streamed(AUDIO, session, new())
    copilot.fault("processing_refused", times=1, correlation_id=session)
    with (
        closed_by_the_vendor("Failed to convert request to StartProcessingRequest"),
        copilot.socket("/startProcessing") as socket,
    ):
        socket.send(frame("StartProcessing", {**copilot.owners, "correlationId": session}))
        socket.recv(timeout=8)
    copilot.fault("processing_silent", times=1, correlation_id=session)
    with copilot.socket("/startProcessing") as socket:
        socket.send(frame("StartProcessing", {**copilot.owners, "correlationId": session}))
        with pytest.raises(TimeoutError):
            socket.recv(timeout=0.3)
    assert copilot.session(session)["processed"] is False


@pytest.mark.parametrize("body", [{}, {"productId": "x"}])
def test_the_short_talks_check_what_they_are_asked(copilot: Copilot, body: dict[str, Any]) -> None:
    for path, name in (("/startProcessing", "StartProcessing"), ("/retrieveConfiguration", "RetrieveConfiguration")):
        for first in (frame(name, body), frame("RecordingOpen", body)):
            with copilot.socket(path) as socket, closed_by_the_vendor(f"Failed to convert request to {name}Request"):
                socket.send(first)
                socket.recv(timeout=8)
