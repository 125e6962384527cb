"""What Suki's refusals mean. Decided by the HTTP status and the stable id that an error's message begins with."""

from __future__ import annotations

from vendors.answers import Response
from vendors.base import Unreadable, VendorError
from vendors.suki.wire import read_error_id

#: Suki's id -> our code, and what staff can do. All permanent: the same request would be refused again.
BY_ID = {
    "provider_not_registered": (
        "provider_not_registered",
        "Suki does not know this clinician, and this vendor account cannot register one: enter its provider_org_id "
        "and provider_specialty.",
    ),
    "provider_user_inactive": (
        "provider_inactive",
        "This clinician's user is inactive at Suki. Ask for it to be activated.",
    ),
    "missing_sdp_provider_id_header": (
        "provider_missing",
        "Suki asks for which clinician this is. Enter one in the session, or a provider_id in this vendor account.",
    ),
    "insufficient_scope": ("forbidden", "Suki does not let this partner do that. Check what was agreed with Suki."),
}
#: The same by status, where no id says more.
BY_STATUS = {
    400: ("invalid_request", "Suki refused the request as invalid. Check what is asked for and the vendor account."),
    401: ("unauthorized", "Suki did not accept the partner's token. Check this vendor account, and when it ends."),
    403: ("forbidden", "Suki does not let this partner do that. Check what was agreed with Suki."),
    404: ("session_missing", "Suki knows no such session, or is not at this base URL. Check the account's base URL."),
    409: ("already_used", "Suki has such a session already, and it takes no more. Retry asks for a new one."),
    413: ("too_large", "Suki refused what was sent as too large. Send a shorter recording."),
    422: ("invalid_request", "Suki refused the request as invalid. Check what is asked for and the vendor account."),
}
#: One of these says FailedPrecondition (which one is inferred), unless it comes with an id that says otherwise.
PRECONDITION_STATUSES = (400, 409, 412)
OTHERWISE = frozenset({*BY_ID, "invalid_argument", "invalid_sdp_token", "permission_denied"})


def refusal(answer: Response) -> VendorError:
    """The error for an answer that is no success."""
    status = answer.status
    if status == 429:
        message = "Suki has too many requests from this account at once. It is asked again later."
        return VendorError(message, permanent=False, code="rate_limited", retry_after=answer.retry_after())
    if status >= 500 or status == 408:
        message = f"Suki is not available just now (HTTP {status}). It is asked again later."
        return VendorError(message, permanent=False, code="vendor_unavailable", retry_after=answer.retry_after())
    if 300 <= status < 400:
        message = "Suki's address answers with a redirect, which is not followed. Check the account's base URL."
        return VendorError(message, permanent=True, code="redirected")
    otherwise = ("refused", f"Suki refused the request (HTTP {status}). Tell the operator, who can ask Suki.")
    code, message = BY_ID.get(read_error_id(answer.body)) or BY_STATUS.get(status, otherwise)
    return VendorError(message, permanent=True, code=code)


def is_precondition(answer: Response) -> bool:
    """Whether the session's state is what forbids it: it is running, or it has ended."""
    return answer.status in PRECONDITION_STATUSES and read_error_id(answer.body) not in OTHERWISE


def not_opened(answer: Response) -> VendorError:
    """The error for a WebSocket that was not opened: one is opened only while its session is free."""
    return busy() if is_precondition(answer) else refusal(answer)


def is_running(answer: Response) -> bool:
    """Whether that is said in so many words."""
    return is_precondition(answer) and b"running" in answer.body.lower()


def busy() -> VendorError:
    message = "Suki's session is busy just now. It is tried again."
    return VendorError(message, permanent=False, code="session_busy")


def unreadable(error: Unreadable) -> VendorError:
    message = f"Suki answered with something that cannot be read ({error}). It is asked again later."
    return VendorError(message, permanent=False, code="answer_unreadable")


def recording_pending() -> VendorError:
    message = "Suki is still processing the recording. It is asked again later."
    return VendorError(message, permanent=False, code="recording_pending")


def recording_gone() -> VendorError:
    message = "Suki has deleted the recording: it keeps them for 7 days."
    return VendorError(message, permanent=True, code="recording_gone")
