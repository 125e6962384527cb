"""The later, signed form of an answer: where it goes, its envelope and its signature."""

import hmac
import json
import threading
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.callbacks import send
from sandbox.ledger import Entry
from sandbox.messages import NotJson

TIMESTAMP, SIGNATURE = "x-nabla-webhook-timestamp", "x-nabla-webhook-signature"
LONGEST_PAUSE_SECONDS = 60
MOST_TRIES = 20
FIELDS = {
    "url": str,
    "secrets": list,
    "also_callback": bool,
    "pause_seconds": int | float,
    "tries": int,
}


@dataclass(frozen=True)
class Webhook:
    """One endpoint. Results go there instead of to the `callback_url`, or `also_callback`.

    Tried `tries` times until a 200; the pause before the second try is `pause_seconds`, before each further one twice
    the last. Several secrets make several signatures, as while they are being rotated.
    """

    url: str
    secrets: tuple[str, ...]
    also_callback: bool = False
    pause_seconds: float = 1.0
    tries: int = 8

    def shown(self) -> dict[str, Any]:
        return asdict(self) | {"secrets": len(self.secrets)}

    def pause(self, tried: int) -> float:
        """Seconds after so many tries."""
        return float(min(self.pause_seconds * 2 ** (tried - 1), LONGEST_PAUSE_SECONDS))


class Webhooks:
    """The endpoints by their URLs, in the order in which they came."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_url: dict[str, Webhook] = {}

    def put(self, asked: Mapping[str, Any]) -> Webhook:
        """Adds an endpoint, or replaces the one of that URL; raises NotJson."""
        check_types(asked, FIELDS)
        if not asked.get("url") or not asked.get("secrets"):
            raise NotJson("a webhook needs a url and at least one secret")
        webhook = Webhook(**{**asked, "secrets": tuple(asked["secrets"])})
        if not 0 <= webhook.pause_seconds <= LONGEST_PAUSE_SECONDS or not 1 <= webhook.tries <= MOST_TRIES:
            raise NotJson(f"pause_seconds is 0 to {LONGEST_PAUSE_SECONDS}, tries is 1 to {MOST_TRIES}")
        with self._lock:
            self._by_url[webhook.url] = webhook
        return webhook

    def get(self, url: str) -> Webhook | None:
        with self._lock:
            return self._by_url.get(url)

    def all(self) -> list[Webhook]:
        with self._lock:
            return list(self._by_url.values())

    def remove(self, asked: Mapping[str, Any]) -> None:
        """The endpoint of that `url`, or all where none is named; raises NotJson."""
        check_types(asked, {"url": str})
        with self._lock:
            for url in asked.values() or list(self._by_url):
                self._by_url.pop(url, None)


def check_types(asked: Mapping[str, Any], fields: Mapping[str, Any]) -> None:
    """Raises NotJson for an unknown field or one of another type; a list must be one of strings."""
    for name, value in asked.items():
        if name not in fields:
            raise NotJson(f"unknown field {name}: known are {', '.join(fields)}")
        if not isinstance(value, fields[name]) or (isinstance(value, bool) and fields[name] is not bool):
            raise NotJson(f"{name} is of the wrong type")
        if isinstance(value, list) and not all(isinstance(one, str) for one in value):
            raise NotJson(f"{name} must be a list of strings")


def event(content: Mapping[str, Any], ids: Mapping[str, str], outputs: Iterable[str]) -> dict[str, Any]:
    """The envelope with an id of its own. `content` is a callback's body without its ids."""
    status = "failed" if "error_code" in content else "succeeded"
    about = {"id" if name == "request_id" else name: value for name, value in ids.items()}
    return {
        "id": str(uuid.uuid4()),
        "created_at": clock(),
        "type": f"{'generate_note_async' if 'note' in outputs else 'transcribe_async'}.{status}",
        "data": {**about, "status": status, "payload": dict(content)},
    }


def encoded(body: Mapping[str, Any] | str) -> bytes:
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    return text.encode("utf-8", "surrogatepass")


def clock(shift_seconds: float = 0) -> str:
    moment = datetime.now(UTC) + timedelta(seconds=shift_seconds)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def headers(body: bytes, secrets: Iterable[str], shift_seconds: float = 0) -> dict[str, str]:
    """The signature of this moment, as a clock that is `shift_seconds` ahead tells it; one value for each secret."""
    timestamp = clock(shift_seconds)
    keys = [secret.encode("utf-8", "surrogatepass") for secret in secrets]
    values = [hmac.new(key, timestamp.encode() + body, "sha256").hexdigest() for key in keys]
    return {TIMESTAMP: timestamp, SIGNATURE: ",".join(values)}


def post_event(
    entry: Entry | None, url: str, body: Mapping[str, Any] | str, signed: Mapping[str, str]
) -> dict[str, Any]:
    """One POST. Its record is a callback's with `event_id` and `timestamp`, and joins those of the entry."""
    record = send(url, encoded(body), signed)
    record |= {"event_id": None if isinstance(body, str) else body.get("id"), "timestamp": signed[TIMESTAMP]}
    if entry:
        entry.callbacks.append(record)
    return record
