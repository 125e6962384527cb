"""Ambient sessions: the audio as it is streamed, and what is made of it."""

import hashlib
import json
import threading
import time
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, InvalidStatus
from websockets.sync.client import connect

from sandbox.sample import sample
from sandbox.suki.hearing import sample_samples
from sandbox.suki.settings import Settings

from .conftest import DELAY
from .partner import FRAME, Partner, encoded, frames, samples, say, send_audio

PCM = samples(1)


def offset_ms(offset: dict[str, int]) -> float:
    seconds = (offset["hours"] * 60 + offset["minutes"]) * 60 + offset["seconds"]
    return seconds * 1000 + offset["nanos"] / 1e6


def test_ids_are_ours_or_the_vendors(partner: Partner) -> None:
    assert partner.create(ambient_session_id="visit-7") == "visit-7"
    assert len({partner.create(), partner.create()}) == 2
    assert partner.call("POST", "ambient/session/create", {"ambient_session_id": ""}).status_code == 400


def test_the_same_id_twice_is_a_conflict_or_the_same_session(partner: Partner) -> None:
    partner.create(ambient_session_id="one")
    again = partner.call("POST", "ambient/session/create", {"ambient_session_id": "one"})
    assert (again.status_code, again.json()["message"]) == (409, "session_already_exists")
    partner.settings(repeated_create_status=201)
    assert partner.create(ambient_session_id="one") == "one"


def test_every_frame_is_counted_and_every_byte_kept(partner: Partner) -> None:
    shown = partner.session(partner.streamed(PCM))
    assert (shown["audio_frames"], shown["audio_bytes"], shown["duration_ms"]) == (10, 32_000, 1000)
    assert shown["sha256"] == hashlib.sha256(PCM).hexdigest()
    assert shown["frames"] == {"START_TIME": 1, "AUDIO": 11, "end": 1}
    assert (shown["repeated_frames"], shown["offences"]) == (0, {})
    (socket,) = shown["sockets"]
    assert (socket["ended_by"], socket["close_code"]) == ("end of audio", 1000)


def test_a_session_goes_its_way(partner: Partner) -> None:
    session = partner.create()
    assert partner.session(session)["state"] == "created"
    partner.ambient("POST", session, "context", {"patient": {"name": "A"}})
    assert partner.session(session)["state"] == "ready"
    with partner.stream(session) as socket:
        send_audio(socket, PCM)
        partner.until(session, lambda shown: shown["state"] == "running")
        say(socket, type="AUDIO", data="RU9G")
    answer = partner.ambient("POST", session, "end")
    assert (answer.status_code, answer.content) == (200, b"")
    assert partner.over(session)["state"] == "completed"
    told = [partner.ambient("GET", session, "status").json()["status"] for _ in range(2)]
    assert sorted(told) == ["COMPLETED", "completed"]


def test_context_is_replaced_or_changed(partner: Partner) -> None:
    session = partner.create()
    partner.ambient("POST", session, "context", {"patient": {"a": 1}, "visit": {"b": 2}})
    partner.ambient("PATCH", session, "context", {"visit": {"c": 3}, "surprise": 1})
    shown = partner.session(session)
    assert shown["context"] == {"patient": {"a": 1}, "visit": {"c": 3}, "surprise": 1}
    assert shown["offences"] == {"unknown_field surprise": 1}


def test_the_sample_has_its_own_transcript_and_note(partner: Partner) -> None:
    partner.settings(shortest_seconds=Settings().shortest_seconds)
    session = partner.finished(sample_samples(), encounter_id="visit-1")
    heard = partner.ambient("GET", session, "transcript").json()["final_transcript"]
    assert [(one["transcript"], offset_ms(one["start_offset"]), offset_ms(one["end_offset"])) for one in heard] == [
        (one["text"], one["start_offset_ms"], one["end_offset_ms"]) for one in sample()["transcript"]
    ]
    assert heard[0]["start_time"] == "2026-03-01T09:00:00.350Z"
    assert heard[0].keys() == {
        *("start_time", "end_time", "start_offset", "end_offset"),
        *("lang_id", "recording_id", "transcript", "transcript_id"),
    }
    summary = partner.ambient("GET", session, "content").json()["summary"]
    assert [one["content"] for one in summary] == [one["text"] for one in sample()["note"]["sections"]]
    assert all(one.keys() == {"title", "content", "loinc_code", "source_transcripts"} for one in summary)
    assert summary[1]["loinc_code"] == "10164-2"
    assert set(summary[1]["source_transcripts"]) <= {one["transcript_id"] for one in heard}


