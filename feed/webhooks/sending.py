"""Sends what is due, by Standard Webhooks.

An endpoint is claimed whole: one worker at a time sends its deliveries, one after the other over one connection, for a
while; then whoever has waited longest is next. A try is counted before it is made, so that a delivery that kills its
worker ends. The order in which an endpoint hears of events is not promised: one that fails comes later.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import orjson
from celery.worker import state as worker
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from config import secrets
from config.outbound import outbound
from feed import tasks
from feed.models import Delivery, Endpoint
from feed.shown import shown
from feed.webhooks import outcomes, replays, signing
from feed.webhooks.outcomes import LEASE, Outcome, ours
from vendors.base import VendorError
from vendors.outbound import Kept
from vendors.route import Deadline

log = logging.getLogger(__name__)

#: Of a process. Its other threads give events their positions.
LANES = 8
TURN_SECONDS = 20.0
AT_ONCE = 50
ANSWER_SECONDS, BODY_SECONDS, BODY_BYTES = 15.0, 1.0, 64 * 1024
#: Of an endpoint whose secrets cannot be decrypted, until an operator has put the keys right.
UNREADABLE_REST = timedelta(minutes=5)

lanes = threading.BoundedSemaphore(LANES)


def deliver_due() -> None:
    """Gives the endpoint that has waited longest its turn. Where more is due, rings for it."""
    if not lanes.acquire(blocking=False):
        return
    try:
        if (endpoint := claim()) is None:
            return
        if due().exists():
            tasks.ring_deliver()
        serve(endpoint)
    finally:
        lanes.release()
    if due().exists():
        tasks.ring_deliver()


def due() -> Any:
    """The endpoints that something can be sent to now, and that nobody is at."""
    now = timezone.now()
    waiting = Delivery.objects.filter(endpoint=OuterRef("pk"), next_attempt_at__lte=now)
    is_free = Q(lease_until=None) | Q(lease_until__lte=now)
    is_rested = Q(rests_until=None) | Q(rests_until__lte=now)
    on = Endpoint.objects.filter(is_free, is_rested, state=Endpoint.State.ON)
    return on.filter(Q(replay_until__isnull=False) | Exists(waiting))


def claim() -> Endpoint | None:
    """Leases one of them, if there is any."""
    longest = due().order_by(F("lease_until").asc(nulls_first=True), "pk")
    with transaction.atomic():
        found: Endpoint | None = longest.select_for_update(no_key=True, skip_locked=True).first()
        if found:
            found.lease_token, found.lease_until = uuid4(), timezone.now() + LEASE
            found.save(update_fields=["lease_token", "lease_until"])
    return found


def serve(endpoint: Endpoint) -> None:
    """Its turn: until nothing is due, a try fails, time is up, or somebody changes it."""
    try:
        kept = signing.read(bytes(endpoint.secrets))
    except secrets.InvalidToken:
        log.error("webhook %s: none of CREDENTIAL_KEYS decrypts its secrets", endpoint.pk)
        free(endpoint, rests_until=timezone.now() + UNREADABLE_REST)
        return
    end = Deadline(TURN_SECONDS)
    try:
        with outbound().trusting(endpoint.url).kept() as line:
            for delivery in waiting(endpoint, end):
                if not begin(endpoint, delivery) or not send(line, endpoint, delivery, kept):
                    break
                if end.passed or worker.should_stop is not None:
                    break
    finally:  # also where a fault of ours ends it: its try is counted
        free(endpoint)


def waiting(endpoint: Endpoint, end: Deadline) -> Iterator[Delivery]:
    """What is due, and then what is to be sent again of a time, of which much may be waiting already."""
    may_be_more = True
    while may_be_more:
        rows = Delivery.objects.filter(endpoint=endpoint.pk, next_attempt_at__lte=timezone.now())
        batch = list(rows.select_related("event").order_by("next_attempt_at", "event")[:AT_ONCE])
        yield from batch
        may_be_more = bool(batch) or (replays.go_on(endpoint) and not end.passed)


def begin(endpoint: Endpoint, delivery: Delivery) -> bool:
    """Counts the try, where the endpoint is as it was claimed, and the delivery as it was read."""
    now, tried = timezone.now(), delivery.attempts
    delivery.attempts += 1
    delivery.next_attempt_at = outcomes.next_try(delivery.attempts, now)
    as_claimed = ours(endpoint).filter(state=Endpoint.State.ON, updated_at=endpoint.updated_at)
    rows = Delivery.objects.filter(Exists(as_claimed), pk=delivery.pk, state=Delivery.State.PENDING, attempts=tried)
    counted = {"attempts": delivery.attempts, "last_attempt_at": now, "next_attempt_at": delivery.next_attempt_at}
    return bool(rows.update(**counted))


def send(line: Kept, endpoint: Endpoint, delivery: Delivery, kept: list[signing.Secret]) -> bool:
    """Whether to go on with the next."""
    if delivery.attempts > outcomes.ATTEMPTS:
        return outcomes.interrupted(endpoint, delivery)
    outcome = post(line, endpoint, delivery, kept)
    if not outcome.error:
        return outcomes.delivered(endpoint, delivery, outcome)
    log.info("delivery %s to webhook %s: %s %s", delivery.pk, endpoint.pk, outcome.error, outcome.status or "")
    outcomes.failed(endpoint, delivery, outcome)
    return False


def post(line: Kept, endpoint: Endpoint, delivery: Delivery, kept: list[signing.Secret]) -> Outcome:
    """One try. Of the answer, its status counts; what else it says is not looked at, nor where it leads."""
    body = orjson.dumps(shown(delivery.event))
    proof = signing.headers(delivery.event_id, body, kept, timezone.now())
    try:
        answer = line.request(
            "POST",
            endpoint.url,
            headers={"Content-Type": "application/json", **proof},
            data=body,
            total_timeout=ANSWER_SECONDS,
            max_bytes=BODY_BYTES,
            body_seconds=BODY_SECONDS,
        )
    except VendorError as error:
        return Outcome(error=error.code)
    return Outcome.of(answer)


def free(endpoint: Endpoint, **facts: Any) -> None:
    """Nobody is at it any more."""
    ours(endpoint).update(**outcomes.freed(timezone.now()), **facts)
