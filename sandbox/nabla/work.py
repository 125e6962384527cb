"""What happens after a submit was taken: listen, wait, call back in one form or both."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from sandbox.audio import Download
from sandbox.callbacks import at_once, post
from sandbox.faults import Fault
from sandbox.ledger import Entry, Ledger
from sandbox.nabla import faults as nabla_faults
from sandbox.nabla.contract import Order
from sandbox.nabla.result import result
from sandbox.nabla.webhooks import MOST_TRIES, Webhooks, encoded, event, post_event

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
    webhooks: Webhooks

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
        hooks = self.webhooks.all()
        groups = [] if hooks and not any(one.also_callback for one in hooks) else nabla_faults.copies(self.faults)
        events = nabla_faults.webhook_copies(self.faults) if hooks else []
        named = nabla_faults.changed(ids(self.entry), self.faults)
        self.send(nabla_faults.told(made, self.faults), named, groups, events)
        if "second" in self.faults and "error_code" not in made:
            self.stopping.wait(BETWEEN_CONFLICTING_SECONDS)
            once = [[1] if wanted else [] for wanted in (groups, events)]
            self.send(nabla_faults.conflicting(made), ids(self.entry), *once)
        self.entry.mark("called_back")
        delivered = any(200 <= (one["status"] or 0) < 300 for one in self.entry.callbacks)
        self.entry.state = ("delivered" if delivered else "undelivered") if groups or events else "lost"

    def send(self, told: dict[str, Any] | str, named: dict[str, str], groups: list[int], events: list[int]) -> None:
        """To the callback URL, then to each webhook as one event: so many at once, one number after the other."""
        plain = encoded(told) if isinstance(told, str) else nabla_faults.with_ids(told, named)
        for count in groups:
            at_once(count, lambda: post(self.entry, self.order.callback_url, plain))
        for hook in self.webhooks.all() if events else ():
            body = told if isinstance(told, str) else event(told, named, self.order.outputs)
            for count in events:
                at_once(count, partial(self.deliver, hook.url, body))

    def deliver(self, url: str, body: dict[str, Any] | str) -> None:
        """One event until a 200: every try has a signature of its own, under the secrets of that moment."""
        for tried in range(1, MOST_TRIES + 1):
            hook = self.webhooks.get(url)
            if hook is None or not self.ledger.holds(self.entry):
                return
            signed = nabla_faults.webhook_headers(encoded(body), hook.secrets, self.faults)
            answer = post_event(self.entry, url, body, signed)
            if answer["status"] == 200 or tried >= hook.tries or self.stopping.wait(hook.pause(tried)):
                return
