"""Nabla: the headers of signed webhooks, and what their bodies name."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vendors.base import Rejected
from vendors.nabla.adapter import NablaVendor

NOW = datetime(2026, 3, 1, 14, 34, 12, tzinfo=UTC)
TIMESTAMP, SIGNATURE = "x-nabla-webhook-timestamp", "x-nabla-webhook-signature"
BODY = b'{"id": "e"}'


def digest(timestamp: str, key: str = "s") -> str:
    return hmac.new(key.encode(), timestamp.encode() + BODY, hashlib.sha256).hexdigest()


def judged(timestamp: str, signature: str | None = None, secrets: tuple[str, ...] = ("s",)) -> str:
    headers = {TIMESTAMP: timestamp, SIGNATURE: digest(timestamp) if signature is None else signature}
    try:
        NablaVendor.read_proof(headers, "", NOW).verify(BODY, secrets)
    except Rejected as rejected:
        return rejected.code
    return "proven"


def event_id(**body: Any) -> str | None:
    return NablaVendor.event_id({}, json.dumps(body).encode())


def test_the_signature_is_what_openssl_makes_of_timestamp_and_body() -> None:
    # printf '2026-03-01T14:34:12.675Z{"id": "e"}' | openssl dgst -sha256 -hmac s
    made = "6b8a9a0ebe9daf4812e3833c41c232ffb4c7174ae7136d1dd663b8039031bfbb"
    assert judged("2026-03-01T14:34:12.675Z", made) == "proven"


@pytest.mark.parametrize(
    "timestamp",
    [
        "2026-03-01T14:34:12Z",
        "2026-03-01T14:34:12.675Z",
        "2026-03-01T14:34:12.675123456Z",
        "2026-03-01T14:34:12,675Z",
        "2026-03-01T14:34Z",
        "20260301T143412Z",
        "2026-03-01T14:34:12+00:00",
        "2026-03-01T14:34:12-00:00",
        "2026-03-01T15:34:12+01:00",
        "2026-03-01T15:34:12+0100",
        "2026-03-01T05:04:12.5-09:30",
        "2026-03-02T04:34:12+14:00",
    ],
)
def test_iso_8601_in_its_forms(timestamp: str) -> None:
    assert judged(timestamp) == "proven"


def test_a_time_without_an_offset_is_utc() -> None:
    assert judged("2026-03-01T14:34:12.675") == "proven"
    assert judged("2026-03-01T15:34:12.675") == "signature_stale"


@pytest.mark.parametrize(
    ("timestamp", "code"),
    [
        ("2026-03-01T14:33:11.999Z", "signature_stale"),
        ("2026-03-01T14:35:12.001Z", "signature_stale"),
        ("2026-03-01T14:34:12+01:00", "signature_stale"),
        ("2026-03-01", "signature_stale"),
        ("0001-01-01T00:00:00+23:59", "signature_stale"),
        ("9999-12-31T23:59:59.999999-23:59", "signature_stale"),
        ("9999999-01-01T00:00:00Z", "signature_malformed"),
        ("0000-01-01T00:00:00Z", "signature_malformed"),
        ("2026-02-29T14:34:12Z", "signature_malformed"),
        ("2026-03-01T25:00:00Z", "signature_malformed"),
        ("2026-03-01T14:34:60Z", "signature_malformed"),
        ("2026-03-01T14:34:12+24:00", "signature_malformed"),
        ("2026-03-01T14:34:12Z2026-03-01T14:34:12Z", "signature_malformed"),
        ("2026-03-01T14:34:12Z,2026-03-01T14:34:12Z", "signature_malformed"),
        ("2026-03-01T14:34:12.675Z, 2026-03-01T14:34:12.675Z", "signature_malformed"),
        ("2026-03-01\u260314:34:12Z", "signature_malformed"),
        ("2026-03-01\xa014:34:12Z", "signature_malformed"),
        ("\u0662026-03-01T14:34:12Z", "signature_malformed"),
        ("2026-03-01T14:34:12." + "0" * 10_240 + "Z", "signature_malformed"),
        ("1772375652", "signature_malformed"),
        ("1772375652000", "signature_malformed"),
        ("infinity", "signature_malformed"),
        ("-inf", "signature_malformed"),
        ("NaN", "signature_malformed"),
        ("now", "signature_malformed"),
        ("Sun, 01 Mar 2026 14:34:12 GMT", "signature_malformed"),
    ],
    ids=lambda value: value[:40],
)
def test_any_other_time_is_refused_before_the_body_is_read(timestamp: str, code: str) -> None:
    with pytest.raises(Rejected, match=f"^{code}$"):
        NablaVendor.read_proof({TIMESTAMP: timestamp, SIGNATURE: "a" * 64}, "", NOW)


def test_the_timestamp_is_signed_as_it_was_written() -> None:
    assert judged("2026-03-01T14:34:12+00:00", digest("2026-03-01T14:34:12Z")) == "signature_wrong"


GOOD, BAD = digest("2026-03-01T14:34:12Z"), "0" * 64


@pytest.mark.parametrize(
    ("signature", "told"),
    [
        (GOOD, "proven"),
        (GOOD.upper(), "proven"),
        (f"{BAD},{GOOD}", "proven"),
        (f"{GOOD},{BAD}", "proven"),
        (f"{BAD}, {GOOD}\t,{BAD}", "proven"),
        (",".join([BAD] * 7 + [GOOD]), "proven"),
        (",".join([BAD] * 8), "signature_wrong"),
        (",".join([BAD] * 8 + [GOOD]), "signature_malformed"),
        (",".join([GOOD] * 150), "signature_malformed"),
        (GOOD[:-1] + ("0" if GOOD[-1] != "0" else "1"), "signature_wrong"),
        (GOOD[:-1], "signature_malformed"),
        (GOOD[:-2], "signature_malformed"),
        (GOOD + "00", "signature_malformed"),
        (GOOD * 2, "signature_malformed"),
        (f"{GOOD[:32]} {GOOD[32:]}", "signature_malformed"),
        (f"{GOOD},", "signature_malformed"),
        (f",{GOOD}", "signature_malformed"),
        (f"{GOOD},,{GOOD}", "signature_malformed"),
        (f"{GOOD}\n", "signature_malformed"),
        (f"{GOOD};{GOOD}", "signature_malformed"),
        (f"sha256={GOOD}", "signature_malformed"),
        (f"0x{GOOD[2:]}", "signature_malformed"),
        ("\uff10" * 64, "signature_malformed"),
        ("é" * 64, "signature_malformed"),
        ("," * 10_240, "signature_malformed"),
        ("a" * 10_240, "signature_malformed"),
        (" " * 10_240, "signature_malformed"),
    ],
    ids=lambda value: f"{value[:24]}#{len(value)}",
)
def test_signatures_are_hex_between_commas(signature: str, told: str) -> None:
    assert judged("2026-03-01T14:34:12Z", signature) == told


@pytest.mark.parametrize("secret", ["schlüssel", "\u0661", "\U0001f511", "\ud800", "x" * 1000, "a b", "\x00"])
def test_a_secret_may_be_any_text(secret: str) -> None:
    assert judged("2026-03-01T14:34:12Z", secrets=(secret,)) == "signature_wrong"
    assert judged("2026-03-01T14:34:12Z", secrets=(secret, "s")) == "proven"


def test_a_secret_is_hashed_as_utf_8() -> None:
    timestamp = "2026-03-01T14:34:12Z"
    assert judged(timestamp, digest(timestamp, "schlüssel"), ("schlüssel",)) == "proven"


@given(timestamp=st.text(max_size=50), signature=st.text(max_size=80) | st.just(GOOD))
def test_no_header_does_worse_than_to_be_rejected(timestamp: str, signature: str) -> None:
    assert judged(timestamp, signature).startswith("signature_")


@given(st.datetimes(timezones=st.timezones()))
def test_no_moment_does_worse_than_to_be_stale(at: datetime) -> None:
    assert judged(at.isoformat()) in ("proven", "signature_stale")


@pytest.mark.parametrize("secrets", [None, "text", {}, 5])
def test_secrets_that_are_no_list_are_none(secrets: Any) -> None:
    assert NablaVendor.webhook_secrets({"webhook_secrets": secrets}) == []


def test_more_than_8_secrets_are_refused() -> None:
    credentials = {"server_key": "k", "webhook_secrets": ["s"] * 8}
    assert not NablaVendor.check_credentials(credentials)
    credentials["webhook_secrets"] = ["s"] * 9
    assert len(NablaVendor.check_credentials(credentials)) == 1


def test_the_event_is_the_envelopes_id_and_not_the_jobs() -> None:
    uuid = "695404b3-6ebf-4b17-9c64-fd397193e7d1"
    assert event_id(id=uuid, type="transcribe_async.succeeded", data={"id": "R"}) == uuid
    assert event_id(type="transcribe_async.succeeded", data={"id": "R"}) is None


def test_an_event_of_a_type_that_is_new_has_its_id() -> None:
    assert event_id(id="e", type="new.tomorrow", data={"id": "R"}) == "e"


@pytest.mark.parametrize("sent", [None, "", 5, 5.5, True, ["e"], {"id": "e"}])
def test_an_id_that_is_no_text_is_none(sent: Any) -> None:
    assert event_id(id=sent, type="transcribe_async.succeeded", data={}) is None


def test_a_plain_callback_names_no_event() -> None:
    assert event_id(request_id="r", client_request_id="mine", transcript=[]) is None
    assert event_id(id="e", request_id="r", transcript=[]) is None
    assert event_id(id="e", type="transcribe_async.succeeded", request_id="r", transcript=[]) is None
    assert event_id(id="e", data={}, request_id="r", transcript=[]) is None


def test_an_id_in_broken_utf_8_is_none_since_others_would_look_alike() -> None:
    assert NablaVendor.event_id({}, b'{"id": "a\xffb", "type": "x", "data": {}}') is None
    assert NablaVendor.event_id({}, b'{"id": "a\x00b", "type": "x", "data": {}}') is None


@pytest.mark.parametrize("sent", ["x" * 129, "x" * 200, "x" * 100_000, "a\x00b", "a\ud800b", "naïve", "two\nlines"])
def test_an_id_that_is_long_or_odd_is_digested(sent: str) -> None:
    key = event_id(id=sent, type="x", data={})
    assert key == "id-sha256:" + hashlib.sha256(sent.encode("utf-8", "surrogatepass")).hexdigest()


@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_no_body_does_worse_than_to_name_no_event(body: bytes) -> None:
    assert NablaVendor.event_id({}, body) is None


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 10_485_760,
        b'{"id":' * 1_747_626,
        b'{"id":"' + b"x" * 10_485_740,
        b'{"type":"x","data":{},"id":' + b"9" * 10_485_700 + b"}",
        b'{"type":"x","data":{},"id":1.' + b"9" * 10_485_700 + b"}",
        b'{"type":"x","data":{},"id":1e' + b"9" * 10_485_700 + b"}",
        b"\xff" * 10_485_760,
        b"\x00" * 10_485_760,
    ],
    ids=lambda body: body[-40:][:8].hex() + body[:32].hex(),
)
def test_10_mebibytes_of_anything_name_no_event(body: bytes) -> None:
    assert NablaVendor.event_id({}, body) is None
