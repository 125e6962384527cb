"""Suki: what is asked of it, and what its answers mean. What every vendor must do is inherited."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.vendors import suki_server
from tests.vendors.contract import CANARY, LOOPBACK, VendorContract, job
from tests.vendors.going import Noted, OwnTokens
from tests.vendors.scripted_server import ScriptedServer, http
from tests.vendors.signed_contract import NOW, SECRET, SignedContract
from tests.vendors.suki_server import SukiServer, Tone
from vendors import connect
from vendors.base import Account, Held, Job, Notice, Submitted, VendorError, Wish
from vendors.outbound import Outbound
from vendors.suki.adapter import SukiVendor

REF = "5f0c2a34-7b41-4b0c-9f39-0a4ad5b3c101"
CREDENTIALS = {"partner_id": "partner-1", "partner_token": "signed.by.partner", "webhook_secrets": ["old", "new"]}
REGISTERS: dict[str, Any] = {**CREDENTIALS, "provider_org_id": "org-1", "provider_specialty": "CARDIOLOGY"}
EXPIRED = suki_server.error(401, f"invalid_sdp_token: expired {CANARY}")
NOT_REGISTERED = suki_server.error(401, "provider_not_registered")


class TestSuki(VendorContract, SignedContract):
    name = "suki"
    credentials = CREDENTIALS
    options = {"pace": "fast"}
    unknown_is = Notice
    unnamed_ref = REF
    window = timedelta(minutes=5)

    def job(self, **changes: Any) -> Job:
        return job(**{"sounds": (Tone(300),), **changes})

    def accepting(self, body: bytes) -> ScriptedServer:
        return SukiServer(create=[http(201, body)])

    def success(self, text: str) -> bytes:
        content = {"summary": [{"title": "Plan", "content": text, "loinc_code": "18776-5", "source_transcripts": []}]}
        transcript = {"final_transcript": [{"transcript": text, "start_offset": {"seconds": 1}}]}
        return suki_server.body(
            answer_to="ambient", session_id=REF, status="completed", content=content, transcript=transcript
        )

    def failure(self) -> bytes:
        return suki_server.body(answer_to="ambient", session_id=REF, status="failed", error_detail=CANARY)

    def unknown(self) -> list[bytes]:
        webhooks = [suki_server.body(status=status, session_id=REF) for status in ("paused", CANARY, "TIMEOUT")]
        return [*webhooks, suki_server.body(answer_to="ambient", session_id=REF, status="resting")]

    def accepted(self) -> bytes:
        return suki_server.body(ambient_session_id=REF)

    def signed(self, body: bytes, *, at: datetime = NOW, secret: str = SECRET) -> dict[str, str]:
        generated_at = str(round(at.timestamp() * 1000))
        signature = hmac.new(secret.encode(), f"{generated_at}:".encode() + body, hashlib.sha256).hexdigest()
        return {"generated-at": generated_at, "x-api-key": signature}

    def event(self, event_id: str, text: str) -> bytes:
        return suki_server.body(status="success", session_id=event_id, additional_info={"text": text})

    def test_the_signature_is_what_openssl_makes_of_time_colon_and_body(self) -> None:
        # printf '1772375652675:{"id": "e"}' | openssl dgst -sha256 -hmac s
        made = "806ec781cb2852f6444b4568f6293488a430a9ebe1bb05c5a08910a7aeb9ae9e"
        SukiVendor.read_proof({"generated-at": "1772375652675", "x-api-key": made.upper()}, "", NOW).verify(
            b'{"id": "e"}', ["s"]
        )

    def test_an_event_is_its_body_at_a_moment(self) -> None:
        now, later, said = (
            {"generated-at": "1772375652675"},
            {"generated-at": "1772375652676"},
            self.event("e", "hello"),
        )
        ids = {SukiVendor.event_id(headers, body) for headers in (now, later) for body in (said, said + b" ")}
        assert len(ids) == 4
        assert SukiVendor.event_id(now, said) in ids
        assert len(SukiVendor.event_id({"generated-at": "9" * 300}, said) or "") <= 200


#: What an ambient session comes to.
WRITTEN_UP: dict[str, Any] = {
    "status": [http(200, {"status": "completed"})],
    "content": [http(200, {"summary": [{"title": "Plan", "content": "Rest.", "loinc_code": "18776-5"}]})],
    "transcript": [http(200, {"final_transcript": [{"transcript": "Rest now.", "start_offset": {"seconds": 2}}]})],
}
#: What a session is answered that was ended before.
HAS_ENDED = [
    suki_server.error(400, "FailedPrecondition: the session is COMPLETED"),
    suki_server.error(400, "session_already_ended"),
    http(400),
    suki_server.error(409, "ended"),
    suki_server.error(412, "completed"),
]


def vendor(server: ScriptedServer, tokens: OwnTokens | None = None, **credentials: Any) -> SukiVendor:
    account = Account(server.url, {**CREDENTIALS, **credentials}, {"pace": "fast"})
    made = connect("suki", account, Outbound(LOOPBACK), tokens or OwnTokens())
    assert isinstance(made, SukiVendor)
    return made


def polled(server: ScriptedServer, **options: Any) -> list[bytes]:
    return list(vendor(server, **options).poll(Held(REF)))


def failed(server: ScriptedServer, **options: Any) -> VendorError:
    with pytest.raises(VendorError) as caught:
        vendor(server, **options).poll(Held(REF))
    assert CANARY not in caught.value.message
    assert CANARY not in f"{caught.value.__cause__!r} {caught.value.__context__!r}"
    return caught.value


class TestTokens:
    def test_one_login_serves_all_who_share_the_tokens(self) -> None:
        tokens = OwnTokens()
        with SukiServer() as server:
            for _ in range(3):
                vendor(server, tokens).poll(Held(REF))
        assert server.calls() == ["login", "status", "status", "status"]
        assert server.of("login")[0].json() == {"partner_id": "partner-1", "partner_token": "signed.by.partner"}
        assert {asked.headers["sdp_suki_token"] for asked in server.of("status")} == set(tokens.kept.values())
        assert all("authorization" not in asked.headers for asked in server.asked)

    @pytest.mark.parametrize(("token_seconds", "kept"), [(3600, 3240), (600, 540), (86_400, 3240)])
    def test_a_token_is_kept_for_a_little_less_than_its_life(self, token_seconds: int, kept: float) -> None:
        tokens = OwnTokens()
        with SukiServer(token_seconds=token_seconds) as server:
            vendor(server, tokens).poll(Held(REF))
        assert list(tokens.seconds.values()) == [pytest.approx(kept)]

    def test_a_token_that_says_nothing_of_its_life_has_an_hour(self) -> None:
        tokens = OwnTokens()
        with SukiServer(login=[http(200, {"suki_token": "opaque"})]) as server:
            vendor(server, tokens).poll(Held(REF))
        assert list(tokens.seconds.values()) == [pytest.approx(3240)]

    def test_a_token_without_life_is_not_kept(self) -> None:
        tokens = OwnTokens()
        with SukiServer(token_seconds=-5) as server:
            vendor(server, tokens).poll(Held(REF))
        assert not tokens.kept

    def test_whoever_does_not_know_the_partners_secret_finds_no_token(self) -> None:
        tokens = OwnTokens()
        with SukiServer() as server:
            for changes in ({}, {"partner_token": "made-up"}, {"partner_id": "partner-2"}, {"provider_id": "p"}):
                vendor(server, tokens, **changes).poll(Held(REF))
            vendor(server, tokens).poll(Held(REF, clinician_ref="dr-2"))
        assert len(server.of("login")) == len(tokens.kept) == 5
        assert not any(secret in key for key in tokens.kept for secret in ("signed.by.partner", "made-up"))

    def test_a_refused_token_is_dropped_and_had_anew_once(self) -> None:
        tokens = OwnTokens()
        with SukiServer(status=[EXPIRED, http(200, {"status": "running"})]) as server:
            assert polled(server, tokens=tokens) == []
        assert server.calls() == ["login", "status", "login", "status"]
        old, new = (asked.headers["sdp_suki_token"] for asked in server.of("status"))
        assert old != new
        assert list(tokens.kept.values()) == [new]

    def test_a_token_that_another_worker_has_renewed_meanwhile_is_used_and_stays(self) -> None:
        tokens = OwnTokens()

        def refused_meanwhile(line: socket.socket) -> None:
            tokens.kept = dict.fromkeys(tokens.kept, "fresh")
            line.sendall(EXPIRED)

        with SukiServer(status=[refused_meanwhile, http(200, {"status": "running"})]) as server:
            polled(server, tokens=tokens)
        assert server.calls() == ["login", "status", "status"]
        assert server.of("status")[1].headers["sdp_suki_token"] == "fresh"
        assert list(tokens.kept.values()) == ["fresh"]

    def test_a_new_token_that_is_refused_too_ends_it(self) -> None:
        with SukiServer(status=[EXPIRED]) as server:
            error = failed(server)
        assert (error.code, error.permanent) == ("unauthorized", True)
        assert server.calls() == ["login", "status", "login", "status"]

    @pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"suki_token": ""}', b'{"suki_token": 7}'])
    def test_a_login_that_cannot_be_read_is_tried_again_later(self, body: bytes) -> None:
        with SukiServer(login=[http(200, body)]) as server:
            assert (failed(server).code, failed(server).permanent) == ("answer_unreadable", False)


class TestProviders:
    def test_the_sessions_clinician_goes_before_the_accounts_own(self) -> None:
        with SukiServer() as server:
            vendor(server, provider_id="own").poll(Held(REF))
            vendor(server, provider_id="own").poll(Held(REF, "dr-2"))
        assert [asked.json()["provider_id"] for asked in server.of("login")] == ["own", "dr-2"]

    @pytest.mark.parametrize("answer", [http(201, {}), suki_server.error(409, "already linked")])
    def test_an_unknown_provider_is_registered_and_then_logged_in(self, answer: bytes) -> None:
        login = [NOT_REGISTERED, http(200, {"suki_token": "t"})]
        with SukiServer(login=[*login], register=[answer]) as server:
            assert list(vendor(server, **REGISTERS, provider_name="Dr. One").poll(Held(REF, "dr-2"))) == []
        assert server.calls() == ["login", "register", "login", "status"]
        assert server.of("register")[0].json() == {
            "partner_id": "partner-1",
            "partner_token": "signed.by.partner",
            "provider_id": "dr-2",
            "provider_name": "dr-2",
            "provider_org_id": "org-1",
            "provider_specialty": "CARDIOLOGY",
        }

    def test_the_accounts_own_provider_has_the_name_that_the_account_gives(self) -> None:
        login = [NOT_REGISTERED, http(200, {"suki_token": "t"})]
        with SukiServer(login=[*login]) as server:
            polled(server, **REGISTERS, provider_id="p1", provider_name="Dr. Ömür")
        assert server.of("register")[0].json()["provider_name"] == "Dr. Ömür"

    def test_without_organisation_and_specialty_nobody_is_registered(self) -> None:
        with SukiServer(login=[NOT_REGISTERED]) as server:
            error = failed(server)
        assert (error.code, error.permanent) == ("provider_not_registered", True)
        assert server.calls() == ["login"]

    def test_a_provider_that_stays_unknown_ends_it(self) -> None:
        with SukiServer(login=[NOT_REGISTERED]) as server:
            assert failed(server, **REGISTERS).code == "provider_not_registered"
        assert server.calls() == ["login", "register", "login"]

    def test_a_single_token_serves_all_providers_each_named_by_a_header(self) -> None:
        tokens = OwnTokens()
        with SukiServer(status=[NOT_REGISTERED, http(200, {"status": "running"})]) as server:
            for clinician in ("dr-1", "dr-2"):
                asking = vendor(server, tokens, **REGISTERS, single_auth_token=True)
                asking.poll(Held(REF, clinician))
        assert server.calls() == ["login", "status", "register", "login", "status", "status"]
        assert [asked.headers["sdp_provider_id"] for asked in server.of("status")] == ["dr-1", "dr-1", "dr-2"]
        assert "provider_id" not in server.of("login")[0].json()
        assert server.of("register")[0].json()["provider_id"] == "dr-1"

    @pytest.mark.parametrize(
        ("account", "clinician", "at_fault"),
        [
            ({}, "Dr. Müller", "The session's clinician reference"),
            ({"provider_id": "p"}, "two\nlines", "The session's clinician reference"),
            ({"provider_id": "Dr. Müller"}, "", "The provider_id of this vendor account"),
        ],
    )
    def test_a_provider_that_no_header_can_name_is_told_before_anything_is_sent(
        self, account: dict[str, Any], clinician: str, at_fault: str
    ) -> None:
        asked = job(sounds=(Tone(100),), clinician_ref=clinician)
        with SukiServer() as server:
            asking = vendor(server, single_auth_token=True, **account)
            for ask in (lambda: asking.poll(Held(REF, clinician)), lambda: asking.submit(asked, Noted())):
                with pytest.raises(VendorError, match=at_fault) as caught:
                    ask()
                assert (caught.value.code, caught.value.permanent) == ("provider_unsendable", True)
        assert server.asked == []

    def test_a_provider_that_has_a_token_of_its_own_may_be_called_anything(self) -> None:
        with SukiServer() as server:
            vendor(server).poll(Held(REF, "Dr. Müller"))
        assert server.of("login")[0].json()["provider_id"] == "Dr. Müller"


class TestPoll:
    @pytest.mark.parametrize("status", ["created", "ready", "running", "RUNNING"])
    def test_nothing_while_it_is_at_work(self, status: str) -> None:
        with SukiServer(status=[http(200, {"status": status})]) as server:
            assert polled(server) == []
        assert server.calls() == ["login", "status"]

    def test_all_that_was_written_in_one_body(self) -> None:
        with SukiServer(**{**WRITTEN_UP, "status": [http(200, {"status": "Completed"})]}) as server:
            (body,) = polled(server)
        result = SukiVendor.parse(body)
        assert json.loads(body)["content"]["summary"][0]["content"] == "Rest."
        assert not isinstance(result, Notice)
        assert result.note is not None
        assert result.transcript is not None
        assert (result.ref, result.note.sections[0].text, result.transcript[0].text) == (REF, "Rest.", "Rest now.")
        assert [asked.path.removeprefix("/api/v1") for asked in server.asked[1:]] == [
            f"/ambient/session/{REF}/status",
            f"/ambient/session/{REF}/content?cumulative=false",
            f"/ambient/session/{REF}/transcript",
        ]

    @pytest.mark.parametrize(("wanted", "left_out"), [("note", "transcript"), ("transcript_item", "content")])
    def test_only_what_was_asked_for_is_fetched(self, wanted: str, left_out: str) -> None:
        with SukiServer(**{**WRITTEN_UP, left_out: [suki_server.error(403, "insufficient_scope")]}) as server:
            (body,) = vendor(server).poll(Held(REF, wanted=(wanted,)))
        result = SukiVendor.parse(body)
        assert not isinstance(result, Notice)
        assert [bool(result.note), bool(result.transcript)] == [wanted == "note", wanted == "transcript_item"]
        assert left_out not in server.calls()

    @pytest.mark.parametrize("refused", ["content", "transcript"])
    def test_a_half_that_is_refused_is_a_refusal(self, refused: str) -> None:
        with SukiServer(**{**WRITTEN_UP, refused: [suki_server.error(403, f"insufficient_scope: {CANARY}")]}) as server:
            error = failed(server)
        assert (error.code, error.permanent) == ("forbidden", True)

    @pytest.mark.parametrize("late", ["content", "transcript"])
    def test_a_half_that_may_still_come_is_waited_for(self, late: str) -> None:
        with SukiServer(**{**WRITTEN_UP, late: [suki_server.error(503, "")]}) as server:
            error = failed(server)
        assert (error.code, error.permanent) == ("vendor_unavailable", False)

    @pytest.mark.parametrize("status", ["skipped", "aborted", "FAILED"])
    def test_another_end_is_said_plainly(self, status: str) -> None:
        with SukiServer(status=[http(200, {"status": status})]) as server:
            (body,) = polled(server)
        result = SukiVendor.parse(body)
        assert not isinstance(result, Notice)
        assert result.failure is not None
        assert (result.ref, result.failure.code) == (REF, status.lower())

    def test_a_status_that_is_unknown_is_brought_as_such(self) -> None:
        with SukiServer(status=[http(200, {"status": "resting"})]) as server:
            (body,) = polled(server)
        assert isinstance(SukiVendor.parse(body), Notice)

    def test_junk_in_an_answer_is_kept_and_found_when_it_is_read(self) -> None:
        with SukiServer(status=[http(200, {"status": "completed"})], content=[http(200, b"<html>\xff")]) as server:
            (body,) = polled(server)
        assert "<html>\ufffd" in json.loads(body)["content"]

    @pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"status": 7}'])
    def test_no_status_is_asked_for_again_later(self, body: bytes) -> None:
        with SukiServer(status=[http(200, body)]) as server:
            assert failed(server).code == "answer_unreadable"

    def test_an_id_cannot_lead_elsewhere(self) -> None:
        with SukiServer() as server:
            vendor(server).poll(Held("../../x?y#z"))
        assert server.asked[-1].path == "/api/v1/ambient/session/..%2F..%2Fx%3Fy%23z/status"


@pytest.mark.parametrize(("kind", "path"), [("ambient", "ambient"), ("dictation", "transcription")])
@pytest.mark.parametrize("answer", [http(200), *HAS_ENDED])
def test_what_was_abandoned_is_ended(kind: Any, path: str, answer: bytes) -> None:
    with SukiServer(end=[answer]) as server:
        vendor(server).close(Held(REF), kind=kind)
    assert (server.asked[-1].method, server.asked[-1].path) == ("POST", f"/api/v1/{path}/session/{REF}/end")


@pytest.mark.parametrize("answer", HAS_ENDED)
def test_an_ambient_session_whose_end_was_not_heard_of_is_ended_again_and_done(answer: bytes) -> None:
    with SukiServer(end=[b"", answer]) as server:
        progress = Noted()
        with pytest.raises(VendorError) as caught:
            vendor(server).submit(job(sounds=(Tone(300),)), progress)
        assert (caught.value.permanent, caught.value.unanswered) == (False, True)
        assert vendor(server).submit(job(sounds=(Tone(300),)), progress) == Submitted(REF)
    assert server.calls()[-2:] == ["login", "end"]


@pytest.mark.parametrize("answer", HAS_ENDED)
def test_a_dictation_whose_end_was_not_heard_of_comes_to_what_was_heard(answer: bytes) -> None:
    wish = Wish(("transcript_item",), "en", kind="dictation")
    heard_out = Noted(REF, sent_ms=300, heard_ms=300, heard_texts=[("All of it.", True)])
    with SukiServer(end=[answer]) as server:
        submitted = vendor(server).submit(job(wish=wish, sounds=(Tone(300),)), heard_out)
    assert submitted.answer is not None
    result = SukiVendor.parse(submitted.answer)
    assert not isinstance(result, Notice)
    assert [line.text for line in result.transcript or ()] == ["All of it."]


def test_without_audio_nothing_is_opened() -> None:
    with SukiServer() as server, pytest.raises(VendorError) as caught:
        vendor(server).submit(job(), Noted())
    assert (caught.value.code, server.asked) == ("no_audio", [])


def test_an_ambient_session_is_made_given_its_context_streamed_and_ended() -> None:
    wish = Wish(("note", "transcript_item"), "en", "SOAP")
    progress = Noted()
    with SukiServer() as server:
        asked = job(wish=wish, sounds=(Tone(300),), encounter_ref="enc-9", clinician_ref="dr-2")
        assert vendor(server, provider_specialty="CARDIOLOGY").submit(asked, progress) == Submitted(REF)
    assert server.calls() == ["login", "create", "context", "stream", "end"]
    assert server.of("create")[0].json() == {"ambient_session_id": REF, "encounter_id": "enc-9"}
    assert server.of("context")[0].json() == {
        "provider": {"specialty": "CARDIOLOGY"},
        "sections": [{"loinc_code": code} for code in ("61150-9", "61149-1", "51848-0", "18776-5")],
    }
    assert (progress.ref, progress.sent_ms) == (REF, 300)


def test_a_dictation_says_how_its_audio_is_encoded() -> None:
    wish = Wish(("transcript_item",), "en", kind="dictation")
    with SukiServer() as server:
        submitted = vendor(server).submit(job(wish=wish, sounds=(Tone(300),)), Noted())
    assert server.calls() == ["login", "create", "transcribe", "end"]
    assert server.of("create")[0].path == "/api/v1/transcription/session/create"
    assert server.of("create")[0].json() == {
        "transcription_session_id": REF,
        "audio_config": {"audio_encoding": "LINEAR16", "audio_language": "en-US", "sample_rate_hertz": 16_000},
    }
    assert submitted.ref == REF
    assert submitted.answer is not None


def test_a_session_is_named_after_the_try_whatever_the_clinic_calls_that() -> None:
    tries = [uuid4(), uuid4()]
    with SukiServer() as server:
        for one in tries:
            vendor(server).submit(job(id=one, client_request_id="visit-1", sounds=(Tone(100),)), Noted())
    assert [asked.json()["ambient_session_id"] for asked in server.of("create")] == [str(one) for one in tries]


def test_a_session_that_is_there_already_is_gone_on_with() -> None:
    there = [suki_server.error(409, "there already")]
    with SukiServer(create=[*there], context=[*there], end=[*there]) as server:
        assert vendor(server).submit(job(sounds=(Tone(100),)), Noted()) == Submitted(REF)


def test_secrets_go_to_the_accounts_own_addresses_alone() -> None:
    with SukiServer() as streaming, SukiServer() as server:
        options = {"pace": "fast", "streaming_url": streaming.url.replace("http:", "ws:") + "/"}
        account = Account(f"{server.url}/suki/", CREDENTIALS, options)
        connect("suki", account, Outbound(LOOPBACK), OwnTokens()).submit(job(sounds=(Tone(100),)), Noted())
    assert streaming.calls() == ["stream"]
    assert streaming.asked[0].path == "/ws/stream"
    assert server.asked[0].path == "/suki/api/v1/auth/login"
