"""Nabla: what is sent to listen_async, and what its answers mean."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from tests.vendors.contract import CANARY, LOOPBACK, VendorContract, job
from tests.vendors.going import Noted, OwnTokens
from tests.vendors.scripted_server import ScriptedServer, http
from tests.vendors.signed_contract import NOW, SECRET, NamedEventsContract
from vendors import connect
from vendors.base import Account, Submitted, Wish
from vendors.nabla.wire import CallbackBody
from vendors.outbound import Outbound

REQUEST_ID = "0C4E9C9E-7C1B-4B57-B3D4-2A6A2B0E1F77"


class TestNabla(VendorContract, NamedEventsContract):
    name = "nabla"
    credentials = {"server_key": "key-1", "webhook_secrets": ["old", "new"]}

    def success(self, text: str) -> bytes:
        body: CallbackBody = {
            "request_id": REQUEST_ID,
            "client_request_id": "mine",
            "transcript": [{"text": text, "speaker": "doctor", "start_offset_ms": 0, "end_offset_ms": 10}],
            "note": {"title": "t", "sections": [{"key": "PLAN", "title": "Plan", "text": text}]},
        }
        return json.dumps(body).encode()

    def failure(self) -> bytes:
        body: CallbackBody = {"request_id": REQUEST_ID, "error_code": 422, "error_message": CANARY}
        return json.dumps(body).encode()

    def unknown(self) -> list[bytes]:
        return [json.dumps({"id": "1", "type": kind, "data": {"id": "2"}}).encode() for kind in ("x.done", "", "y")]

    def accepted(self) -> bytes:
        return json.dumps({"request_id": REQUEST_ID}).encode()

    def signed(self, body: bytes, *, at: datetime = NOW, secret: str = SECRET) -> dict[str, str]:
        timestamp = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        signature = hmac.new(secret.encode(), timestamp.encode() + body, hashlib.sha256).hexdigest()
        return {"x-nabla-webhook-timestamp": timestamp, "x-nabla-webhook-signature": signature}

    def event(self, event_id: str, text: str) -> bytes:
        data = {"id": REQUEST_ID, "payload": {"transcript": [{"text": text}]}}
        return json.dumps({"id": event_id, "type": "transcribe_async.succeeded", "data": data}).encode()

    def test_the_request_is_as_documented(self) -> None:
        wish = Wish(("note",), "fr", "SOAP", "paragraphs", split_by_sentence=True, split_by_problem=True)
        with ScriptedServer(http(200, self.accepted())) as server:
            self.connected(server).submit(job(wish=wish), Noted())
        (asked,) = server.asked
        assert (asked.method, asked.path) == ("POST", "/listen_async")
        assert asked.headers["authorization"] == "Bearer key-1"
        assert asked.headers["x-nabla-api-version"] == "2024-04-22"
        assert asked.headers["content-type"] == "application/json"
        assert asked.json() == {
            "output_objects": ["note"],
            "language": "fr-FR",
            "split_by_sentence": True,
            "section_style": "paragraphs",
            "split_by_problem": True,
            "note_template": "SOAP",
            "file_url": job().file_url,
            "callback_url": job().callback_url,
            "client_request_id": job().client_request_id,
        }

    def test_the_vendors_id_is_kept_as_it_came(self) -> None:
        with ScriptedServer(http(200, self.accepted())) as server:
            assert self.connected(server).submit(job(), Noted()) == Submitted(REQUEST_ID)

    def test_a_base_url_may_end_in_a_slash_and_hold_a_path(self) -> None:
        with ScriptedServer(http(200, self.accepted())) as server:
            account = Account(f"{server.url}/v1/server/", self.credentials)
            connect("nabla", account, Outbound(LOOPBACK), OwnTokens()).submit(job(), Noted())
        assert server.asked[0].path == "/v1/server/listen_async"

    def test_a_conflict_after_an_unanswered_try_means_that_nabla_has_it(self) -> None:
        with ScriptedServer(http(409, {"message": "dup", "code": 1})) as server:
            assert self.connected(server).submit(job(unanswered_before=True), Noted()) == Submitted(None)

    @pytest.mark.parametrize(
        ("status", "body", "code", "permanent"),
        [
            (400, {}, "invalid_request", True),
            (401, {}, "unauthorized", True),
            (403, {}, "forbidden", True),
            (404, {}, "endpoint_missing", True),
            (408, {}, "vendor_unavailable", False),
            (409, {}, "already_used", True),
            (413, {}, "too_large", True),
            (418, {}, "refused", True),
            (422, {}, "unusable_audio", True),
            (429, {}, "rate_limited", False),
            (400, {"code": 85000}, "rate_limited", False),
            (400, {"code": "85000"}, "invalid_request", True),
            (500, {"code": 1}, "vendor_unavailable", False),
            (307, {}, "redirected", True),
        ],
    )
    def test_each_status_has_its_code(self, status: int, body: dict[str, Any], code: str, permanent: bool) -> None:
        error = self.refusal(http(status, body))
        assert (error.code, error.permanent) == (code, permanent)

    @pytest.mark.parametrize(
        ("status", "nabla_code", "words"),
        [
            (400, 83014, "settings of the note"),
            (422, 83014, "settings of the note"),
            (422, 83005, "too little is said"),
            (400, 83006, "no medical content"),
            (401, 50025, "expired"),
        ],
    )
    def test_a_code_that_says_more_than_the_status_is_told_in_its_place(
        self, status: int, nabla_code: int, words: str
    ) -> None:
        plain = self.refusal(http(status, {}))
        told = self.refusal(http(status, {"code": nabla_code, "message": CANARY}))
        assert words in told.message
        assert plain.message not in told.message
        assert (told.code, told.permanent) == (plain.code, plain.permanent)

    @pytest.mark.parametrize(
        ("status", "nabla_code"),
        [(422, 422), (400, 400), (400, 422), (400, 12345), (404, 83014), (413, 83005), (400, "83014"), (401, True)],
    )
    def test_any_other_code_adds_nothing_to_the_words_of_the_status(self, status: int, nabla_code: Any) -> None:
        assert self.refusal(http(status, {"code": nabla_code})).message == self.refusal(http(status, {})).message

    def test_a_refused_submit_does_not_speak_of_a_transcript_that_was_never_made(self) -> None:
        for nabla_code in (422, 83005):
            message = self.refusal(http(422, {"code": nabla_code})).message
            assert "transcript" not in message
            assert "could not write a note" not in message

    @pytest.mark.parametrize(
        ("value", "seconds"),
        [("0", 0), ("120", 120), ("999999999", 86400), ("-5", None), ("soon", None), ("", None), ("1.5", None)],
    )
    def test_retry_after_in_seconds(self, value: str, seconds: float | None) -> None:
        assert self.refusal(http(429, {"code": 85000}, Retry_After=value)).retry_after == seconds

    def test_retry_after_as_a_date(self) -> None:
        now = datetime.now(UTC)
        ahead = format_datetime(now + timedelta(seconds=90), usegmt=True)
        assert self.refusal(http(503, b"", Retry_After=ahead)).retry_after == pytest.approx(90, abs=5)
        past = format_datetime(now - timedelta(days=1), usegmt=True)
        assert self.refusal(http(503, b"", Retry_After=past)).retry_after == 0

    def test_a_key_that_no_header_can_carry_is_a_permanent_error_that_does_not_show_it(self) -> None:
        self.credentials = {"server_key": "geheim\r\nX: schlüssel"}
        error = self.refusal(http(200, self.accepted()))
        assert (error.permanent, error.code) == (True, "bad_header")
        assert "geheim" not in error.message

    @pytest.mark.parametrize(
        "wrong",
        [
            {},
            {"server_key": ""},
            {"server_key": 5},
            {"server_key": "two words"},
            {"server_key": "line\n"},
            {"server_key": "k", "webhook_secrets": "one"},
            {"server_key": "k", "webhook_secrets": [""]},
            {"server_key": "k", "webhook_secrets": None},
        ],
    )
    def test_wrong_credentials(self, wrong: dict[str, Any]) -> None:
        assert len(self.vendor.check_credentials(wrong)) == 1

    def test_webhook_secrets_may_be_left_out(self) -> None:
        assert not self.vendor.check_credentials({"server_key": "k"})
        assert not self.vendor.check_credentials({"server_key": "k", "webhook_secrets": []})
