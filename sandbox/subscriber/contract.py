"""What a consumer checks, by hand, after Standard Webhooks 1.0.0 (https://www.standardwebhooks.com)."""

import base64
import hmac
import json
import re
import time
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
SECRET_PREFIX, VERSION = "whsec_", "v1"
SECRET_BYTES = range(24, 65)
TOLERANCE_SECONDS = 5 * 60
TYPE = re.compile(r"[a-zA-Z0-9_]+(\.[a-zA-Z0-9_]+)*")
LONGEST_PAYLOAD = 20 * 1024


class Unproven(Exception):
    """Whoever sent it has not shown that it holds the secret, now."""


def key(secret: str) -> bytes:
    """The bytes of a secret as it is written; raises ValueError."""
    decoded = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    if not secret.startswith(SECRET_PREFIX) or len(decoded) not in SECRET_BYTES:
        raise ValueError(f"a secret is {SECRET_PREFIX} and the base64 of 24 to 64 bytes")
    return decoded


def verify(headers: Mapping[str, str], body: bytes, secrets: Iterable[str], ahead_seconds: float = 0) -> None:
    """Raises Unproven, with what is wrong. `ahead_seconds`: by how much the consumer's own clock goes wrong."""
    identifier, timestamp, signatures = (headers.get(name, "") for name in (ID, TIMESTAMP, SIGNATURE))
    if not identifier or "." in identifier:
        raise Unproven(f"{ID} is missing or has a full stop")
    if not re.fullmatch(r"\d{1,12}", timestamp, re.ASCII):
        raise Unproven(f"{TIMESTAMP} is not whole seconds")
    if abs(time.time() + ahead_seconds - int(timestamp)) > TOLERANCE_SECONDS:
        raise Unproven(f"{TIMESTAMP} is more than {TOLERANCE_SECONDS} seconds away")
    signed = f"{identifier}.{timestamp}.".encode() + body
    expected = [base64.b64encode(hmac.digest(key(secret), signed, "sha256")) for secret in secrets]
    given = [
        value.encode()
        for version, _, value in (one.partition(",") for one in signatures.split(" "))
        if version == VERSION
    ]
    if not any(hmac.compare_digest(one, other) for one in expected for other in given):
        raise Unproven(f"no value of {SIGNATURE} is that of a known secret")


def offences(headers: Mapping[str, str], body: bytes) -> list[str]:
    """Where a message, proven or not, is none as the specification wants it."""
    found = [] if headers.get("content-type", "").startswith("application/json") else ["content_type"]
    if len(body) > LONGEST_PAYLOAD:
        found.append("too_long")
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError):
        return [*found, "not_json"]
    return found + (misfits(payload) if isinstance(payload, dict) else ["not_an_object"])


def misfits(payload: Mapping[str, Any]) -> list[str]:
    """The members that are not there, or not as they should be."""
    fits = {
        "type": bool(TYPE.fullmatch(str(payload.get("type", "")))),
        "timestamp": is_time(payload.get("timestamp")),
        "data": isinstance(payload.get("data"), dict),
    }
    return [name for name, fit in fits.items() if not fit]


def is_time(value: Any) -> bool:
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except (TypeError, ValueError):
        return False
