"""Dragon Copilot by REST: what is asked of it. What every vendor must do is inherited."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from tests.vendors.contract import CANARY, LOOPBACK, VendorContract, job
from tests.vendors.dragon_server import CREDENTIALS, DragonServer, Stored, Tape, read_form
from tests.vendors.going import Noted, OwnTokens
from tests.vendors.scripted_server import Answer, Asked, ScriptedServer, http
from vendors import connect
from vendors.base import Account, Job, Notice, Submitted, Superseded, Vendor, VendorError
from vendors.dragon import wire
from vendors.dragon.adapter import DragonVendor
from vendors.dragon.content import FORMS, Content
from vendors.dragon.patience import Patience
from vendors.outbound import Outbound

REF = "5f0c2a34-7b41-4b0c-9f39-0a4ad5b3c101"
HASTY = Patience(tries=3, first_seconds=0.01, longest_seconds=1.0, quiet_seconds=0.5, configuration_seconds=0.3)


def dragon(
    url: str,
    transport: str = "rest",
    *,
    provider: str = "token_url",
    tokens: OwnTokens | None = None,
    **options: Any,
) -> DragonVendor:
    """As an account sees it all of whose addresses are at this one."""
    issued = {"token_url": f"{url}/token", "issuer": url}
    credentials = {name: value for name, value in CREDENTIALS.items() if name != "token_url"}
    named = {"transport": transport, "partner_url": f"{url}/partner", "streaming_url": url, **options}
    account = Account(url, {**credentials, provider: issued[provider]}, named)
    made = connect("dragon", account, Outbound(LOOPBACK), tokens or OwnTokens())
    assert isinstance(made, DragonVendor)
    made.patience = HASTY  # type: ignore[misc]
    return made


def dragon_job(**changes: Any) -> Job:
    return job(**{"sounds": (Tape(),), "clinician_ref": "dr-1", **changes})


def event(**changes: Any) -> dict[str, Any]:
    data = {"retrievalUrl": "https://partnerapi.example/n/1", "correlationId": REF, "customerId": "c", "userId": "u"}
    usual = {"specversion": "1.0", "id": "e1", "source": "/dax", "type": "transcript_ready_complete", "data": data}
    return {**usual, "time": "2026-03-01T14:34:12Z", **changes}


def fetched(data: Any) -> bytes:
    """What `fetch` makes of an answer."""
    answer = {"notificationId": "n1", "data": json.dumps(data)}
    return json.dumps({"answer_to": "dragon", "session_id": REF, "as_of": None, "answer": answer}).encode()


class DragonContract(VendorContract):
    name = "dragon"
    credentials = CREDENTIALS
    unknown_is = Notice
    unnamed_ref = REF
    transport = "rest"
    #: By which the first of the audio, or of what says whose it is, is handed over.
    first_call = "storeChunk"

    def connected(self, server: ScriptedServer) -> Vendor:
        return dragon(server.url, self.transport)

    def job(self, **changes: Any) -> Job:
        return dragon_job(**changes)

    def accepting(self, body: bytes) -> ScriptedServer:
        return DragonServer(end=[http(200, body)])

    def refusing(self, answer: Any) -> ScriptedServer:
        return DragonServer(**{self.first_call: [answer]})

    @contextmanager
    def not_there(self) -> Iterator[Vendor]:
        """There is a token to be had."""
        with ScriptedServer(b"") as gone:
            pass
        with DragonServer() as server:
            yield dragon(server.url, self.transport, partner_url=gone.url, streaming_url=gone.url)

    def success(self, text: str) -> bytes:
        data = (
            '{"document": {"title": "Note"}, "resources": [{"context": {"content_type": "document_section", '
            '"display_description": "Plan", "codes": [{"system": "loinc.org", "identifier": "18776-5"}]}, '
            f'"content": "{text}"}}], "transcript": {{"turns": [{{"index": 0, "text": "{text}", "speaker": "other", '
            '"start_time": "00:00:01.000", "end_time": "00:00:02.500"}]}}'
        )
        start = f'{{"answer_to": "dragon", "session_id": "{REF}", "answer": {{"notificationId": "n", "data": '
        return f"{start}{data}}}}}".encode()

    def failure(self) -> bytes:
        raise NotImplementedError

    def test_a_failure_is_told_in_our_words(self) -> None:
        """It never tells of one: what is not written up is not announced, and the request is overdue."""
        assert self.vendor.announces

    def unknown(self) -> list[bytes]:
        return [json.dumps(event(type=kind)).encode() for kind in ("encounter_paused", CANARY)]

    def accepted(self) -> bytes:
        return b'{"error": null}'

    def test_a_vendor_that_signs_its_webhooks_is_held_to_what_that_takes(self) -> None:
        """Not signatures: a secret in the address. See test_dragon_exchange.py."""
        assert self.vendor.signs_webhooks


class TestRest(DragonContract):
    def test_an_answer_that_cannot_be_read_confirms_no_audio(self) -> None:
        error = self.refusal(http(200, b"[1]"))
        assert (error.code, error.permanent) == ("answer_unreadable", False)


class SupersededAt(Noted):
    """Another worker has the job when it is told for that time how far it is."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    def reached(self, place: Mapping[str, int], until_ms: int) -> None:
        super().reached(place, until_ms)
        if len(self.places) == self.times:
            raise Superseded


