"""What happens once a session is to be processed: a while of listening, two results, and the news of them."""

import json
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.dragon import results
from sandbox.dragon.exchange import (
    NOTE_READY,
    NOTE_UPDATED,
    SUPPLEMENT_READY,
    TRANSCRIPT_READY,
    TRIES,
    Announcement,
    Notifications,
    Subscription,
    is_settled,
    moment,
    post,
)
from sandbox.dragon.faults import faulty_note, faulty_transcript
from sandbox.dragon.recordings import Recording
from sandbox.dragon.sessions import Session, Sessions
from sandbox.dragon.settings import Settings
from sandbox.faults import Fault

REWORDED = "Amended later: {}"


@dataclass(frozen=True)
class Work:
    """`recordings`: those of the session that are written up."""

    session: Session
    recordings: Sequence[Recording]
    faults: Mapping[str, Fault]
    settings: Settings
    subscriptions: Mapping[str, Subscription]
    notifications: Notifications
    sessions: Sessions
    stopping: threading.Event

    def run(self) -> None:
        try:
            if not self.stopping.wait(self.settings.delay):
                self.tell(self.announcements(results.heard(self.recordings, self.session.locale)))
        except Exception as error:  # A defect here must show up in /control/, not vanish with the thread.
            self.session.error = repr(error)
            raise

    def announcements(self, told: results.Heard) -> Sequence[Announcement]:
        """The transcript's and the note's, and what the faults make of these or add to them."""
        transcript = faulty_transcript(results.transcript(told), self.faults.get("turns"))
        note = faulty_note(results.note(told), self.faults.get("resources"))
        usual = [self.announced(TRANSCRIPT_READY, transcript), self.announced(NOTE_READY, note)]
        planned = [*usual, *self.besides(note)]
        return list(self.copied(planned[::-1] if "order" in self.faults else planned))

    def besides(self, note: dict[str, Any]) -> Iterable[Announcement]:
        if "blank" in self.faults:
            yield self.announced(NOTE_READY, {**note, "resources": []})
        if unknown := self.faults.get("unknown"):
            yield self.announced(unknown.params["type"], {"unknown": True})
        if "supplement" in self.faults:
            yield self.announced(SUPPLEMENT_READY, results.letter())
        if updated := self.faults.get("updated"):
            yield replace(self.announced(NOTE_UPDATED, reworded(note)), pause=updated.params["seconds"])
        if older := self.faults.get("older"):
            then = datetime.now(UTC) - timedelta(seconds=older.params["seconds"])
            late = self.announced(NOTE_READY, reworded(note))
            yield replace(late, time=moment(then), pause=older.params["pause"])

    def announced(self, kind: str, result: dict[str, Any]) -> Announcement:
        inner = "not json {" if "inner" in self.faults else json.dumps(result, ensure_ascii=False)
        links = self.faults.get("links")
        identifier = self.notifications.add(self.session.id, inner)
        return Announcement(kind, identifier, host=links.params["host"] if links else "")

    def copied(self, planned: Iterable[Announcement]) -> Iterable[Announcement]:
        """Each once, or as the fault has it for those of its type."""
        fault = self.faults.get("copies")
        for one in planned:
            if fault is None or fault.params["type"] not in ("", one.type):
                yield one
            elif fault.name == "notification_doubled":
                yield from (one, one)
            elif fault.name == "notification_repeated":
                yield from (one, Announcement(one.type, one.notification_id, one.time, host=one.host))

    def tell(self, announcements: Iterable[Announcement]) -> None:
        subscription = self.subscriptions.get(self.session.customer_id)
        if subscription is None:
            return
        for one in announcements:
            if self.stopping.wait(one.pause) or not self.sessions.holds(self.session):
                return
            self.deliver(one.event(self.session, subscription, self.settings.source), subscription)

    def deliver(self, event: dict[str, Any], subscription: Subscription) -> None:
        """Until it is taken or refused for good."""
        for _ in range(TRIES):
            record = post(subscription, event)
            self.session.deliveries.append(record)
            if is_settled(record) or self.stopping.wait(self.settings.retry_seconds):
                return


def reworded(note: dict[str, Any]) -> dict[str, Any]:
    """With other words in its first section."""
    first, *rest = note["resources"]
    return {**note, "resources": [{**first, "content": REWORDED.format(first["content"])}, *rest]}
