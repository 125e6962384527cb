"""What Dragon Copilot's refusals are told as: what helps, and nothing of its own words."""

from __future__ import annotations

import pytest

from tests.vendors.contract import CANARY
from tests.vendors.dragon_server import DragonServer
from tests.vendors.going import Noted
from tests.vendors.scripted_server import Answer, http
from tests.vendors.test_dragon_client import dragon, dragon_job
from vendors.base import VendorError

CALLS = ("ambient-sessions", "storeChunk", "finalizeUpload")


def refused(call: str, answer: bytes) -> VendorError:
    answers: dict[str, list[Answer]] = {call: [answer]}
    with DragonServer(**answers) as server, pytest.raises(VendorError) as caught:
        dragon(server.url).submit(dragon_job(), Noted())
    error = caught.value
    assert error.call_id == server.of(call)[-1].headers["x-correlation-id"] or call == "storeChunk"
    assert CANARY not in error.message
    return error


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422, 451])
def test_whatever_call_is_refused_is_not_made_again(call: str, status: int) -> None:
    assert refused(call, http(status, {"error": CANARY})).permanent


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("status", [429, 500, 503])
def test_whatever_call_finds_it_busy_or_down_is_made_again_when_it_says(call: str, status: int) -> None:
    error = refused(call, http(status, CANARY.encode(), Retry_After="7"))
    assert (error.permanent, error.retry_after) == (False, 7)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"])
def test_whatever_answer_breaks_off_may_have_been_an_acceptance(call: str, answer: bytes) -> None:
    error = refused(call, answer)
    assert (error.permanent, error.unanswered) == (False, True)


@pytest.mark.parametrize(
    ("complaint", "helps"),
    [
        ("productId must be a valid UUID", ["product id in this vendor account"]),
        (
            "partnerId is required, CUSTOMERID is not known",
            ["partner id in this vendor account", "customer id in this vendor account"],
        ),
        ("correlationId must not be empty", ["session's own id", "partner relations"]),
        ("recordingId must be positive", ["recording's number", "partner relations"]),
        ("totalChunks must be positive", ["how many chunks", "partner relations"]),
        ("x-correlation-id header is required", ["proxy", "partner relations"]),
        ("no", ["Check the ids in this vendor account"]),
        ("", ["Check the ids in this vendor account"]),
    ],
)
@pytest.mark.parametrize("status", [400, 422])
def test_an_invalid_request_is_told_by_what_is_wrong_with_it(status: int, complaint: str, helps: list[str]) -> None:
    error = refused("finalizeUpload", http(status, {"error": f"{complaint}. {CANARY}"}))
    assert error.code == "invalid_request"
    assert all(one in error.message for one in helps)
    assert ("Check the ids" in error.message) == (helps[0].startswith("Check the ids"))


def test_of_all_complaints_at_once_the_words_still_fit() -> None:
    names = "productId partnerId customerId correlationId recordingId totalChunks x-correlation-id"
    assert len(refused("finalizeUpload", http(400, {"error": names})).message) <= 500


def test_a_token_that_is_not_accepted_is_told_with_all_that_may_be_wrong_with_it() -> None:
    message = refused("storeChunk", http(401, b"Unauthorized")).message
    assert all(word in message for word in ("sign in", "audience", "clock", "region"))