def test_other_audio_has_a_script_of_its_own(partner: Partner) -> None:
    partner.settings(shortest_seconds=0)
    told = [partner.ambient("GET", partner.made(seconds=90), "transcript").json() for _ in range(2)]
    texts = [[one["transcript"] for one in one_told["final_transcript"]] for one_told in told]
    assert texts[0] == texts[1] != []
    assert offset_ms(told[0]["final_transcript"][-1]["end_offset"]) == 90_000


def test_the_note_has_the_sections_that_were_asked_for(partner: Partner) -> None:
    session = partner.create()
    partner.ambient("POST", session, "context", {"sections": [{"loinc": "18776-5"}, {"loinc": "51848-0"}]})
    with partner.stream(session) as socket:
        send_audio(socket, sample_samples())
    partner.ambient("POST", session, "end")
    partner.over(session)
    summary = partner.ambient("GET", session, "content").json()["summary"]
    assert [one["loinc_code"] for one in summary] == ["51848-0", "18776-5"]


def test_cumulative_content_is_the_whole_encounters(partner: Partner) -> None:
    first = partner.made(encounter_id="visit")
    second = partner.made(encounter_id="visit")
    partner.made(encounter_id="other")
    one = partner.ambient("GET", first, "content").json()["summary"]
    both = partner.ambient("GET", second, "content?cumulative=true").json()["summary"]
    assert len(both) == 2 * len(one)


def test_nothing_is_told_before_the_session_is_completed(partner: Partner) -> None:
    session = partner.streamed(PCM)
    assert partner.ambient("GET", session, "content").status_code == 404
    assert partner.ambient("GET", session, "transcript").status_code == 404


def test_too_little_audio_is_skipped(partner: Partner) -> None:
    partner.settings(shortest_seconds=2)
    assert partner.session(partner.finished(PCM))["state"] == "skipped"


def test_a_session_of_no_audio_is_skipped(partner: Partner) -> None:
    session = partner.create()
    partner.ambient("POST", session, "end")
    assert partner.over(session)["state"] == "skipped"


@pytest.mark.parametrize("state", ["failed", "aborted", "skipped"])
def test_a_session_can_end_otherwise(partner: Partner, state: str) -> None:
    partner.fault(f"session_{state}", times=1)
    assert partner.session(partner.finished(PCM))["state"] == state


def test_a_session_can_take_long_or_for_ever(partner: Partner) -> None:
    partner.fault("session_late", times=1, delay=DELAY * 4)
    late = partner.streamed(PCM)
    partner.ambient("POST", late, "end")
    partner.fault("session_never_ends", times=1)
    never = partner.streamed(PCM)
    partner.ambient("POST", never, "end")
    time.sleep(DELAY * 2)
    assert partner.session(late)["state"] == "running"
    partner.over(late)
    assert partner.session(never)["state"] == "running"


@pytest.mark.parametrize("event", ["CANCEL", "ABORT"])
def test_a_client_can_give_up(partner: Partner, event: str) -> None:
    session = partner.create()
    with partner.stream(session) as socket:
        send_audio(socket, PCM)
        say(socket, type="EVENT", event=event)
        assert list(socket) == []
    assert partner.over(session)["state"] == "aborted"


def test_a_transcript_can_have_fifty_thousand_words(partner: Partner) -> None:
    session = partner.made()
    partner.fault("transcript_long")
    told = partner.ambient("GET", session, "transcript").json()["final_transcript"]
    assert sum(len(one["transcript"].split()) for one in told) > 50_000


OFFENCES: list[tuple[dict[str, Any], str]] = [
    ({"type": "AUDIO", "data": "no base64!"}, "not_base64"),
    ({"type": "AUDIO"}, "not_base64"),
    ({"type": "AUDIO", "data": encoded(b"123")}, "odd_bytes"),
    ({"type": "AUDIO", "data": encoded(bytes(3202))}, "long_frame"),
    ({"type": "AUDIO", "data": encoded(b"RIFF1234")}, "container_header"),
    ({"type": "AUDIO", "audioData": encoded(b"12")}, "audioData_instead_of_data"),
    ({"type": "START_TIME", "data": encoded(b"2026-03-01T09:00:00Z")}, "start_time_repeated"),
    ({"type": "START_TIME", "data": encoded(b"now")}, "start_time_unreadable"),
    ({"type": "EVENT", "event": "SING"}, "unknown_event"),
    ({"type": "NOISE"}, "unknown_frame"),
]


