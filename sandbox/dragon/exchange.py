"""The data exchange: to whom it tells what, and what can be fetched afterwards."""

import json
import uuid
import zlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

import requests

from sandbox.callbacks import TIMEOUT_SECONDS, send
from sandbox.dragon.contract import NOTIFICATIONS, Refused
from sandbox.dragon.sessions import Session
from sandbox.ledger import KEPT

TRANSCRIPT_READY = "transcript_ready_complete"
NOTE_READY = "encounter_data_ready_complete"
NOTE_UPDATED = "encounter_data_updated"
SUPPLEMENT_READY = "supplemental_encounter_data_ready"
CONTENT_TYPE = {"Content-Type": "application/cloudevents+json; charset=utf-8"}
FINAL = (400, 401, 403, 413)
TRIES = 6


@dataclass(frozen=True)
class Subscription:
    """One customer's webhook. `origin`: where the Partner API was called, which is where results are fetched."""

    id: str
    customer_id: str
    url: str
    access_token: str
    origin: str

    def shown(self) -> dict[str, Any]:
        return {"id": self.id, "customer_id": self.customer_id, "url": self.url, "origin": self.origin}

    def address(self) -> str:
        """The webhook's URL with the secret behind whatever query it has."""
        parts = urlsplit(self.url)
        secret = urlencode({"access_token": self.access_token})
        return parts._replace(query=f"{parts.query}&{secret}" if parts.query else secret).geturl()


def handshake(url: str, source: str) -> None:
    """Asks the webhook whether this source may send (CloudEvents' abuse protection); raises Refused."""
    asked = {"WebHook-Request-Origin": source}
    try:
        with requests.Session() as session:
            session.trust_env = False
            answer = session.options(url, headers=asked, timeout=TIMEOUT_SECONDS, allow_redirects=False)
    except requests.RequestException as error:
        raise Refused(400, f"webHookUrl cannot be reached: {type(error).__name__}") from error
    if answer.status_code != 200 or answer.headers.get("WebHook-Allowed-Origin") != source:
        raise Refused(400, f"webHookUrl does not allow {source}: the handshake was answered {answer.status_code}")


class Notifications:
    """What can be fetched, by its id: (correlation id, the inner JSON). At most KEPT of them."""

    def __init__(self) -> None:
        self._by_id: OrderedDict[str, tuple[str, bytes]] = OrderedDict()

    def add(self, correlation_id: str, inner: str) -> str:
        identifier = str(uuid.uuid4())
        self._by_id[identifier] = (correlation_id, zlib.compress(inner.encode("utf-8", "surrogatepass"), 1))
        if len(self._by_id) > KEPT:
            self._by_id.popitem(last=False)
        return identifier

    def find(self, identifier: str | None) -> tuple[str, str] | None:
        correlation_id, packed = self._by_id.get(identifier or "", ("", b""))
        return (correlation_id, zlib.decompress(packed).decode("utf-8", "surrogatepass")) if packed else None

    def clear(self) -> None:
        self._by_id.clear()


def moment(at: datetime | None = None) -> str:
    return (at or datetime.now(UTC)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True)
class Announcement:
    """One CloudEvent to be sent. `host`: whom its link names instead of the truth. `pause`: seconds before it."""

    type: str
    notification_id: str
    time: str = field(default_factory=moment)
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    host: str = ""
    pause: float = 0.0

    def event(self, session: Session, subscription: Subscription, source: str) -> dict[str, Any]:
        origin = f"https://{self.host}" if self.host else subscription.origin
        return {
            "specversion": "1.0",
            "id": self.id,
            "source": f"https://{source}",
            "type": self.type,
            "time": self.time,
            "datacontenttype": "application/json",
            "data": {
                "retrievalUrl": f"{origin}{NOTIFICATIONS}/{self.notification_id}",
                "correlationId": session.id,
                "customerId": session.customer_id,
                "userId": session.user,
            },
        }


def post(subscription: Subscription, body: Mapping[str, Any] | str) -> dict[str, Any]:
    """One POST, never repeated. Gives the record of it, without the secret."""
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    record = send(subscription.address(), text.encode("utf-8", "surrogatepass"), CONTENT_TYPE)
    told = {} if isinstance(body, str) else {"event_id": body.get("id"), "type": body.get("type")}
    return {"event_id": None, "type": None, **told, **record, "url": subscription.url}


def is_settled(record: Mapping[str, Any]) -> bool:
    """Whether the sender is through with it, for better or worse."""
    status = record["status"] or 0
    return 200 <= status < 300 or status in FINAL
