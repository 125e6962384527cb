"""The control API of this vendor: its sessions, requests, settings, subscriptions, and events on demand."""

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from sandbox.control import control_faults
from sandbox.dragon import contract
from sandbox.dragon.exchange import NOTE_READY, Announcement, Subscription, post
from sandbox.dragon.sessions import Session
from sandbox.messages import Answer, NotJson, Request, read_object

if TYPE_CHECKING:
    from sandbox.dragon.vendor import Dragon

NO_SUCH = Answer(404, {"message": "no such control address"})
# What `send` takes -> the types of it.
SENT: Mapping[str, Any] = {
    "correlation_id": str,
    "customer_id": str,
    "type": str,
    "id": str,
    "time": str,
    "data": dict | str,
    "body": dict | str,
    "access_token": str,
    "url": str,
}


def control(dragon: "Dragon", request: Request, path: str) -> Answer:
    if path == "faults":
        return control_faults(request, dragon.faults)
    known: Mapping[tuple[str, str], Callable[[Dragon, Request], Answer]] = {
        ("GET", "sessions"): lambda dragon, _: Answer(200, [one.shown() for one in dragon.sessions.all()]),
        ("GET", "requests"): requests,
        ("GET", "settings"): lambda dragon, _: Answer(200, dragon.settings.shown()),
        ("PUT", "settings"): change_settings,
        ("PATCH", "settings"): change_settings,
        ("GET", "subscriptions"): subscriptions,
        ("DELETE", "subscriptions"): forget_subscriptions,
        ("POST", "send"): send,
    }
    if found := known.get((request.method, path)):
        return found(dragon, request)
    head, _, identifier = path.partition("/")
    session = dragon.sessions.find(unquote(identifier))
    is_known = (request.method, head) == ("GET", "sessions") and session is not None
    return Answer(200, session.shown()) if is_known and session else NO_SUCH


def requests(dragon: "Dragon", _: Request) -> Answer:
    """By endpoint, oldest first; `offences` are those that belong to no session."""
    listed: dict[str, list[Any]] = {name: [] for name in (*contract.ENDPOINTS, "other")}
    for one in list(dragon.calls):
        listed[one["endpoint"]].append(one)
    return Answer(200, {**listed, "offences": list(dragon.offences)})


def change_settings(dragon: "Dragon", request: Request) -> Answer:
    dragon.settings = dragon.settings.changed(read_object(request.body))
    return Answer(200, dragon.settings.shown())


def subscriptions(dragon: "Dragon", _: Request) -> Answer:
    return Answer(200, [one.shown() for one in list(dragon.subscriptions.values())])


def forget_subscriptions(dragon: "Dragon", request: Request) -> Answer:
    dragon.subscriptions.clear()
    return subscriptions(dragon, request)


def send(dragon: "Dragon", request: Request) -> Answer:
    """One event now, untouched by faults and never repeated; its record joins the session's, if there is one.

    `data` is the result that its link leads to, a string as it is; `body` goes out instead of any event.
    """
    asked = read_object(request.body or b"{}")
    for name, value in asked.items():
        if name not in SENT or not isinstance(value, SENT[name]):
            raise NotJson(f"{name} is unknown or of the wrong type: known are {', '.join(SENT)}")
    session = dragon.sessions.find(asked.get("correlation_id"))
    about = session or Session(asked.get("correlation_id", ""), dragon.settings.customer_id, "control")
    to = receiver(dragon, asked, about)
    record = post(to, asked["body"] if "body" in asked else event(dragon, asked, about, to))
    about.deliveries.append(record)
    return Answer(200, record)


def receiver(dragon: "Dragon", asked: Mapping[str, Any], session: Session) -> Subscription:
    """The customer's subscription, with what is asked for in its place."""
    customer = asked.get("customer_id", session.customer_id)
    known = dragon.subscriptions.get(customer)
    if known is None and not {"url", "access_token"} <= asked.keys():
        raise NotJson("url and access_token are needed: this customer has no subscription")
    url, token = (asked.get(name, getattr(known, name, "")) for name in ("url", "access_token"))
    return Subscription("", customer, url, token, known.origin if known else "")


def event(dragon: "Dragon", asked: Mapping[str, Any], session: Session, to: Subscription) -> dict[str, Any]:
    data = asked.get("data", {})
    inner = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
    told = {name: asked[name] for name in ("id", "time") if name in asked}
    notification = dragon.notifications.add(session.id, inner)
    return Announcement(asked.get("type", NOTE_READY), notification, **told).event(session, to, dragon.settings.source)
