"""A request's way along states.REQUEST. Whoever changes a request or its submissions locks the request first."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from django.utils import timezone

from config import leases, rows
from feed import events
from feed.events import Happening
from ingest import states
from ingest.models import AsyncRequest, Submission

State = AsyncRequest.State
OPEN_SUBMISSIONS = ["queued", "submitting", "waiting", "failed"]
#: What goes with a state.
COLUMNS = [
    "state",
    "finished_at",
    "waiting_since",
    "submitted_at",
    "failure_code",
    "failure_message",
    "failure_retryable",
]


def lock(request_id: UUID) -> AsyncRequest:
    """The request, locked for this transaction.

    Not `FOR UPDATE`: that would make the door wait when it stores a callback that refers to the row.
    """
    request: AsyncRequest = AsyncRequest.objects.select_for_update(no_key=True).get(pk=request_id)
    return request


def lock_all(request_ids: Collection[UUID]) -> dict[UUID, AsyncRequest]:
    """The requests, locked in the order of their ids: two that lock several at once never wait for each other."""
    asked = AsyncRequest.objects.select_for_update(no_key=True).filter(pk__in=request_ids)
    return {request.pk: request for request in asked.order_by("pk")}


def move(request: AsyncRequest, to: str, **changes: Any) -> None:
    """Moves a locked request, with the columns that go with a state. Raises IllegalTransition."""
    if step(request, to, **changes):
        save([request])


def step(request: AsyncRequest, to: str, **changes: Any) -> bool:
    """Moves a locked request in memory only: `save` writes it. False when it is there already."""
    if not states.REQUEST.moves(request.state, to):
        return False
    now = timezone.now()
    columns: dict[str, Any] = {
        "state": to,
        "finished_at": now if to in (State.READY, State.FAILED, State.CANCELLED) else None,
        "waiting_since": now if to == State.WAITING else None,
        "failure_code": "",
        "failure_message": "",
        "failure_retryable": False,
    }
    for name, value in (columns | changes).items():
        setattr(request, name, value)
    request.failure_code, request.failure_message = request.failure_code[:64], request.failure_message[:500]
    return True


def save(requests: Sequence[AsyncRequest]) -> None:
    """Writes the state of locked requests, and what goes with it."""
    values = [{name: getattr(request, name) for name in ["id", *COLUMNS]} for request in requests]
    rows.update(AsyncRequest, values, to=", ".join(f"{name} = new.{name}" for name in COLUMNS))


def fail(request: AsyncRequest, *, code: str, message: str, retryable: bool) -> None:
    """Ends a locked request with its reason, in plain words."""
    failed = step_to_failure(request, code=code, message=message, retryable=retryable)
    save([request])
    events.record_all([failed])


def step_to_failure(request: AsyncRequest, *, code: str, message: str, retryable: bool) -> Happening:
    """`fail` in memory only; gives the event to record."""
    step(request, State.FAILED, failure_code=code, failure_message=message, failure_retryable=retryable)
    return happened("failed", request, code=code)


def happened(what: str, request: AsyncRequest, **data: str) -> Happening:
    """The event to record of a request."""
    return Happening(f"request.{what}", request.clinic_id, request.pk, {"session": str(request.session_id), **data})


def set_aside(request: AsyncRequest, to: str) -> None:
    """Moves the request's open tries to `replaced` or `cancelled`: they are not sent any more."""
    set_aside_all([request.pk], to)


def set_aside_all(request_ids: Collection[UUID], to: str) -> None:
    opened = Submission.objects.filter(request__in=request_ids, state__in=OPEN_SUBMISSIONS)
    opened.update(state=to, **leases.finished())
