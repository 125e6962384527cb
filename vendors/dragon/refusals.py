"""What Dragon Copilot's refusals mean, and what staff should do. Decided by the status alone."""

from __future__ import annotations

import re

import grpc

from vendors.answers import Response
from vendors.base import Unreadable, VendorError

SUPPORT = "tell the operator, who can ask Dragon Copilot's partner relations"
TOKEN = (
    "Dragon Copilot did not accept the token of this vendor account. Check that the client may still sign in and gets "
    f"tokens for Dragon Copilot's audience, that its clock is right, and the region; then {SUPPORT}."
)
NOT_ALLOWED = (
    "Dragon Copilot does not let this application in: it or its issuer is not on the allow list. Ask Dragon Copilot's "
    "partner relations."
)
FORBIDDEN = (
    "Dragon Copilot refused: the host, the transport, the customer or the issuer is not one that is agreed. Check the "
    f"region and the transport of this vendor account; then {SUPPORT}."
)
INVALID = "Dragon Copilot refused the request as invalid."
CHECK_IDS = "Check the ids in this vendor account."
#: What Dragon Copilot complains of, by the names in its own words -> what that is, and what helps.
COMPLAINTS = {
    "productid": "Check the product id in this vendor account.",
    "partnerid": "Check the partner id in this vendor account.",
    "customerid": "Check the customer id in this vendor account.",
    "correlationid": "It did not take the session's own id.",
    "recordingid": "It did not take the recording's number.",
    "totalchunks": "It did not take how many chunks the recording has.",
    "x-correlation-id": "The call's id did not arrive: see whether a proxy on the way takes it out.",
}
#: Status -> our code, and what staff can do. All permanent: the same request would be refused again.
BY_STATUS = {
    400: ("invalid_request", f"{INVALID} {CHECK_IDS}"),
    401: ("unauthorized", TOKEN),
    403: ("forbidden", FORBIDDEN),
    404: ("session_missing", "Dragon Copilot knows no such session. Retry makes a new one."),
    409: ("already_used", "Dragon Copilot has such a recording already, and takes no more of it. Retry makes another."),
    413: ("too_large", "Dragon Copilot refused what was sent as too large. Send a shorter recording."),
    422: ("invalid_request", f"{INVALID} {CHECK_IDS}"),
}
#: gRPC's statuses that say the same as one of HTTP's. Any other is no answer that helps: it is asked again.
AS_HTTP = {
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.OUT_OF_RANGE: 400,
    grpc.StatusCode.UNAUTHENTICATED: 401,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.ALREADY_EXISTS: 409,
    grpc.StatusCode.FAILED_PRECONDITION: 400,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.UNIMPLEMENTED: 403,
}
#: gRPC's own words for what happened on this side.
TOO_LARGE, NOT_CONNECTED = "received message larger than max", "failed to connect to all addresses"
#: What a WebSocket is closed with, in its reason's own words -> our code, and what it means.
CLOSED = {
    "failed to convert request to recordingopenrequest": (
        "open_refused",
        "Dragon Copilot did not understand how the recording was opened. Check the ids and the language in this vendor "
        f"account and session; then {SUPPORT}.",
    ),
    "invalid datachunk received": (
        "audio_refused",
        "Dragon Copilot could not take the audio as it was sent. Listen to it; if it sounds well, " + SUPPORT + ".",
    ),
    "failed to convert request to startprocessingrequest": (
        "processing_refused",
        "Dragon Copilot has the recording and did not understand that it is to be processed. Check the ids in this "
        f"vendor account; then {SUPPORT}.",
    ),
    "session not found": BY_STATUS[404],
}


def refusal(answer: Response, call_id: str = "") -> VendorError:
    """The error for an answer that is no success."""
    if answer.status == 401:
        is_of_token = not answer.body.lstrip().startswith(b"{")  # of the two, the one in plain text
        code, message = ("unauthorized", TOKEN) if is_of_token else ("not_allowed", NOT_ALLOWED)
        return VendorError(message, permanent=True, code=code, call_id=call_id)
    return by_status(answer.status, answer.retry_after(), call_id, answer.body.decode("utf-8", "replace"))


