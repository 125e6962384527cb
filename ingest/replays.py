"""Callbacks that rest are processed again, however many, with a record of who asked for it.

The rows are the queue: they are set due, a chunk a transaction, and the workers do the rest. Whatever breaks this off
in the middle leaves what was set due to be processed, and the others to be chosen again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from access import log
from access.log import Actor
from access.models import AccessEntry
from config import leases
from ingest import tasks
from ingest.models import Callback, Replay
from ingest.processing import CAN_GO_AGAIN

CHUNK = 1000
State = Callback.State
Chosen = QuerySet[Callback]


def able() -> Q:
    """What can be processed again now: it was not applied, its body is kept, and no worker holds it.

    What is of no clinic yet goes on by itself once it is.
    """
    is_free = Q(lease_until=None) | Q(lease_until__lt=timezone.now())
    return is_free & Q(state__in=CAN_GO_AGAIN, body__isnull=False, clinic__isnull=False)


def counted(chosen: Chosen) -> dict[UUID, dict[str, int]]:
    """How many of the chosen can be processed again: clinic -> state -> number."""
    found: dict[UUID, dict[str, int]] = {}
    rows = chosen.filter(able()).order_by("clinic", "state").values_list("clinic", "state")
    for clinic_id, state, number in rows.annotate(number=Count("pk")):
        found.setdefault(clinic_id, {})[state] = number
    return found


def replay(clinic_id: UUID, chosen: Chosen, words: str, by: Actor) -> Iterator[Replay]:
    """Sets those of the chosen that are the clinic's due. Yields the replay after each chunk, its `total` so far.

    `words`: which were chosen, for people. Yields nothing, and leaves no replay, where there is nothing to do.
    """
    rows = chosen.filter(able(), clinic=clinic_id).order_by("pk")
    made = Replay(clinic_id=clinic_id, asked_by=str(by), chosen=words)
    ids = set_due(made, rows, by)
    while ids:
        yield made
        ids = set_due(made, rows.filter(pk__gt=ids[-1]), by)
    if made.total:
        transaction.on_commit(tasks.ring_callbacks)


def set_due(made: Replay, rows: Chosen, by: Actor) -> list[UUID]:
    """The next chunk. Returns the ids, in order; none when all are done."""
    with transaction.atomic():
        # A row that somebody has locked is at work at this moment: passed over, never waited for.
        free = rows.select_for_update(skip_locked=True, no_key=True)
        ids = list(free.values_list("pk", flat=True)[:CHUNK])
        if ids:
            made.total += len(ids)
            made.save()
            anew = leases.due_again(timezone.now()) | {"attempts": 0, "problem": "", "processed_at": None}
            Callback.objects.filter(pk__in=ids).update(state=State.STORED, replay=made, **anew)
            changed = AccessEntry.Action.CHANGED
            log.note(by, changed, made.clinic_id, "callback", [str(key) for key in ids], mode="replayed")
    return ids


# --- How far it is
def with_waiting(replays: QuerySet[Any]) -> QuerySet[Any]:
    """The replays with `waiting`: how many of their callbacks no worker is through with."""
    stored = Callback.objects.filter(clinic=OuterRef("clinic"), replay=OuterRef("pk"), state=State.STORED)
    number = stored.order_by().values("replay").values(number=Count("pk"))
    annotated: QuerySet[Any] = replays.annotate(waiting=Coalesce(Subquery(number), 0))
    return annotated


def by_state(replays: list[UUID]) -> dict[str, int]:
    """What has become of the callbacks of these replays. Those that another replay has taken since are its own."""
    rows = Callback.objects.filter(replay__in=replays).order_by("state").values_list("state")
    return dict(rows.annotate(number=Count("pk")))
