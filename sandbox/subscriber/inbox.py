"""What came, by subscriber and webhook-id, in memory and bounded: how often, verified or not, and what was answered."""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from sandbox.ledger import KEPT, now


@dataclass(eq=False)
class Message:
    """One webhook-id at one subscriber. `processed`: proven and taken, once; any further time is a repeat."""

    subscriber: str
    id: str
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    verified: bool = False
    processed: bool = False
    offences: list[str] = field(default_factory=list)
    received: list[dict[str, Any]] = field(default_factory=list)


class Inbox:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._messages: OrderedDict[tuple[str, str], Message] = OrderedDict()

    def receive(self, subscriber: str, identifier: str, headers: Mapping[str, str], body: bytes) -> Message:
        """The message of that id, new or known, as it came last."""
        with self._lock:
            message = self._messages.setdefault((subscriber, identifier), Message(subscriber, identifier))
            if len(self._messages) > KEPT:
                self._messages.popitem(last=False)
            message.body, message.headers = body.decode(errors="replace"), dict(headers)
            return message

    def judge(self, message: Message, problem: str, offences: list[str], status: int | None, fault: str | None) -> bool:
        """Writes down what came of it; True when it is processed now, for the first time."""
        with self._lock:
            is_first = not problem and not message.processed and status is not None and 200 <= status < 300
            message.verified = message.verified or not problem
            message.processed = message.processed or is_first
            message.offences = sorted({*message.offences, *offences})
            message.received.append({"at": now(), "status": status, "problem": problem, "fault": fault})
            return is_first

    def shown(self, subscriber: str) -> list[dict[str, Any]]:
        """All messages, or those of one subscriber, in the order in which they came first."""
        with self._lock:
            return [asdict(one) for one in self._messages.values() if subscriber in ("", one.subscriber)]

    def clear(self) -> None:
        with self._lock:
            self._messages.clear()
