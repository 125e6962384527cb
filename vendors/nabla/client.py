"""Nabla's only I/O: one POST, and what its status means.

Source: Nabla's server API reference, version 2024-04-22, `POST /listen_async`. Decided by status and `code`, never by
`message`, whose text is Nabla's and may repeat what was sent.
"""

from __future__ import annotations

from vendors.answers import Response
from vendors.base import Account, Job, Submitted, VendorError
from vendors.nabla.wire import API_VERSION, RATE_LIMITED, read_error_code, read_ref, submit_body
from vendors.outbound import Outbound

#: Status -> our code, and what staff can do. All permanent: the same request would be refused again.
REFUSALS = {
    400: ("invalid_request", "Nabla refused the request as invalid. Check what is asked for and the vendor account."),
    401: ("unauthorized", "Nabla did not accept the server key. Check the key of this vendor account."),
    403: ("forbidden", "Nabla does not let this server key use listen_async. Check the key and what it may do."),
    404: (
        "endpoint_missing",
        f"Nabla has no listen_async at this base URL in API version {API_VERSION}. Check the account's base URL.",
    ),
    409: ("already_used", "Nabla has seen this client request id before. Retry asks under a new one."),
    413: ("too_large", "Nabla refused the audio as too large. Send a shorter or smaller recording."),
    422: ("unusable_audio", "Nabla cannot use this audio. Check that the recording plays and is an audio file."),
}

_OF_THE_RECORDING_OR_THE_NOTE = {
    83005: "Nabla refused the recording: too little is said in it for a note. Check that all of it was recorded.",
    83006: "Nabla refused the recording: it found no medical content in it. Check that it is the right one.",
    83014: "Nabla refused the settings of the note: check the template, the language and the section style.",
}
#: Status -> Nabla's documented codes that say more than this status does, and the words that then take its place.
CODES_THAT_SAY_MORE = {
    400: _OF_THE_RECORDING_OR_THE_NOTE,
    401: {50025: "Nabla did not accept the server key: it has expired. Enter a new one for this vendor account."},
    422: _OF_THE_RECORDING_OR_THE_NOTE,
}


def listen_async(outbound: Outbound, account: Account, job: Job) -> Submitted:
    """Hand `job` to Nabla. Idempotent by its `client_request_id`. Raises VendorError, codes as in REFUSALS and below.

    A 409 to a job that an earlier, unanswered try may have delivered means that Nabla has it.
    """
    answer = outbound.request(
        "POST",
        f"{account.base_url.rstrip('/')}/listen_async",
        headers={"Authorization": f"Bearer {account.credentials['server_key']}", "X-Nabla-Api-Version": API_VERSION},
        json=submit_body(job),
    )
    if 200 <= answer.status < 300:
        return Submitted(read_ref(answer.body))
    if answer.status == 409 and job.unanswered_before:
        return Submitted(None)
    raise _error(answer)


def _error(answer: Response) -> VendorError:
    status, nabla_code = answer.status, read_error_code(answer.body)
    if status == 429 or nabla_code == RATE_LIMITED:
        message = "Nabla has too many requests from this account at once. It is asked again later."
        return VendorError(message, permanent=False, code="rate_limited", retry_after=answer.retry_after())
    if status >= 500 or status == 408:
        message = f"Nabla is not available just now (HTTP {status}). It is asked again later."
        return VendorError(message, permanent=False, code="vendor_unavailable", retry_after=answer.retry_after())
    if 300 <= status < 400:
        message = "Nabla's address answers with a redirect, which is not followed. Check the account's base URL."
        return VendorError(message, permanent=True, code="redirected")
    code, message = REFUSALS.get(
        status, ("refused", f"Nabla refused the request (HTTP {status}). Tell the operator, who can ask Nabla.")
    )
    if nabla_code is not None:
        message = CODES_THAT_SAY_MORE.get(status, {}).get(nabla_code, message)
    return VendorError(message, permanent=True, code=code)
