"""The control API of this vendor: its sessions, requests, settings, clock, webhook and providers."""

import base64
import binascii
import uuid
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from sandbox.control import control_faults
from sandbox.messages import Answer, NotJson, Request, read_object
from sandbox.suki import ambient, contract, webhooks
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
NO_SUCH = Answer(404, {"message": "no such control address"})


def control(suki: "Suki", request: Request, path: str) -> Answer:
    if path == "faults":
        return control_faults(request, suki.faults)
    known: Mapping[tuple[str, str], Callable[[Suki, Request], Answer]] = {
        ("GET", "sessions"): lambda suki, _: Answer(200, [one.shown() for one in suki.sessions.all()]),
        ("POST", "sessions"): make_sessions,
        ("GET", "requests"): requests,
        ("GET", "settings"): lambda suki, _: Answer(200, suki.settings.shown()),
        ("PATCH", "settings"): change_settings,
        ("GET", "clock"): lambda suki, _: Answer(200, suki.clock.shown()),
        ("POST", "clock"): set_clock,
        ("GET", "webhook"): lambda suki, _: shown_webhook(suki),
        ("PUT", "webhook"): set_webhook,
        ("DELETE", "webhook"): set_webhook,
        ("POST", "webhook"): lambda suki, asked: send_webhook(suki, asked, None),
        ("GET", "providers"): lambda suki, _: Answer(200, sorted(suki.tokens.providers)),
        ("POST", "providers"): add_provider,
    }
    if found := known.get((request.method, path)):
        return found(suki, request)
    return of_a_session(suki, request, path)


def of_a_session(suki: "Suki", request: Request, path: str) -> Answer:
    """sessions/<id> and sessions/<id>/webhook."""
    head, _, rest = path.partition("/")
    identifier, _, action = rest.partition("/")
    session = suki.sessions.find(unquote(identifier))
    if head != "sessions" or session is None:
        return NO_SUCH
    if (request.method, action) == ("GET", ""):
        return Answer(200, session.shown())
    return send_webhook(suki, request, session) if (request.method, action) == ("POST", "webhook") else NO_SUCH


def requests(suki: "Suki", _: Request) -> Answer:
    """By endpoint, oldest first; `offences` are those that belong to no session."""
    listed: dict[str, list[dict[str, Any]]] = {name: [] for name in (*contract.ENDPOINTS, "store", "other")}
    for one in list(suki.calls):
        listed[one["endpoint"]].append(one)
    return Answer(200, {**listed, "offences": dict(suki.offences)})


def change_settings(suki: "Suki", request: Request) -> Answer:
    suki.settings = suki.settings.changed(read_object(request.body))
    return Answer(200, suki.settings.shown())


def set_clock(suki: "Suki", request: Request) -> Answer:
    asked = read_object(request.body)
    ahead = asked.get("ahead_seconds")
    if set(asked) != {"ahead_seconds"} or not isinstance(ahead, int | float) or not abs(ahead) <= 10**9:
        raise NotJson("takes ahead_seconds, a number; negative is behind")
    suki.clock.ahead_seconds = float(ahead)
    return Answer(200, suki.clock.shown())


def set_webhook(suki: "Suki", request: Request) -> Answer:
    suki.webhook = webhooks.configured(read_object(request.body)) if request.method == "PUT" else None
    return shown_webhook(suki)


def shown_webhook(suki: "Suki") -> Answer:
    return Answer(200, suki.webhook.shown() if suki.webhook else {})


def send_webhook(suki: "Suki", request: Request, session: Session | None) -> Answer:
    return Answer(200, webhooks.send_now(read_object(request.body or b"{}"), session, suki.webhook))


def add_provider(suki: "Suki", request: Request) -> Answer:
    named = read_object(request.body).get("provider_id")
    if not isinstance(named, str):
        raise NotJson("takes provider_id, a string")
    suki.tokens.providers.add(named)
    return Answer(201, sorted(suki.tokens.providers))


def make_sessions(suki: "Suki", request: Request) -> Answer:
    """Ambient sessions made elsewhere, `count` of them with the same audio, the sample's if no other is given."""
    asked = checked(read_object(request.body or b"{}"))
    spool = made_audio(asked["seconds"], asked["samples"])
    if asked["count"] > 1 and asked["session_id"]:
        raise NotJson("several sessions cannot have one session_id")
    made = [made_session(suki, request, asked, spool) for _ in range(asked["count"])]
    if not all(suki.sessions.add(session) for session in made):
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
