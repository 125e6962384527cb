"""Dictation: one utterance a socket, partials and finals while one listens, and the whole at the end."""

import json
import math
import time
from contextlib import suppress
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, ConnectionClosedOK, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from sandbox.sample import sample
from sandbox.suki.hearing import sample_samples

from .partner import FRAME, Partner, encoded, finals, frames, partials, samples, say

EOF = {"transcript": {"transcript": "EOF"}}
SPOKEN = [one["text"] for one in sample()["transcript"]]
TEN_SECONDS = sample_samples()[: 10 * 32_000]  # Three lines have ended by then, and the fourth has not begun.
PCM = samples(4)


def send(socket: ClientConnection, pcm: bytes) -> None:
    for frame in frames(pcm):
        say(socket, type="AUDIO", audioData=encoded(frame))


def test_the_sample_is_heard_line_by_line(partner: Partner) -> None:
    told = partner.dictated(partner.create_dictation(), TEN_SECONDS)
    assert finals(told) == SPOKEN[:3]
    assert told[-1] == EOF
    assert len({one["transcript_id"] for one in told[:-1]}) == len(told) - 1
    words = told[-2]["transcript"]["words"]
    assert [one["word"] for one in words] == finals(told)[-1].split()
    assert all(set(one["speaker"]) == {"id"} for one in words)


def test_partials_grow_into_the_final(partner: Partner) -> None:
    told = partner.dictated(partner.create_dictation(), TEN_SECONDS)
    assert SPOKEN[0].startswith(partials(told)[0])
    assert all(any(line.startswith(partial) for line in SPOKEN) for partial in partials(told))
    assert len(partials(told)) > 5


def test_an_utterance_ends_where_the_speaker_stops(partner: Partner) -> None:
    """Push-to-talk: what was begun is final, and the next utterance goes on from there."""
    session = partner.create_dictation()
    told = [partner.dictated(session, part) for part in (TEN_SECONDS[: 5 * 32_000], TEN_SECONDS[5 * 32_000 :])]
    first, second = (finals(one) for one in told)
    assert first[0] == SPOKEN[0]
    assert SPOKEN[1].startswith(first[1])
    assert f"{first[1]} {second[0]}" == SPOKEN[1]
    ended = partner.end_dictation(session).json()
    assert ended["final_transcript"] == " ".join([*first, *second])
    assert (ended["status"], ended["duration"]) == ("completed", 10)
    assert ended.keys() == {"transcription_session_id", "status", "final_transcript", "duration", "ended_at"}


def test_other_audio_has_a_script_of_its_own(partner: Partner) -> None:
    told = [finals(partner.dictated(partner.create_dictation(), samples(8, seed))) for seed in (1, 1, 2)]
    assert told[0] == told[1] != []
    assert told[2] != told[0]


def test_silence_says_nothing(partner: Partner) -> None:
    assert partner.dictated(partner.create_dictation(), bytes(64_000)) == [EOF]


def test_silence_before_the_sample_is_no_part_of_a_script(partner: Partner) -> None:
    """Every recording begins with some silence: what is the sample shows only later."""
    told = finals(partner.dictated(partner.create_dictation(), bytes(FRAME) + samples(8)))
    assert told
    assert told[0] not in SPOKEN


def test_a_session_moves_from_ready_to_running_to_idle_to_completed(partner: Partner) -> None:
    session = partner.create_dictation()
    assert partner.session(session)["state"] == "ready"
    with partner.transcribe(session) as socket:
        partner.until(session, lambda shown: shown["state"] == "running")
        with pytest.raises(InvalidStatus, match="400"), partner.transcribe(session):
            pass
        say(socket, type="EVENT", event="AUDIO_END")
        assert [json.loads(one) for one in socket] == [EOF]
    assert partner.session(session)["state"] == "idle"
    partner.end_dictation(session)
    assert partner.session(session)["state"] == "completed"
    with pytest.raises(InvalidStatus, match="400"), partner.transcribe(session):
        pass


