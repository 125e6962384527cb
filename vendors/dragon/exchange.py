"""Dragon Copilot's data exchange: events that announce a result, the fetch of it, and where events are sent.

Source: CloudEvents 1.0 in structured mode, and its HTTP webhooks' abuse protection. The fields of `data`, and that the
secret comes back in the address's query, are one client's reading.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from vendors.base import Notice, Unreadable
from vendors.reading import Fields, read_object

LONGEST_ID, LONGEST_LINK, LONGEST_ORIGIN = 128, 8_192, 500
#: By its name, what is behind it goes with the note and does not replace it.
SUPPLEMENT = "supplemental_encounter_data_ready"
#: Types of events with a result of ours behind them; there are others.
ANNOUNCING = frozenset(
    {"encounter_data_ready_complete", "transcript_ready_complete", "encounter_data_updated", SUPPLEMENT}
)
FIRST_YEAR, LAST_YEAR = 2000, 2100
UNKNOWN_TYPE = "Dragon Copilot tells of something that this version does not know. The event is kept as it came."
NO_LINK = "Dragon Copilot announces a result and does not say where it is. The event is kept as it came."


def read_event(event: Fields) -> Notice:
    """What an event announces, and where. Raises Unreadable."""
    data = event.object("data")
    ref = data.optional_text("correlationId", most=LONGEST_ID) if data else None
    if not data or not ref:
        raise Unreadable("data.correlationId: missing")
    kind, as_of = event.text("type"), read_time(event.value("time"))
    if kind not in ANNOUNCING:
        return Notice(ref, UNKNOWN_TYPE, as_of=as_of)
    link = data.optional_text("retrievalUrl", most=LONGEST_LINK) or ""
    return Notice(ref, "" if link else NO_LINK, link, as_of, kind == SUPPLEMENT)


def event_id(body: bytes) -> str | None:
    """An event is the same where its source and its id are; None for what has no such texts."""
    try:
        event = read_object(body)
    except Unreadable:
        return None
    source, named = event.value("source"), event.value("id")
    if not (isinstance(source, str) and isinstance(named, str) and named):
        return None
    told = json.dumps([source, named])  # lone surrogates too, which orjson refuses, and each of them by itself
    return f"event-sha256:{hashlib.sha256(told.encode()).hexdigest()}"


def handshake(headers: Mapping[str, str]) -> dict[str, str]:
    """Any sender may ask, at any rate: each event has to prove itself."""
    origin = headers.get("webhook-request-origin", "")
    if not origin or not origin.isascii() or not origin.isprintable() or len(origin) > LONGEST_ORIGIN:
        return {}
    return {"WebHook-Allowed-Origin": origin, "WebHook-Allowed-Rate": "*"}


def subscription(credentials: Mapping[str, Any], webhook_url: str, access_token: str) -> dict[str, Any]:
    """`PUT {partner}/subscriptions`."""
    return {
        "partnerId": credentials["partner_id"],
        "customerId": credentials["customer_id"],
        "productId": credentials["product_id"],
        "webHookUrl": webhook_url,
        "eventFamily": ["dax"],
        "accessToken": access_token,
    }


def envelope(notice: Notice, answer: bytes) -> bytes:
    """What was fetched, with what its event said of it. Raises Unreadable for what no answer to a fetch looks like."""
    if read_object(answer).value("data") is None:
        raise Unreadable("data: missing")
    event = {"as_of": notice.as_of.isoformat() if notice.as_of else None, "is_supplement": notice.is_supplement}
    try:
        orjson.loads(answer)
        said: object = orjson.Fragment(answer.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError:
        said = answer.decode("utf-8-sig", errors="replace")
    return orjson.dumps({"answer_to": "dragon", "session_id": notice.ref, **event, "answer": said})


def read_time(value: object) -> datetime | None:
    """An RFC 3339 time of this century, in UTC; None for anything else."""
    if not isinstance(value, str) or len(value) > 40:
        return None
    try:
        read = datetime.fromisoformat(value)
    except ValueError:
        return None
    is_sane = read.tzinfo and FIRST_YEAR <= read.year <= LAST_YEAR
    return read.astimezone(UTC) if is_sane else None
