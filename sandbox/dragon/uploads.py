"""The two AAS addresses by which a recording is uploaded."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from sandbox.dragon.checks import check, is_uuid, missing, refuse, unknown, wrong
from sandbox.dragon.contract import CHUNK, FINALIZE, Call, Refused
from sandbox.dragon.recordings import Mismatch, Uploaded
from sandbox.dragon.sessions import PARTNER, Session
from sandbox.messages import Answer

if TYPE_CHECKING:
    from sandbox.dragon.vendor import Dragon

TRACE = "x-correlation-id"
FIELDS = ("metadata", "content")
STORED = Answer(200, {"error": None})


def store_chunk(dragon: "Dragon", call: Call) -> Answer:
    check_trace(dragon, call)
    told = call.metadata
    refuse([*missing(told, CHUNK), *wrong(told, CHUNK), *wrong_form(call)])
    session = session_of(dragon, told, CHUNK, must_exist=dragon.settings.checks_sessions)
    recording = session.recording(Uploaded, told["recordingId"])
    fit(session, lambda: recording.add(told["chunkId"], call.form.get("content", b"")))
    note_last(session, recording, told)
    return through(dragon, session, recording)


def finalize(dragon: "Dragon", call: Call) -> Answer:
    check_trace(dragon, call)
    told = call.body
    check(told, FINALIZE)
    skips = told.get("skipAmbientSessionExistence", False)
    session = session_of(dragon, told, FINALIZE, must_exist=dragon.settings.checks_sessions and not skips)
    recording = session.recording(Uploaded, told["recordingId"])
    fit(session, lambda: recording.finalize(told["totalChunks"]))
    return through(dragon, session, recording)


def check_trace(dragon: "Dragon", call: Call) -> None:
    """Every call has an id of its own, by which it is found in the logs. Raises Refused."""
    traced = call.request.headers.get(TRACE)
    if not traced:
        raise Refused(400, f"{TRACE} header is required")
    if not is_uuid(traced):
        raise Refused(400, f"{TRACE} header must be a valid UUID")
    if not dragon.traces.is_new(traced.lower()):
        dragon.offend(dragon.sessions.find(call.correlation_id), "x-correlation-id_repeated")


def wrong_form(call: Call) -> list[str]:
    """What is wrong with a chunk's fields: the first chunk is its metadata alone."""
    found = [f"the field {name} is not expected" for name in call.form if name not in FIELDS]
    is_first, content = call.metadata.get("chunkId") == 1, call.form.get("content")
    if content is None and not is_first:
        found.append("content is required")
    if content and is_first:
        found.append("content must be empty in chunk 1")
    return found


def session_of(dragon: "Dragon", told: Mapping[str, Any], endpoint: str, *, must_exist: bool) -> Session:
    """Raises Refused for one that is not there, or no longer."""
    session = dragon.sessions.find(told["correlationId"])
    if session is None and not must_exist:
        made = Session(told["correlationId"], told["customerId"], endpoint, told.get("externalUserId", ""))
        session = dragon.sessions.add(made)
    if session is None or session.ended:
        raise Refused(404, "Session not found")
    note_strange(dragon, session, told, endpoint)
    return session


def note_strange(dragon: "Dragon", session: Session, told: Mapping[str, Any], endpoint: str) -> None:
    """Writes down what may be an oversight of the caller's, though nothing is said against it."""
    for name in unknown(told, endpoint):
        session.offend(f"unknown_field {name}"[:80])
    for name in dragon.strange_owners(told):
        session.offend(f"another_{name}")
    if told.get("externalUserId", session.user) != session.user:
        session.offend("another_user")


def fit(session: Session, change: Callable[[], None]) -> None:
    """Makes the change to a recording; raises Refused where it does not fit what is there."""
    try:
        with session.lock:
            change()
    except Mismatch as error:
        session.offend(str(error))
        raise Refused(400, str(error)) from error


def note_last(session: Session, recording: Uploaded, told: Mapping[str, Any]) -> None:
    if told.get("isLast") and recording.total not in (None, told["chunkId"]):
        session.offend("isLast_before_the_last_chunk")


def through(dragon: "Dragon", session: Session, recording: Uploaded) -> Answer:
    """A session that nobody created is not ended by anybody either: it is processed once it is whole."""
    if recording.complete:
        dragon.write_up_so_far(session)
    if session.created_by != PARTNER and session.is_whole:
        dragon.work_on(session)
    return STORED
