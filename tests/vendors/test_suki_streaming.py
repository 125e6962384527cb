"""Suki: audio on its way, and what becomes of it when the other side does not behave."""

from __future__ import annotations

import json
import socket
import struct
import time
from base64 import b64decode
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.vendors import suki_server
from tests.vendors.contract import LOOPBACK, job
from tests.vendors.going import Noted, OwnTokens
from tests.vendors.scripted_server import Answer, http
from tests.vendors.suki_server import EOF, SukiServer, Tone, heard, numbers, takes_all
from tests.vendors.test_suki_client import CREDENTIALS, REF
from tests.vendors.websocket_peer import Peer
from vendors.base import Account, Line, Notice, Submitted, Superseded, VendorError, Wish
from vendors.outbound import Outbound
from vendors.suki import frames
from vendors.suki.adapter import SukiVendor
from vendors.suki.streaming import Patience

BUSY = suki_server.error(412, "FailedPrecondition: session is RUNNING")
DICTATED = Wish(("transcript_item",), "en-US", kind="dictation")


class Hasty(SukiVendor):
    patience = Patience(tries=4, first_seconds=0.01, longest_seconds=0.02, quiet_seconds=0.4)


def submit(
    server: SukiServer, progress: Noted, duration_ms: int = 1_000, pace: str = "fast", wish: Wish | None = None
) -> Submitted:
    outbound = Outbound(LOOPBACK).trusting(server.url)
    vendor = Hasty(Account(server.url, CREDENTIALS, {"pace": pace}), outbound, OwnTokens())
    asked = job(sound=Tone(duration_ms), **({"wish": wish} if wish else {}))
    return vendor.submit(asked, progress)


def dictate(server: SukiServer, progress: Noted, duration_ms: int = 1_000, pace: str = "fast") -> list[str]:
    """The lines of the transcript."""
    submitted = submit(server, progress, duration_ms, pace, DICTATED)
    assert submitted.answer is not None
    result = SukiVendor.parse(submitted.answer)
    assert not isinstance(result, Notice)
    assert result.ref == REF
    return [line.text for line in result.transcript or ()]


def drop(peer: Peer) -> None:
    """The connection is gone, with whatever was on its way."""
    peer.line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.line.close()


class Taken:
    """What arrived on each connection. Drops the first ones after so many messages."""

    def __init__(self, *drops: int) -> None:
        self.drops = list(drops)
        self.connections: list[list[dict[str, Any]]] = []

    def __call__(self, peer: Peer) -> None:
        messages: list[dict[str, Any]] = []
        self.connections.append(messages)
        most = self.drops.pop(0) if self.drops else None
        while (message := peer.receive()) is not None:
            messages.append(json.loads(message))
            if len(messages) == most:
                return drop(peer)
            if message == frames.END_OF_DICTATION:
                peer.say(EOF)
        return None