@pytest.mark.parametrize(("frame", "offence"), OFFENCES)
def test_what_is_wrong_with_a_frame_is_written_down(partner: Partner, frame: dict[str, Any], offence: str) -> None:
    session = partner.create()
    with partner.stream(session) as socket:
        say(socket, **frame)
        say(socket, type="AUDIO", data="RU9G")
        assert list(socket) == []
    assert partner.session(session)["offences"][offence] == 1


def test_audio_before_the_start_time_is_an_offence(partner: Partner) -> None:
    session = partner.create()
    with partner.stream(session, started=False) as socket:
        send_audio(socket, PCM[:FRAME])
        socket.send("[1]")
        say(socket, type="AUDIO", data="RU9G")
    assert partner.session(session)["offences"] == {"audio_before_start_time": 1, "not_an_object": 1}


def test_a_binary_frame_ends_the_socket(partner: Partner) -> None:
    session = partner.create()
    with partner.stream(session) as socket:
        socket.send(PCM[:FRAME])
        with pytest.raises(ConnectionClosedError, match="1003"):
            socket.recv(timeout=8)
    assert partner.session(session)["offences"] == {"binary_frame": 1}


def test_a_message_beyond_the_limit_ends_the_socket(partner: Partner) -> None:
    session = partner.create()
    with partner.stream(session) as socket:
        say(socket, type="AUDIO", data="A" * 1_100_000)
        with pytest.raises(ConnectionClosedError, match="1009"):
            socket.recv(timeout=8)
    assert partner.session(session)["sockets"][0]["ended_by"] == "PayloadTooBig"


def test_a_message_in_many_frames_is_one(partner: Partner) -> None:
    session = partner.create()
    with partner.stream(session) as socket:
        socket.send(iter(json.dumps({"type": "AUDIO", "data": encoded(PCM[:FRAME])})))
        say(socket, type="AUDIO", data="RU9G")
        assert list(socket) == []
    assert partner.session(session)["audio_bytes"] == FRAME


def test_silence_ends_the_socket(partner: Partner) -> None:
    partner.settings(quiet_seconds=0.3)
    session = partner.create()
    with partner.stream(session) as socket:
        begun = time.monotonic()
        with pytest.raises(ConnectionClosed, match="silent for too long"):
            socket.recv(timeout=8)
    assert time.monotonic() - begun > 0.25
    assert partner.session(session)["offences"] == {"silent_for_too_long": 1}


def test_a_pause_lasts_as_long_as_it_is_kept_alive(partner: Partner) -> None:
    partner.settings(quiet_seconds=0.5)
    session = partner.create()
    with partner.stream(session) as socket:
        say(socket, type="EVENT", event="PAUSE")
        for _ in range(4):
            time.sleep(0.25)
            say(socket, type="EVENT", event="KEEP_ALIVE")
        say(socket, type="EVENT", event="RESUME")
        send_audio(socket, PCM[:FRAME])
        say(socket, type="AUDIO", data="RU9G")
        assert list(socket) == []
    assert partner.session(session)["offences"] == {}


def test_a_socket_dropped_in_mid_audio_can_be_resumed(partner: Partner) -> None:
    partner.fault("socket_dropped", times=1, after_bytes=4 * FRAME)
    session = partner.create()
    with partner.stream(session) as socket:
        send_audio(socket, PCM[: 4 * FRAME])
        with pytest.raises(ConnectionClosedError):
            socket.recv(timeout=8)
    with partner.stream(session) as socket:
        send_audio(socket, PCM[4 * FRAME :])
        say(socket, type="AUDIO", data="RU9G")
        assert list(socket) == []
    shown = partner.session(session)
    assert shown["sha256"] == hashlib.sha256(PCM).hexdigest()
    assert [one["ended_by"] for one in shown["sockets"]] == ["dropped by a fault", "end of audio"]
    assert shown["repeated_frames"] == 0


