"""What happens after an ambient session ended: a while of listening, an outcome, and a webhook that says so."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.faults import Fault
from sandbox.suki import webhooks
from sandbox.suki.sessions import ABORTED, COMPLETED, FAILED, SKIPPED, Session, Sessions
from sandbox.suki.settings import Settings
from sandbox.suki.webhooks import Webhook

OUTCOMES = {"session_failed": FAILED, "session_aborted": ABORTED, "session_skipped": SKIPPED}
CANCELLED = {"status": "cancelled"}


@dataclass(frozen=True)
class Work:
    session: Session
    faults: Mapping[str, Fault]
    settings: Settings
    webhook: Webhook | None
    sessions: Sessions
    stopping: threading.Event

    def run(self) -> None:
        try:
            self.finish()
        except Exception as error:  # A defect here must show up in /control/, not vanish with the thread.
            self.session.error = repr(error)
            raise

    def finish(self) -> None:
        outcome = self.faults.get("outcome")
        if not self.waited() or (outcome and outcome.name == "session_never_ends"):
            return
        self.session.state = self.outcome(outcome)
        event = self.event(outcome)
        if event is not None and self.webhook and self.sessions.holds(self.session):
            body = webhooks.told(self.session, event, self.faults)
            webhooks.deliver(self.session, self.webhook, body, self.faults)

    def waited(self) -> bool:
        """False when the sandbox stops in the meantime."""
        moment = self.faults.get("moment")
        return not self.stopping.wait(moment.params["delay"] if moment else self.settings.delay)

    def outcome(self, fault: Fault | None) -> str:
        if fault or self.session.state == ABORTED:
            return OUTCOMES[fault.name] if fault else ABORTED
        return COMPLETED if self.session.duration_ms >= self.settings.shortest_seconds * 1000 else SKIPPED

    def event(self, fault: Fault | None) -> dict[str, Any] | None:
        """Nobody is told of what was skipped."""
        if self.session.state == COMPLETED:
            origin = webhooks.links_origin(self.session, self.faults.get("webhook_links"))
            return webhooks.success(self.session, origin)
        if self.session.state == FAILED and fault:
            return {"status": "failure", **webhooks.ids(self.session), **fault.params}
        return {**CANCELLED, **webhooks.ids(self.session)} if self.session.state == ABORTED else None
