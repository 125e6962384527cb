"""A request's way along states.REQUEST. Whoever changes a request or its submissions locks the request first."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils import timezone

from config import leases
from feed import events
from ingest import states
from ingest.models import AsyncRequest

State = AsyncRequest.State
OPEN_SUBMISSIONS = ["queued", "submitting", "waiting", "failed"]


def lock(request_id: UUID) -> AsyncRequest:
    """The request, locked for this transaction.

    Not `FOR UPDATE`: that would make the door wait when it stores a callback that refers to the row.
    """
    request: AsyncRequest = AsyncRequest.objects.select_for_update(no_key=True).get(pk=request_id)
    return request


def move(request: AsyncRequest, to: str, **changes: Any) -> None:
    """Moves a locked request, with the columns that go with a state. Raises IllegalTransition."""
    if not states.REQUEST.moves(request.state, to):
        return
    now = timezone.now()
    columns: dict[str, Any] = {
        "state": to,
        "finished_at": now if to in (State.READY, State.FAILED, State.CANCELLED) else None,
        "waiting_since": now if to == State.WAITING else None,
        "failure_code": "",
        "failure_message": "",
        "failure_retryable": False,
    }
    columns |= changes
    for name, value in columns.items():
        setattr(request, name, value)
    request.save(update_fields=list(columns))


def fail(request: AsyncRequest, *, code: str, message: str, retryable: bool) -> None:
    """Ends a locked request with its reason, in plain words."""
    move(request, State.FAILED, failure_code=code, failure_message=message, failure_retryable=retryable)
    events.record("request.failed", clinic_id=request.clinic_id, object_id=request.pk, code=code)


def set_aside(request: AsyncRequest, to: str, *, but: UUID | None = None) -> None:
    """Moves the request's open tries (all but one) to `replaced` or `cancelled`: they are not sent any more."""
    opened = request.submissions.filter(state__in=OPEN_SUBMISSIONS).exclude(pk=but)
    opened.update(state=to, **leases.finished())
