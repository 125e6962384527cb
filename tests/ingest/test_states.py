"""State tables: what may follow what."""

from __future__ import annotations

import pytest

from config.states import IllegalTransition, StateTable
from ingest.models import AsyncRequest, Session, Submission
from ingest.states import REQUEST, SESSION, SUBMISSION
from notes.models import Note
from notes.states import NOTE
from recordings.models import Recording
from recordings.states import RECORDING

TABLES = [
    (REQUEST, AsyncRequest.State),
    (SESSION, Session.State),
    (SUBMISSION, Submission.State),
    (NOTE, Note.State),
    (RECORDING, Recording.State),
]


@pytest.mark.parametrize(("table", "states"), TABLES, ids=lambda value: getattr(value, "name", ""))
def test_a_table_knows_exactly_the_states_of_its_model(table: StateTable, states: type) -> None:
    names = set(states.values)  # type: ignore[attr-defined]
    assert set(table.allowed) == names
    assert set().union(*table.allowed.values()) <= names


def test_a_repeat_is_a_no_op_and_everything_else_an_error() -> None:
    assert REQUEST.moves("queued", "submitting")
    assert not REQUEST.moves("ready", "ready")
    with pytest.raises(IllegalTransition, match="request: cancelled -> queued"):
        REQUEST.moves("cancelled", "queued")
