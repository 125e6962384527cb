"""What callbacks mean: each is parsed and applied exactly once, in one transaction with all that follows from it.

They are taken many at once, and what one statement can do for all of them it does. What fails together is done alone:
one bad callback is set aside, and not its neighbours.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta
from itertools import cycle
from uuid import UUID

from django.db import models
from django.utils import timezone

from config import leases
from ingest import applying, orphans, tasks
from ingest.applying import LeaseLost
from ingest.cases import Answer
from ingest.models import Callback
from vendors import VENDORS
from vendors.base import Notice, Result, Unreadable

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=30)
ATTEMPTS = 6
BATCH = 64
BATCH_BYTES = 8 * 1024 * 1024
State = Callback.State
GIVEN_UP = "Processing failed each time. Process it again, or tell the operator."
CAN_GO_AGAIN = [
    *(State.STORED, State.FAILED, State.JUNK, State.MISMATCH, State.NOT_APPLIED, State.ORPHAN),
    State.NOTICE,  # its vendor is asked again
]


def process_due(most: int = 4 * BATCH) -> bool:
    """Processes callbacks that are due. True when it stopped at `most` and more may be due.

    Every other batch is of the newest: behind a backlog they would wait for minutes, and somebody waits for them now.
    One request's answers keep their order even so.
    """
    turns = cycle(["", "request_id"])
    while most > 0:
        limit, newest_of = min(BATCH, most), next(turns)
        claimed = leases.claim(Callback, lease=LEASE, limit=limit, newest_of=newest_of, most_bytes=BATCH_BYTES)
        if not claimed and newest_of:
            continue
        if not claimed:
            return False
        if len(claimed) == BATCH:
            tasks.ring_callbacks()  # whoever has nothing to do joins in
        process(claimed)
        most -= len(claimed)
    return True


def is_quiet() -> bool:
    """Whether no callback waits, and none is being processed."""
    now = timezone.now()
    return not Callback.objects.filter(
        models.Q(next_attempt_at__lte=now) | models.Q(lease_until__gt=now), next_attempt_at__isnull=False
    ).exists()


def process(callbacks: Sequence[Callback]) -> None:
    """Parses and applies callbacks of one claim; those for one request one after the other, in their order."""
    waiting = [answer for callback in callbacks if (answer := read(callback))]
    while waiting:
        now, waiting = next_round(waiting)
        apply(now)


def read(callback: Callback) -> Answer | None:
    """What a callback says; None where that could not be found out yet."""
    if callback.attempts > ATTEMPTS:
        return Answer(callback, verdict=(State.FAILED, GIVEN_UP))
    try:
        vendor = VENDORS[callback.vendor]
        said = vendor.parse(bytes(callback.body or b""))
        if vendor.announces and callback.proven_by == Callback.Proof.ACCOUNT and isinstance(said, Result):
            raise Unreadable("It brings a result, which this vendor's webhooks never do.")
        return Answer(callback, notice=said) if isinstance(said, Notice) else Answer(callback, said)
    except Unreadable as error:
        return Answer(callback, verdict=(State.JUNK, str(error)[:500]))
    except Exception as error:
        put_off(callback, error)
        return None


def next_round(answers: Sequence[Answer]) -> tuple[list[Answer], list[Answer]]:
    """Those that can be decided together, at most one a request, and those that must wait for what comes of them."""
    unknown = [answer for answer in answers if not answer.addressee and not answer.verdict]
    for answer, addressee in zip(unknown, orphans.addressees([one.name for one in unknown]), strict=True):
        answer.addressee = addressee
    now, later, requests = list[Answer](), list[Answer](), set[UUID]()
    for answer in answers:
        # The vendor's own id, by which alone one without any other is found, may be brought by an answer before it.
        nobodys = not answer.addressee and not answer.verdict and not answer.result.client_request_id
        if (answer.addressee and answer.addressee.request_id in requests) or (nobodys and requests):
            later.append(answer)
            continue
        now.append(answer)
        if answer.addressee:
            requests.add(answer.addressee.request_id)
    return now, later


def apply(answers: Sequence[Answer]) -> None:
    """Together, or each alone where together they cannot be; one that cannot be alone is put off, with a reason."""
    keep(answers)
    try:
        applying.apply(answers)
    except Exception as error:
        if len(answers) > 1:
            log.warning("callbacks are processed one by one: together they gave %s", type(error).__name__)
            for place, answer in enumerate(answers):
                keep(answers[place:])
                apply([answer])
        elif isinstance(error, LeaseLost):
            log.info("callback %s is processed elsewhere", answers[0].callback.pk)
        else:
            put_off(answers[0].callback, error)
    else:
        orphans.look_again([answer.name for answer in answers if not answer.addressee and not answer.verdict])


def keep(answers: Sequence[Answer]) -> None:
    """Renews the lease in time. Whatever was lost meanwhile stays lost: nothing is written without it."""
    until = answers[0].callback.lease_until
    if until is None or until - timezone.now() < LEASE / 2:
        leases.renew([answer.callback for answer in answers], LEASE)


def put_off(callback: Callback, error: Exception) -> None:
    """Something went wrong that may not go wrong again: it is due again after a pause."""
    log.error("callback %s could not be processed", callback.pk, exc_info=error)
    pause = timedelta(seconds=2**callback.attempts)
    problem = f"Could not be processed yet ({type(error).__name__}); it is tried again."
    held = Callback.objects.filter(pk=callback.pk, state=State.STORED, lease_token=callback.lease_token)
    held.update(problem=problem, **leases.due_again(timezone.now() + pause))
