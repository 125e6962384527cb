"""Suki: what is dictated, and what becomes of it when the other side does not behave."""

from __future__ import annotations

import json
import socket
import time
from contextlib import suppress
from dataclasses import replace

import pytest

from tests.vendors import suki_server
from tests.vendors.contract import LOOPBACK, job
from tests.vendors.going import Noted, OwnTokens
from tests.vendors.scripted_server import http
from tests.vendors.suki_server import EOF, SukiServer, Tone, heard, numbers, takes_all
from tests.vendors.test_suki_client import CREDENTIALS, REF
from tests.vendors.test_suki_streaming import BUSY, DICTATED, Hasty, Taken, dictate, submit
from tests.vendors.websocket_peer import Peer
from vendors.base import Account, Line, Notice, Superseded, VendorError
from vendors.outbound import Outbound
from vendors.suki import frames
from vendors.suki.adapter import SukiVendor


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
            assert dictate(server, progress, 500, pace="real_time") == ["The pain began.", "It is better."]
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
            assert dictate(server, progress, 500, pace="real_time") == []
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
        with SukiServer(transcribe=[BUSY], end=[suki_server.error(409, "completed")]) as server:
            assert dictate(server, earlier) == ["First."]
        assert server.calls() == ["login", *["transcribe"] * Hasty.patience.tries, "end"]
        assert set(earlier.broke_at_ms) == {1_000}

    def test_a_dictation_that_was_heard_out_is_only_ended(self) -> None:
        earlier = Noted(ref=REF, sent_ms=1_000, heard_ms=1_000, heard_texts=[("First.", True)])
        with SukiServer(end=[http(200, {})]) as server:
            assert dictate(server, earlier) == ["First."]
        assert server.calls() == ["login", "end"]
        assert earlier.broke_at_ms == []

    def test_one_that_breaks_after_its_last_frame_is_opened_again_for_its_last_words(self) -> None:
        def breaks(peer: Peer) -> None:
            peer.objects(frames.END_OF_DICTATION)
            peer.say(heard("Give aspirin"))
            peer.line.close()

        def says_the_rest(peer: Peer) -> None:
            assert numbers(peer.objects(frames.END_OF_DICTATION)) == []
            peer.say(heard("once a day."))
            peer.say(EOF)
            peer.objects()

        progress = Noted()
        with SukiServer(breaks, says_the_rest, end=[http(200, {})]) as server:
            assert dictate(server, progress) == ["Give aspirin", "once a day."]
        assert (progress.broke_at_ms, progress.heard_ms) == ([1_000], 1_000)

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

    def test_by_push_to_talk_each_audio_has_a_connection_of_its_own_under_the_same_id(self) -> None:
        taken, progress = Taken(), Noted()

        def talk(line: socket.socket) -> None:
            taken(Peer(line, server.asked[-1]))

        with SukiServer(end=[http(200, {"final_transcript": "All."})]) as server:
            server.scripts["transcribe"] = [talk, BUSY, talk, talk]
            assert dictate(server, progress, 300, 250, 1_200) == ["All."]
        assert [numbers(messages) for messages in taken.connections] == [[0, 1, 2], [0, 1, 2], list(range(12))]
        assert all(messages[-1] == {"type": "EVENT", "event": "AUDIO_END"} for messages in taken.connections)
        assert {asked.headers["transcription_session_id"] for asked in server.of("transcribe")} == {REF}
        assert [server.calls().count(call) for call in ("create", "transcribe", "end")] == [1, 4, 1]
        assert progress.sent_ms == 1_750

    @pytest.mark.parametrize(
        ("sent_ms", "heard_ms", "left", "broke_at_ms"),
        [
            (300, 0, [[], [0, 1, 2], [0]], [300]),
            (300, 300, [[0, 1, 2], [0]], []),
            (400, 300, [[1, 2], [0]], [400]),
            (600, 600, [[0]], []),
        ],
    )
    def test_by_push_to_talk_another_worker_goes_on_in_the_right_audio(
        self, sent_ms: int, heard_ms: int, left: list[list[int]], broke_at_ms: list[int]
    ) -> None:
        taken = Taken()
        earlier = Noted(ref=REF, sent_ms=sent_ms, heard_ms=heard_ms, heard_texts=[("First.", True)])
        with SukiServer(taken, end=[http(200, {})]) as server:
            assert dictate(server, earlier, 300, 300, 100) == ["First."]
        assert [numbers(messages) for messages in taken.connections] == left
        assert (earlier.sent_ms, earlier.broke_at_ms) == (700, broke_at_ms)

    def test_by_push_to_talk_what_could_not_be_heard_out_rewinds_nothing(self) -> None:
        """The first audio's end stays unheard, the second one is half sent, and another worker follows."""
        taken, first = Taken(4), Noted(most_ms=1_300)

        def talk(line: socket.socket) -> None:
            taken(Peer(line, server.asked[-1]))

        with SukiServer(end=[http(200, {})]) as server:
            server.scripts["transcribe"] = [talk, BUSY, BUSY, BUSY, talk, talk]
            with pytest.raises(Superseded):
                dictate(server, first, 300, 3_000)
            dictate(server, Noted(ref=REF, sent_ms=first.sent_ms, heard_ms=first.heard_ms), 300, 3_000)
        sent = [number for messages in taken.connections[1:] for number in numbers(messages)]
        assert sent == list(range(30))

    def test_a_session_that_says_it_runs_has_not_ended(self) -> None:
        busy = suki_server.error(412, "FailedPrecondition: session is RUNNING")
        with SukiServer(end=[busy]) as server, pytest.raises(VendorError) as caught:
            dictate(server, Noted())
        assert (caught.value.code, caught.value.permanent) == ("session_busy", False)

    def test_a_vendor_that_goes_on_talking_is_not_listened_to_for_ever(self) -> None:
        class Impatient(Hasty):
            patience = replace(Hasty.patience, end_seconds=0.5)

        def goes_on(peer: Peer) -> None:
            peer.objects(frames.END_OF_DICTATION)
            with suppress(OSError):
                while True:
                    peer.say(heard("and", is_final=False))
                    time.sleep(0.05)

        progress = Noted()
        with SukiServer(goes_on, end=[http(200, {})]) as server:
            account = Account(server.url, CREDENTIALS, {"pace": "fast"})
            impatient = Impatient(account, Outbound(LOOPBACK).trusting(server.url), OwnTokens())
            impatient.submit(job(sounds=(Tone(500),), wish=DICTATED), progress)
        assert (server.calls().count("transcribe"), progress.broke_at_ms) == (1, [500])

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
            assert dictate(server, Noted(), 1_000, pace="real_time") == ["One.", "Two."]

    def test_without_an_end_it_is_ended_after_some_silence(self) -> None:
        def silent(peer: Peer) -> None:
            peer.objects(frames.END_OF_DICTATION)
            peer.say(heard("One."))
            peer.objects()

        progress = Noted()
        with SukiServer(silent, end=[http(200, b"")]) as server:
            began = time.monotonic()
            assert dictate(server, progress) == ["One."]
            assert time.monotonic() - began < 3
        assert progress.broke_at_ms == [1_000]

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
            dictate(server, Noted(), 60_000, pace="real_time")
        assert (caught.value.code, caught.value.permanent) == ("no_answer", False)

    def test_a_flood_of_words_ends_it(self) -> None:
        def flood(peer: Peer) -> None:
            peer.objects(frames.END_OF_DICTATION)
            while True:
                peer.say(heard("x" * 500_000))

        progress = Noted()
        with SukiServer(flood) as server, pytest.raises(VendorError) as caught:
            submit(server, progress, 100, wish=DICTATED)
        assert (caught.value.code, caught.value.permanent) == ("stream_flooded", True)
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
        assert result.failure.is_cancelled is (status == "cancelled")
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
