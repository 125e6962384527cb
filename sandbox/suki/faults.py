"""The faults this vendor can be asked for, and what they make of an answer. Their one request is a session's."""

import itertools
import json
from collections.abc import Iterator, Mapping
from typing import Any

from sandbox.faults import Fault, Kind
from sandbox.messages import Answer, Silence
from sandbox.suki.contract import ENDPOINTS, RECORDING, SOCKETS, Refused
from sandbox.suki.settings import Settings

NAMED = "session_id"
ANY = "any"
STORE = "store"
SECONDS = {"seconds": 60.0}
JUNK = {"body": "<html><body>502 Bad Gateway</body></html>"}
METADATA_ORIGIN = "http://169.254.169.254"


def of_every_endpoint() -> dict[str, Kind]:
    """The same for each, as `create_500` or `any_500`: the aspect is the endpoint."""
    sorts: Mapping[str, Mapping[str, Any]] = {
        "500": {},
        "429": {},
        "refused": {"status": 403, "message": "permission_denied"},
        "timeout": SECONDS,
        "token_expired": {},
        "junk": JUNK,
    }
    return {f"{place}_{sort}": Kind(place, params) for place in (ANY, *ENDPOINTS) for sort, params in sorts.items()}


KINDS: Mapping[str, Kind] = {
    **of_every_endpoint(),
    "recording_404": Kind(RECORDING),
    "recording_410": Kind(RECORDING),
    "recording_not_streamable": Kind("streamable"),
    "recording_out_of_order": Kind("order"),
    "recording_link_expired": Kind("links"),
    "recording_link_short": Kind("links", {"seconds": 1.0}),
    "recording_link_elsewhere": Kind("links", {"url": f"{METADATA_ORIGIN}/latest/meta-data"}),
    "store_403": Kind(STORE),
    "store_404": Kind(STORE),
    "store_500": Kind(STORE),
    "store_timeout": Kind(STORE, SECONDS),
    "store_redirect": Kind(STORE, {"url": f"{METADATA_ORIGIN}/latest/meta-data"}),
    "store_ignores_range": Kind("range"),
    "store_cut": Kind("delivery", {"after_bytes": 100_000}),
    "store_slow": Kind("delivery", {"bytes_per_second": 64_000}),
    "store_short_length": Kind("delivery", {"missing_bytes": 1000}),
    "store_not_wav": Kind("file", JUNK),
    "store_wav_lies": Kind("file", {"bytes": 10_000_000}),
    "store_huge": Kind("file", {"gigabytes": 3.0}),
    "session_failed": Kind("outcome", {"error_code": "ERROR_CODE_TRANSCRIPTION", "error_detail": "Not understood."}),
    "session_aborted": Kind("outcome"),
    "session_skipped": Kind("outcome"),
    "session_never_ends": Kind("outcome"),
    "session_late": Kind("moment", {"delay": 5.0}),
    "transcript_long": Kind("words", {"words": 50_000}),
    "webhook_lost": Kind("copies"),
    "webhook_doubled": Kind("copies"),
    "webhook_upper_case": Kind("signature"),
    "webhook_wrong_signature": Kind("signature"),
    "webhook_stale": Kind("webhook_clock", {"seconds": 600.0}),
    "webhook_status": Kind("webhook_content", {"status": "paused"}),
    "webhook_timeout": Kind("webhook_content", {"status": "timeout"}),
    "webhook_cancelled": Kind("webhook_content", {"status": "cancelled"}),
    "webhook_body": Kind("webhook_content", {"body": {}}),
    "webhook_junk": Kind("webhook_content", JUNK),
    "webhook_links_absolute": Kind("webhook_links"),
    "webhook_links_elsewhere": Kind("webhook_links", {"origin": METADATA_ORIGIN}),
    "failed_precondition": Kind("handshake"),
    "socket_dropped": Kind("drop", {"after_bytes": 64_000}),
    "frames_wrong_kind": Kind("frames"),
    "frames_junk": Kind("frames"),
    "frames_binary": Kind("frames"),
    "frames_huge": Kind("frames", {"bytes": 2_000_000}),
    "frame_a_byte": Kind("framing"),
    "partials_change": Kind("partials"),
    "partials_none": Kind("partials"),
    "no_eof": Kind("eof"),
    "eof_never": Kind("eof"),
    "dictation_end_empty": Kind("ending"),
    "dictation_end_heard": Kind("whole"),
    "dictation_end_status": Kind("ending", {"status": "failed"}),
}
OF_A_LINK = frozenset({"streamable", "order", "links"})
OF_A_DELIVERY = frozenset({STORE, "range", "delivery", "file"})
OF_A_WEBHOOK = frozenset({"copies", "signature", "webhook_clock", "webhook_content", "webhook_links"})
OF_THE_WORK = OF_A_WEBHOOK | {"outcome", "moment"}
OF_A_SOCKET = frozenset({"drop", "frames", "framing", "partials", "eof"})

# What a dictation's socket says besides, in turn: JSON all of it, and none of it a transcript.
WRONG_KINDS: tuple[Any, ...] = (
    [],
    5,
    None,
    {"type": "NOISE"},
    {"transcript": "a string"},
    {"transcript": {"transcript": 5}, "is_final": "yes"},
    {"transcript": {"words": {}}, "is_final": True},
)


def of_an_endpoint(endpoint: str) -> tuple[str, ...]:
    """The aspects that refuse a call, the closest first."""
    return (*(("handshake",) if endpoint in SOCKETS else ()), endpoint, ANY)


def faulty(fault: Fault, settings: Settings) -> Answer | Silence:
    """What is answered instead."""
    sort = fault.name.removeprefix(f"{fault.aspect}_")
    known = {
        "500": Refused(500, "internal_error"),
        "429": Refused(429, "rate_limited"),
        "404": Refused(404, "not_found"),
        "410": Refused(410, "recording_expired"),
        "token_expired": Refused(401, "invalid_sdp_token: the token has expired"),
        "failed_precondition": Refused(settings.handshake_status, "FailedPrecondition"),
    }
    if sort == "timeout":
        return Silence(fault.params["seconds"])
    if sort == "junk":
        return Answer(200, fault.params["body"].encode("utf-8", "surrogatepass"), {"Content-Type": "text/html"})
    if sort == "refused":
        return Refused(fault.params["status"], fault.params["message"]).answer()
    return known[sort].answer()


def beside(fault: Fault | None) -> Iterator[str | bytes]:
    """What goes out before each true message of a socket, one after the other and for ever."""
    if fault is None:
        return iter(())
    known: Mapping[str, tuple[str | bytes, ...]] = {
        "frames_wrong_kind": tuple(json.dumps(one) for one in WRONG_KINDS),
        "frames_junk": ("not json {", "", '{"transcript": '),
        "frames_binary": (b"\x00\xff binary", b""),
        "frames_huge": (json.dumps({"filler": "x" * fault.params.get("bytes", 0)}),),
    }
    return itertools.cycle(known[fault.name])