def submitted(server: DragonServer, progress: Noted | None = None, **changes: Any) -> Submitted:
    with server:
        return dragon(server.url).submit(dragon_job(**changes), progress or Noted())


def test_a_session_is_made_its_chunks_stored_declared_and_the_session_ended() -> None:
    server, tape = DragonServer(), Tape()
    done = submitted(server)
    assert done.ref == REF
    (made,) = server.of("ambient-sessions")
    assert made.method == "PUT"
    body = made.json()
    assert (body["correlationId"], body["externalUserId"]) == (REF, "dr-1")
    assert json.loads(body["data"])["localeInfo"]["recordingLocales"] == ["en-US"]
    assert server.uploaded() == tape.data
    assert server.chunks[1, 1] is None
    (finalized,) = server.of("finalizeUpload")
    assert finalized.json()["totalChunks"] == len(server.chunks) == 1 + -(-tape.size // 65536)
    assert finalized.headers["x-correlation-id"] == done.call_id
    assert len(server.of("end")) == 1


def test_every_call_has_an_id_of_its_own_and_a_token_of_its_audience() -> None:
    server = DragonServer()
    submitted(server)
    calls = [asked for asked in server.asked if asked.method in ("PUT", "POST", "DELETE") and "token" not in asked.path]
    assert len({asked.headers["x-correlation-id"] for asked in calls}) == len(calls)
    asked_for = [asked.body.decode() for asked in server.of("token")]
    assert [("40d36082" in body, "105be974" in body) for body in asked_for] == [(True, False), (False, True)]
    of_partner = {asked.headers["authorization"] for asked in calls if "/partner/" in asked.path}
    of_audio = {asked.headers["authorization"] for asked in calls if "/audio/" in asked.path}
    assert of_partner.isdisjoint(of_audio)


def test_a_chunk_that_fails_is_sent_again_alone() -> None:
    once: list[Answer] = [http(500), http(503), http(200, {"error": None})]
    server = DragonServer(storeChunk=once)
    submitted(server)
    numbers = [read_form(asked)[0]["chunkId"] for asked in server.of("storeChunk")]
    assert len(numbers) == 2 + len(set(numbers))


def test_a_token_that_ends_in_the_middle_is_renewed() -> None:
    server = DragonServer(storeChunk=[http(200, {}), http(401, b"Unauthorized"), http(200, {})])
    submitted(server)
    assert len(server.of("token")) == 3


def test_another_worker_goes_on_behind_what_was_confirmed() -> None:
    server, tape, progress = DragonServer(), Tape(), Noted(ref=REF)
    progress.place = {"recording": 1, "form": 0, "chunk_bytes": 65536, "chunks": 3}
    submitted(server, progress)
    assert sorted(number for _, number in server.chunks) == [4, 5]
    assert server.uploaded() == tape.data[2 * 65536 :]
    assert not server.of("ambient-sessions")
    assert server.of("finalizeUpload")[0].json()["totalChunks"] == 5


def test_chunks_have_the_size_that_the_account_names_but_what_was_begun_keeps_its_own() -> None:
    tape, begun = Tape(), Noted(ref=REF)
    begun.place = {"recording": 1, "form": 0, "chunk_bytes": 65536, "chunks": 1}
    for progress, size in ((Noted(), 100 * 1024), (begun, 65536)):
        with DragonServer() as server:
            dragon(server.url, chunk_kib=100).submit(dragon_job(sounds=(tape,)), progress)
        assert server.uploaded() == tape.data
        assert len(server.chunks[1, 2] or b"") == size
        assert server.of("finalizeUpload")[0].json()["totalChunks"] == 1 + -(-tape.size // size)


def test_several_recordings_are_numbered_in_their_session() -> None:
    server, tapes = DragonServer(), (Tape(b"one" * 30_000), Tape(b"two" * 10))
    submitted(server, sounds=tapes)
    assert [server.uploaded(number) for number in (1, 2)] == [tape.data for tape in tapes]
    assert [asked.json()["recordingId"] for asked in server.of("finalizeUpload")] == [1, 2]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (http(400, {"error": f"correlationId must not be empty. {CANARY}"}), "invalid_request"),
        (http(401, b"Unauthorized " + CANARY.encode()), "unauthorized"),
        (http(401, {"error": CANARY}), "not_allowed"),
        (http(403, b"wrong protocol"), "forbidden"),
        (http(404, {"error": "session not found"}), "session_missing"),
        (http(413), "too_large"),
    ],
)
def test_every_documented_refusal_says_what_to_do(answer: bytes, code: str) -> None:
    server = DragonServer(storeChunk=[answer])
    with server, pytest.raises(VendorError) as caught:
        dragon(server.url).submit(dragon_job(), Noted())
    error = caught.value
    assert (error.code, error.permanent) == (code, True)
    assert error.call_id in {asked.headers["x-correlation-id"] for asked in server.of("storeChunk")}
    assert CANARY not in error.message