class TestAmbient:
    def test_a_stream_is_a_start_the_audio_and_an_end(self) -> None:
        taken, progress = Taken(), Noted()
        with SukiServer(taken) as server:
            assert submit(server, progress, 250) == Submitted(REF)
        (messages,) = taken.connections
        assert [message["type"] for message in messages] == ["START_TIME", "AUDIO", "AUDIO", "AUDIO", "AUDIO"]
        start = datetime.fromisoformat(b64decode(messages[0]["data"]).decode())
        assert timedelta(0) <= datetime.now(UTC) - start < timedelta(seconds=5)
        assert [len(suki_server.pcm(message)) for message in messages[1:]] == [3200, 3200, 1600, 3]
        assert messages[-1] == {"type": "AUDIO", "data": "RU9G"}
        (stream,) = server.of("stream")
        assert (stream.method, stream.path) == ("GET", "/ws/stream")
        assert stream.headers["ambient_session_id"] == REF
        assert stream.headers["sdp_suki_token"]
        assert "permessage-deflate" not in stream.headers.get("sec-websocket-extensions", "")

    def test_what_is_about_to_be_sent_is_told_about_once_a_second(self) -> None:
        told: list[int] = []

        class Telling(Noted):
            def sending(self, until_ms: int) -> None:
                told.append(until_ms)

        with SukiServer() as server:
            submit(server, Telling(), 3_450)
        assert told == [1_000, 2_000, 3_000, 3_450]

    def test_in_real_time_each_frame_is_sent_when_it_is_due(self) -> None:
        with SukiServer() as server:
            began = time.monotonic()
            submit(server, Noted(), 800, pace="real_time")
            assert 0.8 <= time.monotonic() - began < 2

    def test_a_dropped_socket_resumes_and_sends_nothing_twice(self) -> None:
        taken, progress = Taken(4, 4, 4), Noted()
        with SukiServer(taken) as server:
            submit(server, progress, 30_000)
        sent = [number for messages in taken.connections for number in numbers(messages)]
        assert len(taken.connections) == 4
        assert sent == sorted(set(sent))
        assert sent[-1] == 299
        assert all(messages[0]["type"] == "START_TIME" for messages in taken.connections)
        assert server.calls().count("create") == server.calls().count("end") == 1

    def test_another_worker_goes_on_from_what_was_told_as_sent(self) -> None:
        taken, progress = Taken(), Noted(most_ms=1_000)
        with SukiServer(taken) as server:
            with pytest.raises(Superseded):
                submit(server, progress, 3_000)
            assert (progress.ref, progress.sent_ms) == (REF, 1_000)
            submit(server, Noted(ref=progress.ref, sent_ms=progress.sent_ms), 3_000)
        assert [numbers(messages) for messages in taken.connections] == [list(range(10)), list(range(10, 30))]
        assert server.calls().count("create") == server.calls().count("context") == 1

    def test_what_was_sent_whole_is_only_ended(self) -> None:
        with SukiServer() as server:
            assert submit(server, Noted(ref=REF, sent_ms=1_000)) == Submitted(REF)
        assert server.calls() == ["login", "end"]

    def test_a_server_that_drops_each_connection_is_left_after_some(self) -> None:
        with SukiServer(drop) as server, pytest.raises(VendorError) as caught:
            submit(server, Noted(), 60_000)
        assert (caught.value.code, caught.value.permanent) == ("no_answer", False)
        assert server.calls().count("stream") == 4

    def test_a_busy_session_is_tried_again_and_then_streamed_to(self) -> None:
        taken = Taken()
        answers: list[Answer] = [BUSY, suki_server.error(400, "FailedPrecondition")]
        with SukiServer(stream=answers) as server:
            server.scripts["stream"].append(lambda line: taken(Peer(line, server.asked[-1])))
            submit(server, Noted(), 300)
        assert server.calls().count("stream") == 3
        assert numbers(taken.connections[0]) == [0, 1, 2]

    def test_a_session_that_stays_busy_is_left_for_later(self) -> None:
        with SukiServer(stream=[BUSY]) as server, pytest.raises(VendorError) as caught:
            submit(server, Noted())
        assert (caught.value.code, caught.value.permanent) == ("session_busy", False)
        assert server.calls().count("stream") == 4

    def test_a_refused_token_is_had_anew_for_a_stream_too(self) -> None:
        taken = Taken()
        expired: list[Answer] = [suki_server.error(401, "invalid_sdp_token")]
        with SukiServer(stream=expired) as server:
            server.scripts["stream"].append(lambda line: taken(Peer(line, server.asked[-1])))
            submit(server, Noted(), 100)
        assert server.calls() == ["login", "create", "context", "stream", "login", "stream", "end"]

    @pytest.mark.parametrize("accepted", ["SukiAmbientAuth", "SukiTranscriptionAuth"])
    def test_where_headers_are_not_accepted_both_subprotocols_are_tried(self, accepted: str) -> None:
        class Picky(SukiServer):
            def respond(self) -> Answer:
                asked = self.asked[-1]
                offered = asked.headers.get("sec-websocket-protocol", "")
                if asked.path.startswith("/ws/") and not offered.startswith(accepted):
                    return suki_server.error(401, "invalid_sdp_token")
                return super().respond()

        with Picky() as server:
            submit(server, Noted(), 100)
        name, token, session = server.of("stream")[-1].headers["sec-websocket-protocol"].replace(" ", "").split(",")
        assert (name, session) == (accepted, REF)
        assert token == server.of("end")[0].headers["sdp_suki_token"]

    def test_what_a_stream_says_is_taken_and_forgotten(self) -> None:
        def talkative(peer: Peer) -> None:
            for _ in range(500):
                peer.say({"type": "NOISE"})
                peer.say(b"\x00" * 100)
            takes_all(peer)

        with SukiServer(talkative) as server:
            assert submit(server, Noted(), 3_000) == Submitted(REF)

    @pytest.mark.parametrize("status", [403, 404, 418])
    def test_a_stream_that_is_refused_is_not_tried_again(self, status: int) -> None:
        with SukiServer(stream=[suki_server.error(status, "no")]) as server, pytest.raises(VendorError) as caught:
            submit(server, Noted())
        assert caught.value.permanent