def test_the_status_of_a_failed_precondition_is_a_setting(partner: Partner) -> None:
    partner.settings(handshake_status=412)
    partner.fault("failed_precondition", times=2)
    session = partner.create_dictation()
    for _ in range(2):
        with pytest.raises(InvalidStatus, match="412") as refused, partner.transcribe(session):
            pass
        assert json.loads(refused.value.response.body)["message"] == "FailedPrecondition"
    assert partner.dictated(session, PCM)[-1] == EOF
    assert partner.control("PATCH", "settings", {"handshake_status": 418}).status_code == 400


@pytest.mark.parametrize("name", ["SukiAmbientAuth", "SukiTranscriptionAuth"])
def test_a_browser_says_who_it_is_by_subprotocols(partner: Partner, name: str) -> None:
    session = partner.create_dictation()
    offered = [Subprotocol(one) for one in (name, partner.token, session)]
    with connect(f"{partner.sockets}/transcribe", subprotocols=offered) as socket:
        assert socket.subprotocol == name
    assert partner.until(session, lambda one: one["sockets"][0]["closed"])["sockets"][0]["subprotocol"] == name
    with pytest.raises(InvalidStatus, match="401"):
        connect(f"{partner.sockets}/transcribe", subprotocols=[Subprotocol("Other"), *offered[1:]])


def test_a_broken_connection_keeps_the_session_busy_for_a_moment(partner: Partner) -> None:
    partner.settings(settle_seconds=0.4)
    partner.fault("socket_dropped", times=1, after_bytes=5 * FRAME)
    session = partner.create_dictation()
    with partner.transcribe(session) as socket:
        send(socket, TEN_SECONDS[: 5 * FRAME])
        with pytest.raises(ConnectionClosedError):
            socket.recv(timeout=8)
    with pytest.raises(InvalidStatus, match="400"), partner.transcribe(session):
        pass
    time.sleep(0.5)
    assert partner.dictated(session, TEN_SECONDS[5 * FRAME :])[-1] == EOF


def test_what_was_said_into_a_broken_connection_is_in_the_whole_alone(partner: Partner) -> None:
    partner.settings(settle_seconds=0)
    partner.fault("socket_dropped", times=1, after_bytes=5 * 32_000)
    session = partner.create_dictation()
    with partner.transcribe(session) as socket:
        send(socket, TEN_SECONDS[: 5 * 32_000])
        heard = read_until_closed(socket)
    later = partner.dictated(session, TEN_SECONDS[5 * 32_000 :])
    assert set(finals(heard)) <= {SPOKEN[0]}
    assert SPOKEN[1] not in finals(later)
    assert partner.end_dictation(session).json()["final_transcript"] == " ".join(SPOKEN[:3])


def read_until_closed(socket: ClientConnection) -> list[dict[str, Any]]:
    told = []
    try:
        while True:
            told.append(json.loads(socket.recv(timeout=8)))
    except ConnectionClosed:
        return told


@pytest.mark.parametrize("config", [{"audio_encoding": "MP3"}, {"sample_rate_hertz": 4}, {"audio_language": 5}, "x"])
def test_the_audio_must_be_linear16(partner: Partner, config: Any) -> None:
    assert partner.call("POST", "transcription/session/create", {"audio_config": config}).status_code == 400


def test_a_session_needs_no_order_at_all(partner: Partner) -> None:
    answer = partner.call("POST", "transcription/session/create")
    assert answer.status_code == 201
    shown = partner.session(answer.json()["transcription_session_id"])
    assert shown["config"] == {
        "audio_encoding": "LINEAR16",
        "audio_language": "en-US",
        "sample_rate_hertz": 16_000,
    }
    assert partner.create_dictation(transcription_session_id="mine") == "mine"
    partner.settings(repeated_create_status=201)
    assert partner.create_dictation(transcription_session_id="mine") == "mine"