def test_what_is_stored_and_not_declared_whole_is_not_all_that_was_sent() -> None:
    server, progress = DragonServer(finalizeUpload=[http(404)]), Noted()
    with server, pytest.raises(VendorError):
        dragon(server.url).submit(dragon_job(), progress)
    assert progress.place["chunks"] == len(server.chunks)
    assert 0 < progress.sent_ms < Tape().duration_ms


def test_a_vendor_that_stays_down_is_left_to_a_later_try_which_goes_on() -> None:
    class Down(DragonServer):
        def answer_to(self, asked: Asked) -> Answer:
            goes_down = self.call(asked) == "storeChunk" and read_form(asked)[0]["chunkId"] > 2
            return http(500) if goes_down else super().answer_to(asked)

    progress, tape, server = Noted(), Tape(), DragonServer()
    with Down() as down, pytest.raises(VendorError) as caught:
        dragon(down.url).submit(dragon_job(), progress)
    assert not caught.value.permanent
    assert progress.place["chunks"] == 2
    submitted(server, progress)
    assert down.uploaded() + server.uploaded() == tape.data


def test_what_its_configuration_refuses_is_not_sent() -> None:
    server = DragonServer()
    server.configuration = {"recordingLocales": ["fr-FR"]}
    with server, pytest.raises(VendorError) as caught:
        dragon(server.url).submit(dragon_job(), Noted())
    assert (caught.value.code, server.of("ambient-sessions")) == ("language_refused", [])


@pytest.mark.parametrize(("durations", "code"), [((60_000, 500), "too_short"), ((500_000, 60_000), "too_long")])
def test_each_recording_is_held_to_the_limits(durations: tuple[int, ...], code: str) -> None:
    server = DragonServer()
    server.configuration = {"recordingDurationLimits": {"minimumSeconds": 1, "maximumSeconds": 300}}
    with server, pytest.raises(VendorError) as caught:
        dragon(server.url).submit(dragon_job(sounds=tuple(Tape(duration_ms=ms) for ms in durations)), Noted())
    assert (caught.value.code, server.of("ambient-sessions")) == (code, [])


def test_a_format_that_its_configuration_does_not_name_is_sent_as_wav() -> None:
    server, tape = DragonServer(), Tape(b"OggS", "audio/ogg", duration_ms=500)
    submitted(server, sounds=(tape,))
    sent = server.uploaded()
    assert (sent[:4], sent[8:12], len(sent)) == (b"RIFF", b"WAVE", 44 + 16_000)
    assert sent[44:] == tape.decoded()[:16_000]


def test_without_a_configuration_a_file_is_sent_as_it_is() -> None:
    server, tape = DragonServer(retrieveConfiguration=[http(403)]), Tape(b"OggS" * 10, "audio/ogg")
    submitted(server, sounds=(tape,))
    assert server.uploaded() == tape.data


@pytest.mark.parametrize("ref", ["", "dr \r\nx: y", "Zoë"])
def test_a_clinician_that_cannot_be_named_is_told_before_anything_is_sent(ref: str) -> None:
    server = DragonServer()
    with server, pytest.raises(VendorError) as caught:
        dragon(server.url).submit(dragon_job(clinician_ref=ref), Noted())
    assert caught.value.code in ("clinician_missing", "clinician_unsendable")
    assert not server.asked


def test_a_file_that_is_shorter_than_it_was_is_not_passed_for_whole() -> None:
    server, tape = DragonServer(), Tape()
    tape.size += 70_000
    with server, pytest.raises(VendorError) as caught:
        dragon(server.url).submit(dragon_job(sounds=(tape,)), Noted())
    assert (caught.value.code, server.of("finalizeUpload")) == ("audio_incomplete", [])


