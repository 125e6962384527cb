"""Suki: audio of ambient sessions on its way, and what becomes of it when the other side does not behave."""

from __future__ import annotations

import json
import socket
import struct
import time
from base64 import b64decode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.vendors import suki_server
from tests.vendors.contract import LOOPBACK, job
from tests.vendors.going import Noted, OwnTokens
from tests.vendors.scripted_server import Answer, http
from tests.vendors.suki_server import EOF, SukiServer, Tone, numbers, takes_all
from tests.vendors.test_suki_client import CREDENTIALS, REF
from tests.vendors.websocket_peer import Peer
from vendors.base import Account, Notice, Submitted, Superseded, VendorError, Wish
from vendors.outbound import Outbound
from vendors.suki import frames
from vendors.suki.adapter import SukiVendor
from vendors.suki.streaming import Patience

BUSY = suki_server.error(412, "FailedPrecondition: session is RUNNING")
DICTATED = Wish(("transcript_item",), "en-US", kind="dictation")


class Hasty(SukiVendor):
    patience = Patience(tries=4, first_seconds=0.01, longest_seconds=0.02, quiet_seconds=0.4)


def submit(
    server: SukiServer, progress: Noted, *durations_ms: int, pace: str = "fast", wish: Wish | None = None
) -> Submitted:
    sounds = tuple(Tone(duration_ms) for duration_ms in durations_ms or (1_000,))
    asked = job(sounds=sounds, **({"wish": wish} if wish else {}))
    return vendor_of(server, pace).submit(asked, progress)


def vendor_of(server: SukiServer, pace: str = "fast") -> Hasty:
    outbound = Outbound(LOOPBACK).trusting(server.url)
    return Hasty(Account(server.url, CREDENTIALS, {"pace": pace}), outbound, OwnTokens())


def dictate(server: SukiServer, progress: Noted, *durations_ms: int, pace: str = "fast") -> list[str]:
    """The lines of the transcript."""
    submitted = submit(server, progress, *durations_ms, pace=pace, wish=DICTATED)
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

    def test_it_starts_when_the_consultation_did_where_that_is_known(self) -> None:
        taken, began = Taken(), datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
        with SukiServer(taken) as server:
            vendor_of(server).submit(job(sounds=(Tone(100),), started_at=began), Noted())
        assert datetime.fromisoformat(b64decode(taken.connections[0][0]["data"]).decode()) == began

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
        assert [messages[0]["type"] for messages in taken.connections] == ["START_TIME", "AUDIO", "AUDIO", "AUDIO"]
        assert server.calls().count("create") == server.calls().count("end") == 1
        assert len(progress.broke_at_ms) == 3

    def test_no_connection_waits_for_audio_that_is_slow_to_come(self) -> None:
        at: dict[str, float] = {}

        class Slow(Tone):
            def frames(self, start_ms: int) -> Iterator[bytes]:
                time.sleep(0.5)
                at["audio"] = time.monotonic()
                yield from super().frames(start_ms)

        def talk(peer: Peer) -> None:
            at["connection"] = time.monotonic()
            takes_all(peer)

        with SukiServer(talk) as server:
            vendor_of(server).submit(job(sounds=(Slow(300),)), Noted())
        assert at["audio"] < at["connection"]

    def test_a_connection_that_breaks_costs_no_second_decoding(self) -> None:
        begun: list[int] = []

        class Counted(Tone):
            def frames(self, start_ms: int) -> Iterator[bytes]:
                begun.append(start_ms)
                yield from super().frames(start_ms)

        taken = Taken(4, 4)
        with SukiServer(taken) as server:
            vendor_of(server).submit(job(sounds=(Counted(30_000),)), Noted())
        assert (len(taken.connections), begun) == (3, [0])

    def test_another_worker_goes_on_from_what_was_told_as_sent(self) -> None:
        taken, progress = Taken(), Noted(most_ms=1_000)
        with SukiServer(taken) as server:
            with pytest.raises(Superseded):
                submit(server, progress, 3_000)
            assert (progress.ref, progress.sent_ms) == (REF, 1_000)
            submit(server, Noted(ref=progress.ref, sent_ms=progress.sent_ms), 3_000)
        assert [numbers(messages) for messages in taken.connections] == [list(range(10)), list(range(10, 30))]
        assert server.calls().count("create") == server.calls().count("context") == 1

    def test_an_end_that_is_refused_for_now_is_no_broken_connection(self) -> None:
        progress = Noted()
        with SukiServer(end=[suki_server.error(503, "unavailable"), http(200, {})]) as server:
            with pytest.raises(VendorError):
                submit(server, progress)
            submit(server, Noted(ref=REF, sent_ms=progress.sent_ms, heard_ms=progress.heard_ms))
        assert (progress.heard_ms, progress.broke_at_ms) == (1_000, [])
        assert server.calls().count("stream") == 1

    def test_what_was_sent_whole_is_only_ended(self) -> None:
        earlier = Noted(ref=REF, sent_ms=1_000)
        with SukiServer() as server:
            assert submit(server, earlier) == Submitted(REF)
        assert server.calls() == ["login", "end"]
        assert earlier.broke_at_ms == [1_000]

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