@pytest.mark.parametrize(
    ("frame", "offence"),
    [
        ({"type": "AUDIO", "data": "AAAA"}, "data_instead_of_audioData"),
        ({"type": "AUDIO", "audioData": "RU9G"}, "RU9G_in_dictation"),
        ({"type": "AUDIO", "audioData": "?"}, "not_base64"),
        ({"type": "START_TIME", "data": "AAAA"}, "unknown_event"),
    ],
)
def test_what_belongs_to_the_other_socket_is_an_offence(partner: Partner, frame: dict[str, Any], offence: str) -> None:
    session = partner.create_dictation()
    with partner.transcribe(session) as socket:
        say(socket, **frame)
        say(socket, type="EVENT", event="AUDIO_END")
        read_until_closed(socket)
    assert partner.session(session)["offences"][offence] == 1


def test_a_binary_frame_ends_the_socket(partner: Partner) -> None:
    session = partner.create_dictation()
    with partner.transcribe(session) as socket:
        socket.send(PCM[:FRAME])
        with pytest.raises(ConnectionClosedError, match="1003"):
            socket.recv(timeout=8)


def test_the_end_can_say_nothing_or_something_else(partner: Partner) -> None:
    partner.fault("dictation_end_empty", times=1)
    session = partner.create_dictation()
    partner.dictated(session, PCM)
    assert partner.end_dictation(session).json() == {}
    partner.fault("dictation_end_status", times=1, status="failed")
    session = partner.create_dictation()
    partner.dictated(session, PCM)
    assert partner.end_dictation(session).json()["status"] == "failed"


@pytest.mark.parametrize("status", [400, 409, 412])
def test_a_repeated_end_can_be_refused(partner: Partner, status: int) -> None:
    partner.settings(repeated_end_status=status)
    session = partner.create_dictation()
    partner.dictated(session, PCM)
    assert [partner.end_dictation(session).status_code for _ in range(2)] == [200, status]
    assert partner.control("PATCH", "settings", {"repeated_end_status": 500}).status_code == 400


def test_the_end_can_tell_no_more_than_was_heard(partner: Partner) -> None:
    partner.settings(settle_seconds=0)
    partner.fault("dictation_end_heard")
    partner.fault("socket_dropped", times=1, after_bytes=5 * 32_000)
    session = partner.create_dictation()
    with partner.transcribe(session) as socket:
        send(socket, TEN_SECONDS[: 5 * 32_000])
        first = finals(read_until_closed(socket))
    later = finals(partner.dictated(session, TEN_SECONDS[5 * 32_000 :]))
    assert partner.end_dictation(session).json()["final_transcript"] == " ".join([*first, *later])
    assert " ".join([*first, *later]) != " ".join(SPOKEN[:3])


def test_the_end_of_a_failed_dictation_can_tell_no_more_than_was_heard(partner: Partner) -> None:
    partner.fault("dictation_end_heard")
    partner.fault("dictation_end_status")
    session = partner.create_dictation()
    heard = finals(partner.dictated(session, TEN_SECONDS))
    told = partner.end_dictation(session).json()
    assert (told["status"], told["final_transcript"]) == ("failed", " ".join(heard))


@pytest.mark.parametrize(
    ("fault", "params", "ended_by"),
    [
        ("socket_dropped", {"after_bytes": len(TEN_SECONDS)}, "dropped by a fault"),
        ("no_eof", {}, "end of audio"),
        ("eof_never", {}, "client"),
    ],
)
def test_the_end_can_say_nothing_after_a_socket_that_ended_badly(
    partner: Partner, fault: str, params: dict[str, Any], ended_by: str
) -> None:
    partner.settings(settle_seconds=0)
    partner.fault("dictation_end_empty")
    partner.fault(fault, times=1, **params)
    session = partner.create_dictation()
    with partner.transcribe(session) as socket:
        send(socket, TEN_SECONDS)
        with suppress(ConnectionClosed):
            say(socket, type="EVENT", event="AUDIO_END")
        heard = read_until(socket, SPOKEN[2])
    assert EOF not in heard
    assert partner.until(session, lambda shown: shown["state"] == "idle")["sockets"][0]["ended_by"] == ended_by
    assert partner.dictated(session, b"")[-1] == EOF
    assert partner.end_dictation(session).json() == {}


