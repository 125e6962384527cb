"""Posts callbacks, alone or several at the same moment, and writes down what the receiver answered."""

import threading
import time
from typing import Any

import requests

from sandbox.ledger import Entry, now

TIMEOUT_SECONDS = 10
ANSWER_KEPT = 2000


def post(entry: Entry, url: str, payload: bytes) -> dict[str, Any]:
    """One POST, never repeated. The record joins the entry's `callbacks` once the answer (or none) is there."""
    record: dict[str, Any] = {"url": url, "at": now(), "bytes": len(payload), "status": None, "answer": None}
    started = time.monotonic()
    try:
        with requests.Session() as session:
            session.trust_env = False
            headers = {"Content-Type": "application/json"}
            with session.post(url, payload, headers=headers, timeout=TIMEOUT_SECONDS, allow_redirects=False) as answer:
                record |= {"status": answer.status_code, "answer": answer.text[:ANSWER_KEPT]}
    except (requests.RequestException, UnicodeError) as error:
        record["error"] = type(error).__name__
    record["seconds"] = round(time.monotonic() - started, 3)
    entry.callbacks.append(record)
    return record


def post_at_once(entry: Entry, url: str, payload: bytes, count: int) -> None:
    """The same payload `count` times, all let go together, each on a connection of its own."""
    gate = threading.Barrier(count)

    def one() -> None:
        gate.wait()
        post(entry, url, payload)

    threads = [threading.Thread(target=one, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
