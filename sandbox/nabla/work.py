"""What happens after a submit was taken: listen, wait, call back."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.audio import Download
from sandbox.callbacks import post, post_at_once
from sandbox.faults import Fault
from sandbox.ledger import Entry, Ledger
from sandbox.nabla import faults as nabla_faults
from sandbox.nabla.contract import Order
from sandbox.nabla.result import result

BETWEEN_CONFLICTING_SECONDS = 0.3
# Hundreds of downloads at once would leave the submits waiting for the interpreter.
LISTENING = threading.BoundedSemaphore(16)


def ids(entry: Entry) -> dict[str, str]:
    found = {"request_id": entry.request_id or ""}
    return {**found, "client_request_id": entry.client_request_id} if entry.client_request_id else found


@dataclass(frozen=True)
class Work:
    order: Order
    entry: Entry
    faults: Mapping[str, Fault]
    delay: float
    stopping: threading.Event
    ledger: Ledger

    def run(self) -> None:
        try:
            made = self.listen()
            if self.waited() and self.ledger.holds(self.entry):
                self.call_back(made)
        except Exception as error:  # A defect here must show up in /control/, not vanish with the thread.
            self.entry.state, self.entry.error = "undelivered", repr(error)
            raise

    def listen(self) -> dict[str, Any]:
        download = Download()
        try:
            with LISTENING:
                made = result(self.order, download)
        finally:
            self.entry.download = download.shown()
        self.entry.keep(made)
        self.entry.mark("result_ready")
        return made

    def waited(self) -> bool:
        """False when the sandbox stops in the meantime. An early callback does not wait at all."""
        moment = self.faults.get("moment")
        seconds = self.delay if moment is None else moment.params.get("delay", 0)
        return not self.stopping.wait(seconds)

    def call_back(self, made: Mapping[str, Any]) -> None:
        url, groups = self.order.callback_url, nabla_faults.copies(self.faults)
        first = nabla_faults.payload(made, ids(self.entry), self.faults)
        for count in groups:
            post_at_once(self.entry, url, first, count)
        if groups and "second" in self.faults and "error_code" not in made:
            self.stopping.wait(BETWEEN_CONFLICTING_SECONDS)
            post(self.entry, url, nabla_faults.with_ids(nabla_faults.conflicting(made), ids(self.entry)))
        self.entry.mark("called_back")
        delivered = any(200 <= (one["status"] or 0) < 300 for one in self.entry.callbacks)
        self.entry.state = ("delivered" if delivered else "undelivered") if groups else "lost"