@pytest.mark.parametrize(("again", "offences"), [(True, {"start_time_twice": 1}), (False, {})])
def test_the_start_time_is_said_on_the_first_socket_alone(
    partner: Partner, again: bool, offences: dict[str, int]
) -> None:
    session = partner.create()
    with partner.stream(session) as socket:
        send_audio(socket, PCM[:FRAME])
    with partner.stream(session, started=False) as socket:
        if again:
            say(socket, type="START_TIME", data=encoded(b"2026-03-01T10:00:00Z"))
        send_audio(socket, PCM[FRAME:])
        say(socket, type="AUDIO", data="RU9G")
        assert list(socket) == []
    shown = partner.session(session)
    assert (shown["offences"], shown["started"]) == (offences, "2026-03-01T09:00:00.000Z")


def test_audio_that_is_sent_twice_shows(partner: Partner) -> None:
    shown = partner.session(partner.streamed(PCM + PCM[-2 * FRAME :]))
    assert shown["repeated_frames"] == 2


def test_a_newer_socket_takes_over(partner: Partner) -> None:
    session = partner.create()
    with partner.stream(session) as older, partner.stream(session) as newer:
        with pytest.raises(ConnectionClosed, match="1001"):
            older.recv(timeout=8)
        send_audio(newer, PCM[:FRAME])
        say(newer, type="AUDIO", data="RU9G")
        assert list(newer) == []
    assert [one["ended_by"] for one in partner.session(session)["sockets"]] == ["vendor", "end of audio"]


def test_a_client_that_vanishes_is_written_down(partner: Partner) -> None:
    session = partner.create()
    with partner.stream(session) as socket:
        send_audio(socket, PCM[:FRAME])
        socket.socket.close()
    assert partner.until(session, lambda shown: shown["sockets"][0]["closed"])["sockets"][0]["ended_by"] == "vanished"


def test_an_ended_session_takes_no_more(partner: Partner) -> None:
    session = partner.finished(PCM)
    with pytest.raises(InvalidStatus, match="400"), partner.stream(session):
        pass
    assert partner.ambient("POST", session, "end").status_code == 200
    assert partner.session(session)["offences"] == {"ended_twice": 1}


def test_ending_hangs_up_on_whoever_streams(partner: Partner) -> None:
    session = partner.create()
    with partner.stream(session) as socket:
        send_audio(socket, PCM)
        partner.ambient("POST", session, "end")
        with pytest.raises(ConnectionClosed, match="1001"):
            socket.recv(timeout=8)
    assert partner.over(session)["offences"] == {"ended_before_end_of_audio": 1}


@pytest.mark.parametrize("status", [200, 400, 409, 412])
def test_a_repeated_end_is_answered_as_a_setting_says(partner: Partner, status: int) -> None:
    partner.settings(repeated_end_status=status)
    session = partner.finished(PCM)
    again = partner.ambient("POST", session, "end")
    assert (again.status_code, b"FailedPrecondition" in again.content) == (status, status != 200)
    shown = partner.session(session)
    assert (shown["state"], shown["offences"]) == ("completed", {"ended_twice": 1})


def test_handshakes_are_refused_as_calls_are(partner: Partner) -> None:
    session = partner.create()
    for name, value, status in (("sdp_suki_token", "x", 401), ("ambient_session_id", "unknown", 404)):
        headers = {"sdp_suki_token": partner.token, "ambient_session_id": session} | {name: value}
        with pytest.raises(InvalidStatus, match=str(status)):
            connect(f"{partner.sockets}/stream", additional_headers=headers)
    partner.fault("stream_token_expired", times=1)
    with pytest.raises(InvalidStatus, match="401"), partner.stream(session):
        pass
    assert partner.call("GET", "../../ws/stream").status_code == 426


def test_what_is_said_to_the_client_can_be_noise(partner: Partner) -> None:
    partner.fault("frames_wrong_kind", times=1)
    session = partner.create()
    with partner.stream(session) as socket:
        told = [json.loads(socket.recv(timeout=8)) for _ in range(10)]
    assert told[:4] == [[], 5, None, {"type": "NOISE"}]


def test_ten_sessions_at_once_are_kept_apart(partner: Partner) -> None:
    sound = [samples(2, seed) for seed in range(10)]
    done: dict[int, str] = {}
    partner.new_token()
    assert partner.token
    threads = [
        threading.Thread(target=lambda n=number: done.update({n: partner.streamed(sound[n])})) for number in range(10)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    for number, session in done.items():
        assert partner.session(session)["sha256"] == hashlib.sha256(sound[number]).hexdigest()
    assert len(done) == len(frames(sound[0])) // 2 == 10
