"""Posts callbacks and webhooks, and writes down what the receiver answered."""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import requests

from sandbox.ledger import Entry, now

TIMEOUT_SECONDS = 10
ANSWER_KEPT = 2000
JSON = {"Content-Type": "application/json"}


def send(url: str, payload: bytes, headers: Mapping[str, str]) -> dict[str, Any]:
    """One POST, never repeated. Gives the record of it, once the answer (or none) is there."""
    record: dict[str, Any] = {"url": url, "at": now(), "bytes": len(payload), "status": None, "answer": None}
    started = time.monotonic()
    try:
        with requests.Session() as session:
            session.trust_env = False
            headers = JSON | dict(headers)
            with session.post(url, payload, headers=headers, timeout=TIMEOUT_SECONDS, allow_redirects=False) as answer:
                record |= {"status": answer.status_code, "answer": answer.text[:ANSWER_KEPT]}
    except (requests.RequestException, UnicodeError) as error:
        record["error"] = type(error).__name__
    record["seconds"] = round(time.monotonic() - started, 3)
    return record


def post(entry: Entry, url: str, payload: bytes) -> dict[str, Any]:
    """One plain callback, whose record joins the entry's `callbacks`."""
    record = send(url, payload, {})
    entry.callbacks.append(record)
    return record


def at_once(count: int, what: Callable[[], object]) -> None:
    """The same `count` times, all let go together, each in a thread of its own; returns when all are done."""
    gate = threading.Barrier(count)

    def one() -> None:
        gate.wait()
        what()

    threads = [threading.Thread(target=one, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
