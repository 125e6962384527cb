"""Callbacks and webhooks that the control API orders, sent at once and only once."""

from collections.abc import Mapping
from typing import Any

from sandbox.callbacks import post
from sandbox.ledger import Entry
from sandbox.messages import Answer, NotJson
from sandbox.nabla import faults as nabla_faults
from sandbox.nabla.webhooks import SIGNATURE, Webhooks, check_types, encoded, event, headers, post_event
from sandbox.nabla.work import ids

NO_RESULT = Answer(409, {"message": "there is no result yet"})
SHIFT_LIMIT_SECONDS = 10**9
FIELDS = {
    "url": str,
    "secrets": list,
    "timestamp_shift_seconds": int | float,
    "event_id": str,
    "payload": dict,
    "body": dict | str,
    "signature": str,
}


def send_callback(asked: Mapping[str, Any], entry: Entry) -> Answer:
    """Sends the true result now, or the `body` given instead, to the callback URL or the `url` given instead."""
    body, url = asked.get("body", entry.result()), asked.get("url", entry.body["callback_url"])
    if body is None:
        return NO_RESULT
    if not isinstance(body, dict | str) or not isinstance(url, str) or set(asked) - {"body", "url"}:
        raise NotJson("takes url (a string) and body (an object, or a string sent as it is), both optional")
    payload = encoded(body) if isinstance(body, str) else nabla_faults.with_ids(body, ids(entry))
    return Answer(200, post(entry, url, payload))


def send_webhook(asked: Mapping[str, Any], entry: Entry | None, webhooks: Webhooks) -> Answer:
    """Sends the true result now as a signed event, or what is given instead; without an entry, the `body` alone."""
    check_types(asked, FIELDS)
    if "body" in asked and asked.keys() & {"payload", "event_id"}:
        raise NotJson("payload and event_id belong to the usual envelope, which a body replaces")
    shift = asked.get("timestamp_shift_seconds", 0)
    if not abs(shift) <= SHIFT_LIMIT_SECONDS:
        raise NotJson("timestamp_shift_seconds is out of range")
    body = asked["body"] if "body" in asked else asked_event(asked, entry)
    if body is None:
        return NO_RESULT
    url, secrets = asked_endpoint(asked, webhooks)
    signed = headers(encoded(body), secrets, shift)
    signed[SIGNATURE] = asked.get("signature", signed[SIGNATURE])
    return Answer(200, post_event(entry, url, body, signed))


def asked_event(asked: Mapping[str, Any], entry: Entry | None) -> dict[str, Any] | None:
    if entry is None:
        raise NotJson("body is needed where there is no request")
    content = asked.get("payload", entry.result())
    if content is None:
        return None
    made = event(content, ids(entry), entry.body["output_objects"])
    return made | {"id": asked.get("event_id", made["id"])}


def asked_endpoint(asked: Mapping[str, Any], webhooks: Webhooks) -> tuple[str, list[str]]:
    """The URL and secrets given, else those of the first endpoint, or of the endpoint with that URL."""
    known = webhooks.get(asked["url"]) if "url" in asked else next(iter(webhooks.all()), None)
    url = asked.get("url", known.url if known else None)
    if url is None or (known is None and not asked.keys() & {"secrets", "signature"}):
        raise NotJson("url and secrets (or a signature) are needed: no such webhook is configured")
    return url, asked.get("secrets", list(known.secrets) if known else [])
