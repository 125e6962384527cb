"""Ambient sessions that control makes, as if an SDK or somebody else's system had held them."""

import base64
import binascii
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sandbox.messages import Answer, NotJson, Request, read_object
from sandbox.suki import ambient
from sandbox.suki.hearing import sample_samples
from sandbox.suki.sessions import AMBIENT, COMPLETED, READY, Session
from sandbox.suki.settings import MOST_CHUNKS
from sandbox.suki.spool import Spool

if TYPE_CHECKING:
    from sandbox.suki.vendor import Suki

MOST_AT_ONCE = 10_000
LONGEST_SECONDS = 4 * 3600
MADE: Mapping[str, Any] = {
    "session_id": "",
    "encounter_id": "",
    "provider_id": "",
    "seconds": 0.0,
    "samples": "",
    "age_seconds": 0.0,
    "chunks": 1,
    "count": 1,
    "status": COMPLETED,
}
MOST: Mapping[str, float] = {"seconds": LONGEST_SECONDS, "chunks": MOST_CHUNKS, "count": MOST_AT_ONCE}


def make_sessions(suki: "Suki", request: Request) -> Answer:
    """Ambient sessions made elsewhere, `count` of them with the same audio, the sample's if no other is given."""
    asked = checked(read_object(request.body or b"{}"))
    spool = made_audio(asked["seconds"], asked["samples"])
    if asked["count"] > 1 and asked["session_id"]:
        raise NotJson("several sessions cannot have one session_id")
    made = [made_session(suki, request, asked, spool) for _ in range(asked["count"])]
    if not all(suki.sessions.add(session) is session for session in made):
        return Answer(409, {"message": "there is a session of that id already"})
    return Answer(201, {"session_ids": [session.id for session in made]})


def made_session(suki: "Suki", request: Request, asked: Mapping[str, Any], spool: Spool) -> Session:
    begun, ended = suki.clock.now() - asked["age_seconds"], asked["status"] not in (ambient.CREATED, READY)
    return Session(
        id=asked["session_id"] or str(uuid.uuid4()),
        kind=AMBIENT,
        provider=asked["provider_id"] or None,
        created=begun,
        started=begun,
        origin=f"http://{request.headers.get('host', '')}",
        state=asked["status"],
        encounter_id=asked["encounter_id"] or None,
        chunks=asked["chunks"],
        ended=ended,
        spool=spool if ended else None,
    )


def checked(asked: Mapping[str, Any]) -> dict[str, Any]:
    for name, value in asked.items():
        usual = MADE.get(name)
        wanted = (int, float) if isinstance(usual, float) else type(usual)
        if name not in MADE or isinstance(value, bool) or not isinstance(value, wanted):
            raise NotJson(f"{name} is unknown or of the wrong type; known: {', '.join(MADE)}")
        if isinstance(value, int | float) and not 0 <= value <= MOST.get(name, 10**9):
            raise NotJson(f"{name} is out of range")
    return {**MADE, **asked, "chunks": max(1, asked.get("chunks", 1))}


def made_audio(seconds: float, samples: str) -> Spool:
    """So many seconds of a hum, or the samples given in base64, or the sample."""
    spool = Spool()
    if seconds:
        for left in range(int(seconds * 10), 0, -10):
            spool.add(hum(min(left, 10)))
        return spool
    try:
        spool.add(base64.b64decode(samples, validate=True) or sample_samples())
    except binascii.Error as error:
        raise NotJson("samples must be base64") from error
    return spool


def hum(tenths: int) -> bytes:
    """Tenths of a second of a quiet sawtooth of 100 Hz, which no decoder takes for silence."""
    period = b"".join(((number * 40) - 3200).to_bytes(2, "little", signed=True) for number in range(160))
    return period * (10 * tenths)
