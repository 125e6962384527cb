"""What the service would have told of made-up consultations, each event in its place in the clinic's feed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from notes.management.ids import ADDENDUM, EVENT, IS_SIGNED, NOTE, REQUEST, SESSION, TRANSCRIPT

NOTHING, OF_SESSION = "'{}'::jsonb", f"jsonb_build_object('session', {SESSION})"
OF_REQUEST = f"{OF_SESSION} || jsonb_build_object('request', {REQUEST})"
OF_ADDENDUM = f"{OF_REQUEST} || jsonb_build_object('addendum', {ADDENDUM})"
IS_APPROVED = f"state = 'approved' OR {IS_SIGNED}"
#: In their order: kind, object, data, minutes after the beginning, and of which consultations.
HAPPENED = (
    ("session.created", SESSION, NOTHING, 0, "true"),
    ("request.created", REQUEST, OF_SESSION, 0, "true"),
    ("session.closed", SESSION, NOTHING, 1, "true"),
    ("transcript.created", TRANSCRIPT, OF_REQUEST, 2, "true"),
    ("note.created", NOTE, OF_REQUEST, 2, "true"),
    ("request.ready", REQUEST, OF_SESSION, 2, "true"),
    ("note.in_review", NOTE, OF_REQUEST, 50, f"state = 'in_review' OR {IS_APPROVED}"),
    ("note.rejected", NOTE, OF_REQUEST, 50, "state = 'rejected'"),
    ("note.approved", NOTE, OF_REQUEST, 55, IS_APPROVED),
    ("note.signed", NOTE, OF_REQUEST, 60, IS_SIGNED),
    ("note.entered_in_error", NOTE, OF_REQUEST, 60, "state = 'entered_in_error'"),
    ("note.amended", NOTE, OF_ADDENDUM, 60, "state = 'amended'"),
)
VALUES = ", ".join(
    f"({step}, '{kind}', {object_id}, {data}, interval '{minutes} minutes', {is_so})"
    for step, (kind, object_id, data, minutes, is_so) in enumerate(HAPPENED, start=1)
)
EACH_EVENT = f"CROSS JOIN LATERAL (VALUES {VALUES}) AS event (step, kind, object, data, after, is_so) WHERE is_so"
EVENTS = {
    **{"id": EVENT, "clinic_id": "%(clinic)s::uuid", "created_at": "at + after", "kind": "kind", "object_id": "object"},
    **{"data": "data", "position": "%(after)s + row_number() OVER (ORDER BY n, step)"},
}
HOLD = """
INSERT INTO feed_feed AS feed (clinic_id, position) VALUES (%(clinic)s, 0)
ON CONFLICT (clinic_id) DO UPDATE SET position = feed.position RETURNING position
"""
REACHED = "UPDATE feed_feed SET position = position + %(told)s WHERE clinic_id = %(clinic)s"


def tell(cursor: Any, statement: str, given: Mapping[str, Any]) -> None:
    """Inserts events by this statement, in their places after what the clinic's feed holds, as its sequencer would."""
    cursor.execute(HOLD, given)
    ((after,),) = cursor.fetchall()
    cursor.execute(statement, {**given, "after": after})
    cursor.execute(REACHED, {**given, "told": cursor.rowcount})
