"""A consultation is opened, and closed when no more audio is to come."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from access.models import Clinic
from config.states import IllegalTransition
from feed import events
from ingest import states
from ingest.models import Session


class NotNow(Exception):
    """The session's state does not allow it. The text says why and what to do."""


@transaction.atomic
def open_session(clinic: Clinic, **fields: Any) -> Session:
    session: Session = Session.objects.create(clinic=clinic, **fields)
    events.record("session.created", clinic_id=clinic.pk, object_id=session.pk)
    return session


@transaction.atomic
def change_session(session: Session, *, state: str | None = None, **refs: str) -> bool:
    """Changes the clinic's own references of a locked session, or closes it. False when nothing is changed by that.

    Raises NotNow; then nothing is changed.
    """
    changed = {name: value for name, value in refs.items() if value != getattr(session, name)}
    is_closing = state is not None and _closes(session, state)
    if "clinician_ref" in changed and session.requests.filter(finished_at__isnull=True).exists():
        raise NotNow("A vendor is at work for this clinician. Wait until the session's requests are finished.")
    if changed:
        Session.objects.filter(pk=session.pk).update(**changed)
        events.record("session.updated", clinic_id=session.clinic_id, object_id=session.pk)
    if is_closing:
        close_session(session)
    return bool(changed or is_closing)


def _closes(session: Session, state: str) -> bool:
    try:
        moves = states.SESSION.moves(session.state, state)
    except IllegalTransition:
        raise NotNow("The session is closed, and is not opened again. Open a new one.") from None
    if moves and state != Session.State.CLOSED:
        raise NotNow("A session is recording once its audio comes. It can only be closed.")
    return moves


@transaction.atomic
def close_session(session: Session) -> None:
    """It takes no more audio. Its requests go on."""
    session = Session.objects.select_for_update(no_key=True).get(pk=session.pk)
    if states.SESSION.moves(session.state, Session.State.CLOSED):
        Session.objects.filter(pk=session.pk).update(state=Session.State.CLOSED)
        events.record("session.closed", clinic_id=session.clinic_id, object_id=session.pk)
