"""The one webhook of a partner: signed, sent once, never repeated."""

import hmac
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from sandbox.callbacks import send
from sandbox.faults import Fault
from sandbox.messages import NotJson
from sandbox.suki.contract import ROOT
from sandbox.suki.sessions import Session

GENERATED_AT, SIGNATURE = "generated-at", "X-API-Key"
SHIFT_LIMIT_SECONDS = 10**9
FIELDS: Mapping[str, Any] = {
    "url": str,
    "secret": str,
    "body": dict | str,
    "signature": str,
    "generated_at_shift_seconds": int | float,
}


@dataclass(frozen=True)
class Webhook:
    url: str
    secret: str

    def shown(self) -> dict[str, Any]:
        return {"url": self.url, "has_secret": bool(self.secret)}


def configured(asked: Mapping[str, Any]) -> Webhook:
    """From {"url", "secret"}; raises NotJson."""
    check_fields(asked, {"url": str, "secret": str})
    if not asked.get("url") or not asked.get("secret"):
        raise NotJson("a webhook needs a url and a secret")
    return Webhook(asked["url"], asked["secret"])


def check_fields(asked: Mapping[str, Any], fields: Mapping[str, Any]) -> None:
    for name, value in asked.items():
        if name not in fields or not isinstance(value, fields[name]) or isinstance(value, bool):
            raise NotJson(f"{name} is unknown or of the wrong type: known are {', '.join(fields)}")


def headers(body: bytes, secret: str, shift_seconds: float = 0) -> dict[str, str]:
    """The signature of this moment, as a clock that is `shift_seconds` ahead tells it."""
    generated = str(int((time.time() + shift_seconds) * 1000))
    signed = f"{generated}:".encode() + body
    key = secret.encode("utf-8", "surrogatepass")
    return {GENERATED_AT: generated, SIGNATURE: hmac.new(key, signed, "sha256").hexdigest()}


def encoded(body: Mapping[str, Any] | str) -> bytes:
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    return text.encode("utf-8", "surrogatepass")


def success(session: Session, origin: str = "") -> dict[str, Any]:
    """The event of a completed session; its links are relative where there is no `origin`."""
    return {
        "status": "success",
        **ids(session),
        "additional_info": {},
        "_links": {
            "contents": [link(f"{origin}{ambient(session)}/content", "content")],
            "encounter_content": [link(f"{origin}{encounter(session)}/content", "encounter_content")],
            "status": [link(f"{origin}{ambient(session)}/status", "status")],
            "transcripts": [link(f"{origin}{ambient(session)}/transcript", "transcript")],
        },
    }


def ids(session: Session) -> dict[str, Any]:
    return {"session_id": session.id, "encounter_id": session.encounter_id or ""}


def link(href: str, name: str) -> dict[str, str]:
    return {"href": href, "method": "GET", "name": name, "type": "application/json"}


def ambient(session: Session) -> str:
    return f"{ROOT}/api/v1/ambient/session/{quote(session.id, safe='')}"


def encounter(session: Session) -> str:
    return f"{ROOT}/api/v1/ambient/encounter/{quote(session.encounter_id or session.id, safe='')}"


def told(session: Session, true: Mapping[str, Any], faults: Mapping[str, Fault]) -> dict[str, Any] | str:
    """The event, after whatever the faults do to its content; junk is a string."""
    fault = faults.get("webhook_content")
    if fault is None:
        return dict(true)
    if fault.name == "webhook_junk":
        return str(fault.params["body"])
    if fault.name == "webhook_body":
        return {**ids(session), **fault.params["body"]}
    return {"status": fault.params["status"], **ids(session)}


def links_origin(session: Session, fault: Fault | None) -> str:
    if fault is None:
        return ""
    return str(fault.params.get("origin", session.origin))


def deliver(session: Session, webhook: Webhook, body: dict[str, Any] | str, faults: Mapping[str, Fault]) -> None:
    """Once, or as the faults have it."""
    copies = {"webhook_lost": 0, "webhook_doubled": 2}
    signed = faulty_headers(encoded(body), webhook.secret, faults)
    for _ in range(copies[faults["copies"].name] if "copies" in faults else 1):
        post(session, webhook.url, body, signed)


def faulty_headers(body: bytes, secret: str, faults: Mapping[str, Fault]) -> dict[str, str]:
    behind = faults["webhook_clock"].params["seconds"] if "webhook_clock" in faults else 0
    name = faults["signature"].name if "signature" in faults else ""
    signed = headers(body, f"not {secret}" if name == "webhook_wrong_signature" else secret, -behind)
    if name == "webhook_upper_case":
        signed[SIGNATURE] = signed[SIGNATURE].upper()
    return signed


def post(session: Session | None, url: str, body: dict[str, Any] | str, signed: Mapping[str, str]) -> dict[str, Any]:
    """One POST, whose record joins the session's."""
    record = send(url, encoded(body), signed)
    record |= {"generated_at": signed[GENERATED_AT], "event": None if isinstance(body, str) else body.get("status")}
    if session:
        session.webhooks.append(record)
    return record


def send_now(asked: Mapping[str, Any], session: Session | None, webhook: Webhook | None) -> dict[str, Any]:
    """What control orders, untouched by faults; raises NotJson."""
    check_fields(asked, FIELDS)
    url = asked.get("url", webhook.url if webhook else None)
    secret = asked.get("secret", webhook.secret if webhook else None)
    body = asked.get("body", success(session) if session else None)
    shift = asked.get("generated_at_shift_seconds", 0)
    if url is None or secret is None or body is None or not abs(shift) <= SHIFT_LIMIT_SECONDS:
        raise NotJson("needs a url and a secret where no webhook is configured, and a body where there is no session")
    signed = headers(encoded(body), secret, shift)
    signed[SIGNATURE] = asked.get("signature", signed[SIGNATURE])
    return post(session, url, body, signed)
