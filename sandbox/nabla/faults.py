"""The faults this vendor can be asked for, and what they make of a callback."""

import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from sandbox.faults import Fault, Kind
from sandbox.messages import Answer, Silence
from sandbox.nabla.contract import RATE_LIMITED, refusal
from sandbox.nabla.webhooks import encoded, headers

SECONDS = {"seconds": 60.0}

KINDS: Mapping[str, Kind] = {
    "submit_500": Kind("refusal"),
    "submit_429": Kind("refusal", {"retry_after": 1.0}),
    "submit_4xx": Kind("refusal", {"status": 422, "code": 422}),
    "submit_timeout": Kind("refusal", SECONDS),
    "accept_then_timeout": Kind("answer", SECONDS),
    "callback_lost": Kind("copies"),
    "callback_doubled": Kind("copies"),
    "callback_tripled_at_once": Kind("copies"),
    "callback_many": Kind("copies", {"count": 10}),
    "callback_early": Kind("moment"),
    "callback_late": Kind("moment", {"delay": 5.0}),
    "callback_junk": Kind("content", {"body": "<html><body>502 Bad Gateway</body></html>"}),
    "callback_error": Kind("content", {"error_code": 422, "error_message": "We could not process this audio."}),
    "callback_body": Kind("content", {"body": {}}),
    "callback_aliases": Kind("names"),
    "callback_other_id": Kind("ids"),
    "callback_no_ids": Kind("ids"),
    "conflicting": Kind("second"),
    "webhook_doubled": Kind("webhook_copies"),
    "webhook_stale": Kind("webhook_clock", {"seconds": 300.0}),
    "webhook_wrong_signature": Kind("webhook_signature"),
}
BEFORE_ACCEPTING = frozenset({"refusal"})
OF_WEBHOOKS = frozenset({"webhook_copies", "webhook_clock", "webhook_signature"})
AFTER_ACCEPTING = frozenset(kind.aspect for kind in KINDS.values()) - BEFORE_ACCEPTING
MOST_COPIES = 1000


def refused(fault: Fault) -> Answer | Silence:
    params = fault.params
    if fault.name == "submit_timeout":
        return Silence(params["seconds"])
    if fault.name == "submit_429":
        return refusal(429, "Too many requests.", RATE_LIMITED, {"Retry-After": f"{params['retry_after']:g}"})
    if fault.name == "submit_4xx":
        return refusal(params["status"], "Refused on demand.", params["code"])
    return refusal(500, "Internal server error.")


def copies(faults: Mapping[str, Fault]) -> list[int]:
    """How often the answer goes out: each number is sent at once, one number after the other."""
    fault = faults.get("copies")
    many = fault.params.get("count", 0) if fault else 0
    known = {
        "callback_lost": [],
        "callback_doubled": [1, 1],
        "callback_tripled_at_once": [3],
        "callback_many": [min(many, MOST_COPIES)] if many else [],
    }
    return known[fault.name] if fault else [1]


def webhook_copies(faults: Mapping[str, Fault]) -> list[int]:
    return [1, 1] if "webhook_copies" in faults else copies(faults)


def webhook_headers(body: bytes, secrets: Iterable[str], faults: Mapping[str, Fault]) -> dict[str, str]:
    """The signature, after whatever the faults do to the clock and the secrets."""
    behind = faults["webhook_clock"].params["seconds"] if "webhook_clock" in faults else 0
    wrong = "webhook_signature" in faults
    return headers(body, [f"not {secret}" for secret in secrets] if wrong else secrets, -behind)


def told(result: Mapping[str, Any], faults: Mapping[str, Fault]) -> dict[str, Any] | str:
    """The answer without its ids, after whatever the faults do to its content and its names; junk is a string."""
    content = faults.get("content")
    if content and content.name == "callback_junk":
        return str(content.params["body"])
    body = dict(content.params.get("body", content.params) if content else result)
    if "names" in faults and isinstance(body.get("transcript"), list):
        body["transcript"] = [aliased(item) for item in body["transcript"]]
    return body


def changed(ids: Mapping[str, str], faults: Mapping[str, Fault]) -> dict[str, str]:
    if "ids" not in faults:
        return dict(ids)
    other = faults["ids"].name == "callback_other_id"
    return {"request_id": str(uuid.uuid4()), "client_request_id": str(uuid.uuid4())} if other else {}


def with_ids(body: Mapping[str, Any], ids: Mapping[str, str]) -> bytes:
    """The ids come first; those that the body already names stay as they are."""
    return encoded({**ids, **body})


def aliased(item: Any) -> Any:
    names = {"start_offset_ms": "start_time_ms", "end_offset_ms": "end_time_ms"}
    return {names.get(key, key): value for key, value in item.items()} if isinstance(item, dict) else item


def conflicting(result: Mapping[str, Any]) -> dict[str, Any]:
    """Another success about the same audio, which does not say the same."""
    second: dict[str, Any] = {}
    if "transcript" in result:
        *first, last = result["transcript"]
        second["transcript"] = [*first, {**last, "text": f"{last['text']} And one more thing."}]
    if "note" in result:
        *sections, end = result["note"]["sections"]
        changed_end = {**end, "text": f"{end['text']}\nOne more thing was discussed."}
        second["note"] = {**result["note"], "sections": [*sections, changed_end]}
    return second
