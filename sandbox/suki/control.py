"""The control API of this vendor: its sessions, requests, settings, clock, webhook and providers."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from sandbox.control import control_faults
from sandbox.messages import Answer, NotJson, Request, read_object
from sandbox.suki import contract, webhooks
from sandbox.suki.elsewhere import make_sessions
from sandbox.suki.sessions import Session

if TYPE_CHECKING:
    from sandbox.suki.vendor import Suki

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