def by_status(status: int, retry_after: float | None = None, call_id: str = "", said: str = "") -> VendorError:
    """`said`: what the vendor wrote, which is compared and not repeated."""
    code, message = _meaning(status)
    if code == "invalid_request" and (advice := _advice(said)):
        message = f"{INVALID} {advice} If that does not help, {SUPPORT}."
    is_permanent = code not in ("rate_limited", "vendor_unavailable")
    return VendorError(message, permanent=is_permanent, code=code, retry_after=retry_after, call_id=call_id)


def _meaning(status: int) -> tuple[str, str]:
    if status == 429:
        return (
            "rate_limited",
            "Dragon Copilot has too many requests at once from this account. It is asked again later.",
        )
    if status >= 500 or status == 408:
        message = (
            f"Dragon Copilot is not available just now (HTTP {status}). It is asked again; if it goes on, {SUPPORT}."
        )
        return "vendor_unavailable", message
    if 300 <= status < 400:
        message = "Dragon Copilot answers with a redirect, which is not followed. Check the addresses of this account."
        return "redirected", message
    otherwise = f"Dragon Copilot refused the request (HTTP {status}). If it does so again, {SUPPORT}."
    return BY_STATUS.get(status, ("refused", otherwise))


def _advice(said: str) -> str:
    """What helps against all that it complains of; empty where it names nothing that is known."""
    words = set(re.findall(r"[a-z-]+", said.lower()))
    return " ".join(advice for name, advice in COMPLAINTS.items() if name in words)


def closed(reason: str, call_id: str = "") -> VendorError:
    """The error for a stream that was closed before its end, by the reason that was given."""
    if known := CLOSED.get(reason.strip().rstrip(".").lower()):
        return VendorError(known[1], permanent=True, code=known[0], call_id=call_id)
    message = "Dragon Copilot ended the connection too soon. It is taken up again, behind what is stored already."
    return VendorError(message, permanent=False, code="stream_ended", unanswered=True, call_id=call_id)


def of_grpc(error: grpc.RpcError, call_id: str = "") -> VendorError:
    """Source: gRPC's status codes. What the vendor wrote besides is compared, and not repeated."""
    status, details = error.code(), error.details() or ""
    if details.strip().rstrip(".").lower() in CLOSED:
        return closed(details, call_id)
    if status is grpc.StatusCode.RESOURCE_EXHAUSTED and TOO_LARGE in details.lower():
        message = "Dragon Copilot sent too large an answer. It is asked again later."
        return VendorError(message, permanent=False, code="answer_too_large", unanswered=True, call_id=call_id)
    if status in AS_HTTP:
        return by_status(AS_HTTP[status], call_id=call_id, said=details)
    message = f"Dragon Copilot could not be reached, or did not go on ({status.name}). It is asked again later."
    unanswered = not details.lower().startswith(NOT_CONNECTED)
    return VendorError(message, permanent=False, code="vendor_unavailable", unanswered=unanswered, call_id=call_id)


def silent(call_id: str = "") -> VendorError:
    message = (
        "Dragon Copilot took the connection and said nothing. It is tried again; a token that stands for no user has "
        f"been answered so: if it goes on, {SUPPORT}."
    )
    return VendorError(message, permanent=False, code="no_answer", unanswered=True, call_id=call_id)


def not_processed(call_id: str) -> VendorError:
    message = (
        "Dragon Copilot has the whole recording and did not agree to process it. It is asked again, and the audio is "
        f"not sent anew; if it goes on, {SUPPORT}."
    )
    return VendorError(message, permanent=False, code="not_processed", call_id=call_id)


def not_there_yet(call_id: str) -> VendorError:
    message = "Dragon Copilot announced a result that is not there yet. It is asked again later."
    return VendorError(message, permanent=False, code="result_missing", call_id=call_id)


def unreadable(error: Unreadable, call_id: str = "") -> VendorError:
    message = f"Dragon Copilot answered with something that cannot be read ({error}). It is asked again later."
    return VendorError(message, permanent=False, code="answer_unreadable", call_id=call_id)