@pytest.mark.parametrize("form", range(3))
def test_what_was_stored_whole_is_declared_without_another_chunk(form: int) -> None:
    server, tape = DragonServer(), Tape(duration_ms=2048)
    chunks = 1 + -(-Content(tape, FORMS[form]).size // 65536)
    place = {"recording": 1, "form": form, "chunk_bytes": 65536, "chunks": chunks}
    submitted(server, Noted(ref=REF, place=place), sounds=(tape,))
    assert (server.chunks, len(server.of("finalizeUpload"))) == ({}, 1)


@pytest.mark.parametrize("body", [b"<html>sign in</html>", b"", b"[]", b'{"error": "not stored"}'])
@pytest.mark.parametrize("call", ["storeChunk", "finalizeUpload"])
def test_only_its_own_word_confirms_what_is_stored(call: str, body: bytes) -> None:
    answers: dict[str, list[Answer]] = {call: [http(200, body), http(200, {"error": None})]}
    server = DragonServer(**answers)
    if call == "storeChunk":
        submitted(server)
        numbers = [read_form(asked)[0]["chunkId"] for asked in server.of(call)]
        assert len(numbers) == 1 + len(set(numbers)) == 6
        return
    with server, pytest.raises(VendorError) as caught:
        dragon(server.url).submit(dragon_job(), Noted())
    assert (caught.value.code, caught.value.permanent) == ("answer_unreadable", False)


def test_what_was_begun_in_one_form_goes_on_in_it_though_nothing_of_it_was_confirmed() -> None:
    tape, progress = Tape(b"OggS" * 50_000, "audio/ogg", duration_ms=500), Noted()
    knows_nothing = DragonServer(retrieveConfiguration=[http(403)], storeChunk=[http(403)])
    with knows_nothing, pytest.raises(VendorError):
        dragon(knows_nothing.url).submit(dragon_job(sounds=(tape,)), progress)
    assert progress.places[1]["form"] == FORMS.index("stored")
    server = DragonServer()  # by now its configuration is known, and has no such format
    submitted(server, progress, sounds=(tape,))
    assert server.uploaded() == tape.data


def test_the_form_is_told_before_the_first_chunk_goes_out() -> None:
    server = DragonServer()
    with server, pytest.raises(Superseded):
        dragon(server.url).submit(dragon_job(), SupersededAt(2))
    assert not server.of("storeChunk")


@pytest.mark.parametrize("transport", ["websocket", "grpc"])
def test_what_was_begun_by_rest_goes_on_by_rest(transport: str) -> None:
    tape, progress = Tape(), Noted(ref=REF)
    progress.place = {"recording": 1, "form": 0, "streamed": 0, "chunk_bytes": 65536, "chunks": 3}
    with DragonServer() as server:
        dragon(server.url, transport).submit(dragon_job(), progress)
    assert server.uploaded() == tape.data[2 * 65536 :]
    assert (server.recordings, server.processed, len(server.of("end"))) == ({}, [], 1)


@pytest.mark.parametrize("place", [{"recording": 1, "form": 0, "streamed": 1, "stored": 65536}, {"recording": 2}])
def test_what_was_begun_by_stream_goes_on_by_stream(place: dict[str, int]) -> None:
    with DragonServer() as server:
        server.recordings[wire.recording_id(REF, 1)] = Stored(data=bytearray(Tape().data[:65536]))
        progress = Noted(ref=REF, place={"streamed": 1, **place})
        dragon(server.url).submit(dragon_job(), progress)
    assert (server.chunks, server.processed) == ({}, [REF])
    assert len(server.of("ws")) == (place["recording"] == 1)


@pytest.mark.parametrize("size", [1, 65_535, 65_536, 65_537, 131_072])
def test_files_of_any_size_come_whole(size: int) -> None:
    server, tape = DragonServer(), Tape(bytes(range(251)) * (size // 251) + b"x" * (size % 251))
    submitted(server, sounds=(tape,))
    assert (server.uploaded(), len(server.chunks)) == (tape.data, 1 + -(-size // 65_536))
    last = [metadata["chunkId"] for metadata, _ in map(read_form, server.of("storeChunk")) if metadata["isLast"]]
    assert last == [len(server.chunks)]


def test_a_token_is_not_looked_up_for_each_chunk() -> None:
    class Forgetful(OwnTokens):
        """As without Redis."""

        def get(self, key: str) -> str | None:
            return None

    with DragonServer() as server:
        dragon(server.url, tokens=Forgetful()).submit(dragon_job(), Noted())
    assert len(server.of("token")) == 2


def test_the_work_is_told_of_after_each_step_that_may_take_long() -> None:
    server, progress = DragonServer(), Noted()
    submitted(server, progress)
    assert [place.get("recording") for place in progress.places] == [None, 1, 1, 2, 2]


def test_a_page_of_somebody_in_between_makes_no_session() -> None:
    page: dict[str, list[Answer]] = {"ambient-sessions": [http(200, b" <html>sign in</html>")]}
    server = DragonServer(**page)
    with server, pytest.raises(VendorError) as caught:
        dragon(server.url).submit(dragon_job(), Noted())
    assert (caught.value.code, caught.value.permanent, server.of("storeChunk")) == ("answer_unreadable", False, [])
