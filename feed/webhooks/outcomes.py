"""What follows from an answer: delivered, tried again, given up, or the endpoint switched off.

Written where the endpoint's lease still holds. Where it does not, another worker is at it, and sends that one again.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from feed.models import Delivery, Endpoint
from feed.webhooks import endpoints
from vendors.answers import Response

LEASE = timedelta(seconds=60)
#: Between ten tries, three days in all. Source: Standard Webhooks 1.0, "Retry schedule".
PAUSES = (
    *(timedelta(seconds=5), timedelta(minutes=5), timedelta(minutes=30)),
    *(timedelta(hours=hours) for hours in (2, 5, 10, 14, 20, 24)),
)
ATTEMPTS = len(PAUSES) + 1
#: How much longer a pause may be, by chance: what failed together does not come back together.
JITTER = 0.1
FIRST_REST, LONGEST_REST = timedelta(seconds=5), timedelta(minutes=5)
#: As long as it may ask for by Retry-After.
LONGEST_ASKED = timedelta(hours=1)
GONE = 410


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one try. `error`: why it did not succeed, as a code; empty when it did."""

    status: int | None = None
    error: str = ""
    retry_after: float | None = None

    @classmethod
    def of(cls, answer: Response) -> Self:
        return cls(answer.status, _error(answer.status), answer.retry_after())


def _error(status: int) -> str:
    if 200 <= status < 300:
        return ""
    if status == GONE:
        return "gone"
    return "redirected" if 300 <= status < 400 else "status"


def delivered(endpoint: Endpoint, delivery: Delivery, outcome: Outcome) -> bool:
    """Whether the endpoint is still ours: its lease goes on."""
    now = timezone.now()
    with transaction.atomic():
        held = ours(endpoint).update(lease_until=now + LEASE, last_delivered_at=now, **endpoints.WELL)
        if held:
            _write(delivery, outcome, state=Delivery.State.DELIVERED, delivered_at=now, next_attempt_at=None)
    return bool(held)


def failed(endpoint: Endpoint, delivery: Delivery, outcome: Outcome) -> None:
    """The endpoint is left alone for a while, or for good."""
    now = timezone.now()
    asked = min(timedelta(seconds=outcome.retry_after or 0), LONGEST_ASKED)
    with transaction.atomic():
        held = ours(endpoint).select_for_update(no_key=True).first()
        if held is None:
            return
        if held.updated_at != endpoint.updated_at:  # it was changed meanwhile: this says nothing of what it is now
            ours(endpoint).update(**freed(now))
            return
        since = held.failing_since or now
        rest = min(FIRST_REST * 2 ** min(held.failures, 10), LONGEST_REST)
        facts = {"failures": held.failures + 1, "failing_since": since, "rests_until": now + max(rest, asked)}
        ours(endpoint).update(**facts, **freed(now))
        _try_again(delivery, outcome, now + asked)
        if outcome.status == GONE:
            endpoints.disable(held, Endpoint.Off.GONE)
        elif now - since >= timedelta(days=settings.WEBHOOK_FAILING_DAYS):
            endpoints.disable(held, Endpoint.Off.FAILING)


def interrupted(endpoint: Endpoint, delivery: Delivery) -> bool:
    """Given up: its last try never ended, as a worker died over it. Whether the endpoint is still ours."""
    ended = {"state": Delivery.State.FAILED, "next_attempt_at": None, "attempts": ATTEMPTS}
    _write(delivery, Outcome(error="interrupted"), **ended)
    return bool(ours(endpoint).exists())


def next_try(attempts: int, now: datetime) -> datetime:
    """After so many. After the last there is none, but for looking what became of it."""
    pause = PAUSES[min(attempts, len(PAUSES)) - 1]
    return now + pause * random.uniform(1, 1 + JITTER)  # noqa: S311 (no secret)


def freed(now: datetime) -> dict[str, Any]:
    """The columns of an endpoint that nobody is at: `lease_until` says since when, and who waits longest is next."""
    return {"lease_until": now, "lease_token": None}


def ours(endpoint: Endpoint) -> Any:
    """The endpoint's row, where our lease still holds."""
    return Endpoint.objects.filter(pk=endpoint.pk, lease_token=endpoint.lease_token)


def _try_again(delivery: Delivery, outcome: Outcome, at_soonest: datetime) -> None:
    if delivery.attempts >= ATTEMPTS:
        _write(delivery, outcome, state=Delivery.State.FAILED, next_attempt_at=None)
    else:
        again = max(delivery.next_attempt_at or at_soonest, at_soonest)
        _write(delivery, outcome, next_attempt_at=again)


def _write(delivery: Delivery, outcome: Outcome, **columns: Any) -> None:
    """Where nobody has asked for it again meanwhile: that sets its tries back, and is sent by itself."""
    rows = Delivery.objects.filter(pk=delivery.pk, state=Delivery.State.PENDING, attempts=delivery.attempts)
    rows.update(last_status=outcome.status, last_error=outcome.error, **columns)
