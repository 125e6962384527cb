"""What must be in a body. Everything that is wrong with one is said in a single sentence."""

import json
import re
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from sandbox.dragon.contract import CHANGE, CHUNK, FINALIZE, SESSION, SUBSCRIPTION, Refused

OWN_ID = re.compile(r"[A-Za-z0-9_|-]+")
LARGEST_INT32 = 2**31 - 1


def is_uuid(value: Any) -> bool:
    try:
        return isinstance(value, str) and str(uuid.UUID(value)) == value.lower()
    except ValueError:
        return False


def is_positive(value: Any) -> bool:
    return type(value) is int and 1 <= value <= LARGEST_INT32


def is_own_id(value: Any) -> bool:
    return isinstance(value, str) and OWN_ID.fullmatch(value) is not None


def is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def is_bool(value: Any) -> bool:
    return isinstance(value, bool)


def is_url(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(("http://", "https://"))


def holds_json(value: Any) -> bool:
    try:
        return isinstance(value, str) and isinstance(json.loads(value), dict)
    except (ValueError, RecursionError):
        return False


Check = tuple[Callable[[Any], bool], str]
UUID: Check = (is_uuid, "must be a valid UUID")
POSITIVE: Check = (is_positive, "must be a positive integer")
TEXT: Check = (is_text, "must be a string that is not empty")
BOOL: Check = (is_bool, "must be true or false")
CHECKS: Mapping[str, Check] = {
    **dict.fromkeys(("productId", "partnerId", "customerId"), UUID),
    **dict.fromkeys(("recordingId", "chunkId", "totalChunks"), POSITIVE),
    **dict.fromkeys(("isLast", "skipAmbientSessionExistence"), BOOL),
    **dict.fromkeys(("externalUserId", "ehrInstanceId", "accessToken"), TEXT),
    "correlationId": (is_own_id, "must match [A-Za-z0-9_|-]+"),
    "data": (holds_json, "must be a string that holds a JSON object"),
    "webHookUrl": (is_url, "must be an http or https URL"),
    "eventFamily": (lambda value: value == ["dax"], 'must be ["dax"]'),
}
OWNERS = ("productId", "partnerId", "customerId")
REQUIRED: Mapping[str, tuple[str, ...]] = {
    CHUNK: (*OWNERS, "correlationId", "recordingId", "chunkId"),
    FINALIZE: (*OWNERS, "correlationId", "recordingId", "totalChunks"),
    SESSION: (*OWNERS, "correlationId", "externalUserId"),
    CHANGE: (),
    SUBSCRIPTION: (*OWNERS, "webHookUrl", "eventFamily", "accessToken"),
}
OPTIONAL: Mapping[str, tuple[str, ...]] = {
    CHUNK: ("isLast", "ehrInstanceId", "externalUserId"),
    FINALIZE: ("ehrInstanceId", "externalUserId", "skipAmbientSessionExistence"),
    SESSION: ("ehrInstanceId", "data"),
    CHANGE: ("externalUserId", "data"),
    SUBSCRIPTION: (),
}


def check(body: Mapping[str, Any], endpoint: str) -> None:
    """Raises Refused with all that is wrong."""
    refuse([*missing(body, endpoint), *wrong(body, endpoint)])


def refuse(problems: list[str]) -> None:
    if problems:
        raise Refused(400, ", ".join(problems))


def missing(body: Mapping[str, Any], endpoint: str) -> list[str]:
    return [f"{name} is required" for name in REQUIRED[endpoint] if name not in body]


def wrong(body: Mapping[str, Any], endpoint: str) -> list[str]:
    known = [name for name in (*REQUIRED[endpoint], *OPTIONAL[endpoint]) if name in body]
    return [f"{name} {CHECKS[name][1]}" for name in known if not CHECKS[name][0](body[name])]


def unknown(body: Mapping[str, Any], endpoint: str) -> list[str]:
    """The fields that the vendor does not describe; it does not say either that it minds them."""
    return sorted(set(body) - {*REQUIRED[endpoint], *OPTIONAL[endpoint]})
