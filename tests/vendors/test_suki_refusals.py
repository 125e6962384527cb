"""Suki: what becomes of each call that it refuses."""

from __future__ import annotations

import pytest

from tests.vendors import suki_server
from tests.vendors.contract import CANARY, job
from tests.vendors.going import Noted, OwnTokens
from tests.vendors.scripted_server import http
from tests.vendors.suki_server import SukiServer, Tone
from tests.vendors.test_suki_client import EXPIRED, REF, WRITTEN_UP, failed, vendor
from vendors.base import Held, VendorError, Wish

SUBMITTING = [
    *(("ambient", call) for call in ("create", "context", "end")),
    *(("dictation", call) for call in ("create", "end")),
]
POLLING = [("ambient", call) for call in ("status", "content", "transcript")]


@pytest.mark.parametrize(
    ("status", "message", "code", "permanent"),
    [
        (400, "", "invalid_request", True),
        (400, "missing_sdp_provider_id_header: x", "provider_missing", True),
        (403, "permission_denied", "forbidden", True),
        (403, "insufficient_scope: ambient", "forbidden", True),
        (404, CANARY, "session_missing", True),
        (412, "provider_user_inactive", "provider_inactive", True),
        (412, "something else", "refused", True),
        (418, "", "refused", True),
        (429, "", "rate_limited", False),
        (500, "provider_user_inactive", "vendor_unavailable", False),
        (503, "", "vendor_unavailable", False),
        (302, "", "redirected", True),
    ],
)
def test_each_refusal_has_its_code(status: int, message: str, code: str, permanent: bool) -> None:
    with SukiServer(status=[suki_server.error(status, message)]) as server:
        error = failed(server)
    assert (error.code, error.permanent) == (code, permanent)


def go(server: SukiServer, kind: str, call: str, tokens: OwnTokens) -> None:
    """All of the work of which this call is a part."""
    asking = vendor(server, tokens)
    if (kind, call) in POLLING:
        asking.poll(Held(REF))
    else:
        wish = Wish(("transcript_item",), "en", kind=kind)
        asking.submit(job(wish=wish, sounds=(Tone(100),)), Noted())


def refused(kind: str, call: str, answer: bytes) -> tuple[VendorError, list[str]]:
    """What it comes to, and what was asked."""
    with SukiServer(**{**WRITTEN_UP, call: [answer]}) as server, pytest.raises(VendorError) as caught:
        go(server, kind, call, OwnTokens())
    assert CANARY not in caught.value.message
    return caught.value, server.calls()


@pytest.mark.parametrize(("kind", "call"), [*SUBMITTING, ("ambient", "status")])
@pytest.mark.parametrize(
    ("status", "message", "code"),
    [
        (400, f"invalid_argument: {CANARY}", "invalid_request"),
        (400, "missing_sdp_provider_id_header", "provider_missing"),
        (403, CANARY, "forbidden"),
        (403, "insufficient_scope: dictation", "forbidden"),
        (404, "", "session_missing"),
        (412, "provider_user_inactive: x", "provider_inactive"),
        (418, "", "refused"),
    ],
)
def test_what_is_refused_for_good_is_not_asked_again(
    kind: str, call: str, status: int, message: str, code: str
) -> None:
    error, asked = refused(kind, call, suki_server.error(status, message))
    assert (error.code, error.permanent, error.unanswered) == (code, True, False)
    assert (asked[-1], asked.count(call), asked.count("login")) == (call, 1, 1)


@pytest.mark.parametrize(("kind", "call"), [*SUBMITTING, *POLLING])
@pytest.mark.parametrize(
    ("status", "message", "code"),
    [
        (408, "", "vendor_unavailable"),
        (429, "", "rate_limited"),
        (500, f"provider_user_inactive: {CANARY}", "vendor_unavailable"),
        (503, "", "vendor_unavailable"),
    ],
)
def test_whatever_is_busy_or_down_is_asked_again_later(
    kind: str, call: str, status: int, message: str, code: str
) -> None:
    answer = http(status, {"code": status, "message": message}, Retry_After="7")
    error, asked = refused(kind, call, answer)
    assert (error.code, error.permanent, error.unanswered, error.retry_after) == (code, False, False, 7)
    assert (asked[-1], asked.count(call), asked.count("login")) == (call, 1, 1)


@pytest.mark.parametrize(("kind", "call"), [*SUBMITTING, *POLLING])
def test_a_token_that_ends_before_any_call_is_renewed_once(kind: str, call: str) -> None:
    tokens = OwnTokens()
    with SukiServer(**{**WRITTEN_UP, call: [EXPIRED, *WRITTEN_UP.get(call, [http(200, {})])]}) as server:
        go(server, kind, call, tokens)
    old, new = (asked.headers["sdp_suki_token"] for asked in server.of(call))
    assert server.calls().count("login") == 2
    assert old != new
    assert list(tokens.kept.values()) == [new]


@pytest.mark.parametrize(("kind", "call"), [*SUBMITTING, ("ambient", "status")])
def test_a_new_token_that_is_refused_too_is_not_renewed_again(kind: str, call: str) -> None:
    error, asked = refused(kind, call, EXPIRED)
    assert (error.code, error.permanent) == ("unauthorized", True)
    assert (asked[-1], asked.count(call), asked.count("login")) == (call, 2, 2)