class TestDictation:
    def test_finals_are_told_as_they_come_and_are_the_transcript(self) -> None:
        def talk(peer: Peer) -> None:
            assert json.loads(str(peer.receive()))["type"] == "AUDIO"
            peer.say(heard("The pain", is_final=False))
            peer.say(heard("The pain began."))
            peer.objects(frames.END_OF_DICTATION)
            peer.say(heard("It is better."))
            peer.say(EOF)
            peer.objects()

        progress = Noted()
        with SukiServer(talk, end=[http(200, {})]) as server:
            assert dictate(server, progress, 500, "real_time") == ["The pain began.", "It is better."]
        assert progress.finals() == ["The pain began.", "It is better."]
        assert server.calls() == ["login", "create", "transcribe", "end"]

    def test_frames_hold_audio_data_and_never_the_other_streams_words(self) -> None:
        taken = Taken()
        with SukiServer(taken) as server:
            assert dictate(server, Noted(), 250) == []
        (messages,) = taken.connections
        assert [set(message) for message in messages] == [{"type", "audioData"}] * 3 + [{"type", "event"}]
        assert messages[-1] == {"type": "EVENT", "event": "AUDIO_END"}
        (asked,) = server.of("transcribe")
        assert (asked.path, asked.headers["transcription_session_id"]) == ("/ws/transcribe", REF)

    def test_a_partial_is_told_until_the_next(self) -> None:
        def talk(peer: Peer) -> None:
            peer.receive()
            peer.say(heard("The pa", is_final=False))
            peer.say(heard("The pain", is_final=False))
            peer.objects(frames.END_OF_DICTATION)
            peer.say(EOF)
            peer.objects()

        progress = Noted()
        with SukiServer(talk) as server:
            assert dictate(server, progress, 500, "real_time") == []
        assert progress.heard_texts[-1] == ("The pain", False)
        assert all(not is_final for _, is_final in progress.heard_texts)

    def test_the_whole_that_the_end_gives_goes_before_the_finals(self) -> None:
        whole = {"status": "completed", "final_transcript": "The pain began.\n\nIt is better.", "duration": 1.0}
        with SukiServer(end=[http(200, whole)]) as server:
            assert dictate(server, Noted()) == ["The pain began.", "It is better."]

    def test_what_an_earlier_worker_heard_is_part_of_it(self) -> None:
        earlier = Noted(ref=REF, sent_ms=500, heard_texts=[("First.", True), ("Sec", False)])

        def talk(peer: Peer) -> None:
            assert numbers(peer.objects(frames.END_OF_DICTATION)) == [5, 6, 7, 8, 9]
            peer.say(heard("Second."))
            peer.say(EOF)
            peer.objects()

        with SukiServer(talk, end=[http(200, {})]) as server:
            assert dictate(server, earlier) == ["First.", "Second."]

    def test_a_dictation_that_had_ended_already_is_what_was_heard(self) -> None:
        earlier = Noted(ref=REF, sent_ms=1_000, heard_texts=[("First.", True)])
        with SukiServer(end=[suki_server.error(409, "completed")]) as server:
            assert dictate(server, earlier) == ["First."]
        assert server.calls() == ["login", "end"]

    def test_a_dropped_connection_goes_on_under_the_same_id_once_the_session_is_free(self) -> None:
        taken = Taken(3)
        with SukiServer(end=[http(200, {"final_transcript": "All."})]) as server:

            def talk(line: socket.socket) -> None:
                taken(Peer(line, server.asked[-1]))

            server.scripts["transcribe"] = [talk, BUSY, BUSY, talk]
            assert dictate(server, Noted(), 30_000) == ["All."]
        sent = [number for messages in taken.connections for number in numbers(messages)]
        assert sent == sorted(set(sent))
        assert sent[-1] == 299
        assert {asked.headers["transcription_session_id"] for asked in server.of("transcribe")} == {REF}
        assert server.calls().count("end") == 1

    def test_an_end_before_its_time_is_gone_on_from(self) -> None:
        def ends_early(peer: Peer) -> None:
            peer.receive()
            peer.say(heard("One."))
            peer.say(EOF)
            peer.objects()

        def takes_the_rest(peer: Peer) -> None:
            peer.objects(frames.END_OF_DICTATION)
            peer.say(heard("Two."))
            peer.say(EOF)
            peer.objects()

        with SukiServer(ends_early, takes_the_rest, end=[http(200, {})]) as server:
            assert dictate(server, Noted(), 1_000, "real_time") == ["One.", "Two."]

    def test_without_an_end_it_is_ended_after_some_silence(self) -> None:
        def silent(peer: Peer) -> None:
            peer.objects(frames.END_OF_DICTATION)
            peer.say(heard("One."))
            peer.objects()

        with SukiServer(silent, end=[http(200, b"")]) as server:
            began = time.monotonic()
            assert dictate(server, Noted()) == ["One."]
            assert time.monotonic() - began < 3

    def test_a_word_that_reads_like_the_end_is_a_word_when_it_is_final(self) -> None:
        def spells(peer: Peer) -> None:
            peer.objects(frames.END_OF_DICTATION)
            peer.say(heard("EOF"))
            peer.say(heard("is three letters."))
            peer.say(EOF)
            peer.objects()

        with SukiServer(spells, end=[http(200, {})]) as server:
            assert dictate(server, Noted()) == ["EOF", "is three letters."]

    @pytest.mark.parametrize(
        "junk",
        [
            *("", "null", "[]", "17", "{", '{"transcript": "text"}', '{"transcript": {}}', "\x00", "é" * 10_000),
            *('{"transcript": {"transcript": 7}, "is_final": true}', "[" * 100_000, b"", b"\xff" * 1000),
            json.dumps({"transcript": {"transcript": "  "}, "is_final": True}),
        ],
        ids=lambda junk: f"{junk[:12]!r}#{len(junk)}",
    )
    def test_junk_among_the_messages_loses_none_of_the_others(self, junk: str | bytes) -> None:
        def talk(peer: Peer) -> None:
            peer.say(junk or '""')
            peer.say(heard("One."))
            peer.objects(frames.END_OF_DICTATION)
            peer.say(junk or b"\x00")
            peer.say(EOF)
            peer.objects()

        with SukiServer(talk, end=[http(200, {})]) as server:
            assert dictate(server, Noted()) == ["One."]

    def test_a_frame_for_each_byte_is_one_message(self) -> None:
        def talk(peer: Peer) -> None:
            message = heard("One by one, the whole of it.")
            peer.say(message, fragments=len(json.dumps(message)))
            peer.objects(frames.END_OF_DICTATION)
            peer.say(EOF, fragments=10)
            peer.objects()

        with SukiServer(talk, end=[http(200, {})]) as server:
            assert dictate(server, Noted()) == ["One by one, the whole of it."]

    @pytest.mark.parametrize("size", [1_100_000, 5_000_000])
    def test_a_message_that_is_too_long_ends_the_connection(self, size: int) -> None:
        def talk(peer: Peer) -> None:
            peer.receive()
            peer.say(heard("x" * size))
            peer.objects()

        with SukiServer(talk) as server, pytest.raises(VendorError) as caught:
            dictate(server, Noted(), 60_000, "real_time")
        assert (caught.value.code, caught.value.permanent) == ("no_answer", False)

    def test_a_flood_of_words_ends_it(self) -> None:
        def flood(peer: Peer) -> None:
            peer.objects(frames.END_OF_DICTATION)
            while True:
                peer.say(heard("x" * 500_000))

        progress = Noted()
        with SukiServer(flood) as server:
            submit(server, progress, 100, wish=DICTATED)
        assert sum(map(len, progress.finals())) <= 2_000_000

    @pytest.mark.parametrize("status", ["cancelled", "failed", "FAILED"])
    def test_an_end_that_is_none_is_a_failure_and_the_finals_stay(self, status: str) -> None:
        def talk(peer: Peer) -> None:
            peer.say(heard("One."))
            takes_all(peer)

        progress = Noted()
        with SukiServer(talk, end=[http(200, {"status": status, "final_transcript": "One."})]) as server:
            answer = submit(server, progress, wish=DICTATED).answer
        result = SukiVendor.parse(answer or b"")
        assert not isinstance(result, Notice)
        assert result.failure is not None
        assert (result.failure.code, result.transcript) == (status.lower(), None)
        assert progress.finals() == ["One."]

    def test_a_worker_that_may_not_go_on_hangs_up(self) -> None:
        closed: list[int] = []

        def talk(peer: Peer) -> None:
            closed.append(len(numbers(peer.objects())))

        with SukiServer(talk) as server, pytest.raises(Superseded):
            submit(server, Noted(most_ms=1_000), 5_000, wish=DICTATED)
        assert closed == [10]

    def test_lines_name_no_speaker(self) -> None:
        with SukiServer(end=[http(200, {"final_transcript": "One."})]) as server:
            answer = submit(server, Noted(), wish=DICTATED).answer
        result = SukiVendor.parse(answer or b"")
        assert not isinstance(result, Notice)
        assert result.transcript == (Line("One.", "unspecified", None, None),)
