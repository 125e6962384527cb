"""A consultation is opened, and closed when no more audio is to come."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from access.models import Clinic
from feed import events
from ingest import states
from ingest.models import Session


@transaction.atomic
def open_session(clinic: Clinic, **fields: Any) -> Session:
    session: Session = Session.objects.create(clinic=clinic, **fields)
    events.record("session.created", clinic_id=clinic.pk, object_id=session.pk)
    return session


@transaction.atomic
def close_session(session: Session) -> None:
    """It takes no more audio. Its requests go on."""
    session = Session.objects.select_for_update(no_key=True).get(pk=session.pk)
    if states.SESSION.moves(session.state, Session.State.CLOSED):
        Session.objects.filter(pk=session.pk).update(state=Session.State.CLOSED)
        events.record("session.closed", clinic_id=session.clinic_id, object_id=session.pk)
