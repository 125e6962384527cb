"""The addresses of ambient sessions, each a function of the vendor, the call and what it is about."""

import uuid
from typing import TYPE_CHECKING

from sandbox.messages import Answer
from sandbox.suki import results
from sandbox.suki.contract import Call, Refused, flag, own_id
from sandbox.suki.faults import OF_A_LINK
from sandbox.suki.recordings import links
from sandbox.suki.sessions import ABORTED, AMBIENT, COMPLETED, READY, Session

if TYPE_CHECKING:
    from sandbox.suki.vendor import Suki

CREATED = "created"


def create(suki: "Suki", call: Call, provider: str) -> Answer:
    body = call.body()
    session = Session(
        id=own_id(body, "ambient_session_id") or str(uuid.uuid4()),
        kind=AMBIENT,
        provider=provider,
        created=suki.clock.now(),
        origin=origin(call),
        state=CREATED,
        encounter_id=own_id(body, "encounter_id"),
        chunks=suki.settings.chunks,
    )
    return Answer(201, {"ambient_session_id": added(suki, call, session).id})


def added(suki: "Suki", call: Call, session: Session) -> Session:
    """The session, or the one that this provider has made with its id before; raises Refused."""
    if suki.sessions.add(session) is not session:
        session = suki.session(session.id, session.kind, session.provider or "")
        if suki.settings.repeated_create_status == 409:
            raise Refused(409, "session_already_exists")
    note_unknown_fields(call, session)
    return session


def note_unknown_fields(call: Call, session: Session) -> None:
    for name in call.unknown_fields():
        session.offend(f"unknown_field {name}"[:80])


def origin(call: Call) -> str:
    return f"http://{call.request.headers.get('host', '')}"


def context(suki: "Suki", call: Call, session: Session) -> Answer:
    """A POST replaces what is known, a PATCH changes a part of it."""
    if session.ended:
        raise Refused(400, "FailedPrecondition: the session has ended")
    body = call.body()
    note_unknown_fields(call, session)
    session.context = {**session.context, **body} if call.request.method == "PATCH" else body
    session.state = READY if session.state == CREATED else session.state
    return Answer(200, {})


def end(suki: "Suki", call: Call, session: Session) -> Answer:
    """Whoever still streams is hung up on. A repeated end changes nothing."""
    with session.lock:
        first, session.ended = not session.ended, True
    if first and session.lines and session.lines[-1].ended_by != "end of audio":
        session.offend("ended_before_end_of_audio")
    session.send_away()
    if first:
        suki.work_on(session)
    else:
        check_repeated_end(suki, session)
    return Answer(200)


def check_repeated_end(suki: "Suki", session: Session) -> None:
    """Raises Refused, unless it is answered as the first one."""
    session.offend("ended_twice")
    if suki.settings.repeated_end_status != 200:
        raise Refused(suki.settings.repeated_end_status, f"FailedPrecondition: the session is {session.state.upper()}")


def give_up(suki: "Suki", session: Session) -> None:
    session.ended, session.state = True, ABORTED
    suki.work_on(session)


def status(suki: "Suki", call: Call, session: Session) -> Answer:
    """In capitals every other time: it is to be compared without case."""
    asked = sum(one["endpoint"] == call.endpoint for one in session.requests)
    return Answer(200, {"status": session.state.upper() if asked % 2 else session.state})


def content(suki: "Suki", call: Call, session: Session) -> Answer:
    """Cumulative: of all completed sessions of the encounter, as they were begun."""
    completed(session)
    if not flag(call.request.query, "cumulative") or not session.encounter_id:
        return Answer(200, results.content([session]))
    return Answer(200, results.content(of_encounter(suki, session.encounter_id, session.provider)))


def encounter_content(suki: "Suki", call: Call, provider: str) -> Answer:
    return Answer(200, results.content(of_encounter(suki, call.session_id or "", provider)))


def of_encounter(suki: "Suki", encounter_id: str, provider: str | None) -> list[Session]:
    """A session without an encounter goes by its own id. Raises Refused where there is none."""
    found = [
        one
        for one in suki.sessions.all()
        if (one.encounter_id or one.id) == encounter_id and one.state == COMPLETED and one.provider in (None, provider)
    ]
    if not found:
        raise Refused(404, "not_found: there is no such encounter")
    return found


def transcript(suki: "Suki", call: Call, session: Session) -> Answer:
    completed(session)
    fault = suki.take(session.id, frozenset({"words"})).get("words")
    return Answer(200, results.transcript(session, fault.params["words"] if fault else 0))


def completed(session: Session) -> None:
    if session.state != COMPLETED:
        raise Refused(404, "not_found: the session is not completed")


def recording(suki: "Suki", call: Call, session: Session) -> Answer:
    """Links at another host, on the port where this request came in."""
    port = call.request.headers.get("host", "").rpartition(":")[2]
    store = f"http://{suki.settings.store_host}:{port}"
    download = flag(call.request.query, "download")
    faults = suki.take(session.id, OF_A_LINK)
    return Answer(200, links(session, download, store, suki.presigner, suki.clock, faults))
