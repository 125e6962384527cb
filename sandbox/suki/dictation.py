"""The two addresses of dictations."""

import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sandbox.messages import Answer
from sandbox.suki.ambient import added, check_repeated_end, origin
from sandbox.suki.clock import rfc3339
from sandbox.suki.contract import Call, audio_config, own_id
from sandbox.suki.sessions import COMPLETED, DICTATION, RUNNING, Session

if TYPE_CHECKING:
    from sandbox.suki.vendor import Suki

CANCELLED = "cancelled"


def create(suki: "Suki", call: Call, provider: str) -> Answer:
    body = call.body()
    session = Session(
        id=own_id(body, "transcription_session_id") or f"ts_{uuid.uuid4().hex}",
        kind=DICTATION,
        provider=provider,
        created=suki.clock.now(),
        origin=origin(call),
        config=audio_config(body),
    )
    return Answer(201, {"transcription_session_id": added(suki, call, session).id})


def end(suki: "Suki", call: Call, session: Session) -> Answer:
    """Repeated, it says the same again, unless a setting has it refused. Nothing said at all: cancelled."""
    with session.lock:
        if session.ended:
            check_repeated_end(suki, session)
        if session.accepts() is False and session.state == RUNNING:
            session.offend("ended_before_EOF")
        session.ended, session.state = True, COMPLETED
    session.send_away()
    faults = suki.take(session.id, frozenset({"ending", "whole"}))
    ending = faults.get("ending")
    if ending and ending.name == "dictation_end_empty":
        return Answer(200, {})
    spoken = session.speech.finals if session.speech else []
    told = whole(suki, session, session.finals if "whole" in faults else spoken)
    return Answer(200, told | (ending.params if ending else {}))


def whole(suki: "Suki", session: Session, finals: Sequence[str]) -> dict[str, Any]:
    return {
        "transcription_session_id": session.id,
        "status": COMPLETED if session.spool else CANCELLED,
        "final_transcript": " ".join(finals),
        "duration": session.duration_ms / 1000,
        "ended_at": rfc3339(suki.clock.now()),
    }