def read_until(socket: ClientConnection, final: str) -> list[dict[str, Any]]:
    """What is told until this final, or until the connection is closed."""
    told: list[dict[str, Any]] = []
    with suppress(ConnectionClosed):
        while final not in finals(told):
            told.append(json.loads(socket.recv(timeout=8)))
    return told


def test_what_was_said_in_the_last_frame_before_a_break_is_in_the_whole(partner: Partner) -> None:
    first_line = TEN_SECONDS[: FRAME * math.ceil(sample()["transcript"][0]["end_offset_ms"] / 100)]
    partner.settings(settle_seconds=0)
    partner.fault("socket_dropped", times=1, after_bytes=len(first_line))
    session = partner.create_dictation()
    with partner.transcribe(session) as socket:
        send(socket, first_line)
        assert finals(read_until_closed(socket)) == []
    partner.until(session, lambda shown: shown["state"] == "idle")
    assert partner.end_dictation(session).json()["final_transcript"] == SPOKEN[0]


def test_an_end_that_comes_early_or_twice_is_an_offence(partner: Partner) -> None:
    session = partner.create_dictation()
    with partner.transcribe(session) as socket:
        assert partner.end_dictation(session).json()["status"] == "cancelled"
        with pytest.raises(ConnectionClosed, match="1001"):
            socket.recv(timeout=8)
    assert partner.end_dictation(session).status_code == 200
    assert partner.session(session)["offences"] == {"ended_before_EOF": 1, "ended_twice": 1}


def test_a_frame_can_be_a_byte_each(partner: Partner) -> None:
    partner.fault("frame_a_byte")
    session = partner.create_dictation()
    with partner.transcribe(session) as socket:
        say(socket, type="EVENT", event="AUDIO_END")
        parts = list(socket.recv_streaming())
    assert "".join(str(part) for part in parts) == json.dumps(EOF)
    assert len(parts) == len(json.dumps(EOF))


@pytest.mark.parametrize("fault", ["frames_wrong_kind", "frames_junk", "frames_binary", "frames_huge"])
def test_noise_comes_before_what_is_true(partner: Partner, fault: str) -> None:
    partner.fault(fault)
    session = partner.create_dictation()
    with partner.transcribe(session) as socket:
        send(socket, TEN_SECONDS)
        say(socket, type="EVENT", event="AUDIO_END")
        told = list(socket)
    noise, true = told[::2], [json.loads(one) for one in told[1::2]]
    assert (finals(true), true[-1]) == (SPOKEN[:3], EOF)
    assert not any(line in str(one) for one in noise for line in SPOKEN)


def test_partials_can_change_or_stay_away(partner: Partner) -> None:
    partner.fault("partials_none", times=1)
    assert partials(partner.dictated(partner.create_dictation(), TEN_SECONDS)) == []
    partner.fault("partials_change", times=1)
    told = partner.dictated(partner.create_dictation(), TEN_SECONDS)
    assert not any(line.startswith(partial) for partial in partials(told) for line in SPOKEN)
    assert finals(told) == SPOKEN[:3]


def test_eof_can_be_left_out(partner: Partner) -> None:
    partner.fault("no_eof", times=1)
    told = partner.dictated(partner.create_dictation(), TEN_SECONDS)
    assert finals(told) == SPOKEN[:3]
    assert EOF not in told


def test_eof_can_be_waited_for_in_vain(partner: Partner) -> None:
    partner.fault("eof_never", times=1)
    session = partner.create_dictation()
    with partner.transcribe(session) as socket:
        say(socket, type="EVENT", event="AUDIO_END")
        with pytest.raises(TimeoutError):
            socket.recv(timeout=0.3)
        assert partner.session(session)["state"] == "running"
        socket.close()
        with pytest.raises(ConnectionClosedOK):
            socket.recv(timeout=8)
    assert partner.until(session, lambda shown: shown["state"] == "idle")["sockets"][0]["ended_by"] == "client"
