"""The Partner API: sessions, subscriptions, and the results that can be fetched."""

import uuid
from typing import TYPE_CHECKING

from sandbox.dragon.checks import check, is_uuid, refuse
from sandbox.dragon.contract import CHANGE, SESSION, SUBSCRIPTION, Call, Refused
from sandbox.dragon.exchange import Subscription, handshake
from sandbox.dragon.recordings import Uploaded
from sandbox.dragon.sessions import PARTNER, Session
from sandbox.dragon.uploads import note_strange
from sandbox.messages import Answer

if TYPE_CHECKING:
    from sandbox.dragon.vendor import Dragon


def create(dragon: "Dragon", call: Call) -> Answer:
    """A repeated one changes nothing, and does not open again what has ended."""
    told = call.body
    check(told, SESSION)
    made = Session(told["correlationId"], told["customerId"], PARTNER, told["externalUserId"], data=told.get("data"))
    session = dragon.sessions.add(made)
    note_strange(dragon, session, told, SESSION)
    return Answer(200, {"correlationId": session.id})


def change(dragon: "Dragon", call: Call) -> Answer:
    session = running(dragon, call)
    told = call.body
    check(told, CHANGE)
    if not told.keys() & {"externalUserId", "data"}:
        raise Refused(400, "externalUserId or data is required")
    session.user, session.data = told.get("externalUserId", session.user), told.get("data", session.data)
    note_strange(dragon, session, told, CHANGE)
    return Answer(200, {"correlationId": session.id})


def end(dragon: "Dragon", call: Call) -> Answer:
    """Its recordings are then processed. What is not complete by now never will be."""
    session = dragon.sessions.find(call.named)
    if session and session.ended and dragon.settings.ended_twice_status == 200:
        return Answer(200, {"correlationId": session.id})
    session = running(dragon, call)
    session.ended = True
    numbers = sorted(one.id for one in session.recordings.values() if isinstance(one, Uploaded))
    if numbers != list(range(1, len(numbers) + 1)):
        session.offend("recordingId_not_sequential")
    if session.is_whole:
        dragon.work_on(session)
    elif session.recordings:
        session.offend("ended_incomplete")
    return Answer(200, {"correlationId": session.id})


def running(dragon: "Dragon", call: Call) -> Session:
    session = dragon.sessions.find(call.named)
    if session is None or session.ended:
        raise Refused(404, "Session not found")
    return session


def subscribe(dragon: "Dragon", call: Call) -> Answer:
    """One a customer: a further one takes the place of the former."""
    told, customer = call.body, call.request.query.get("customerId", "")
    check(told, SUBSCRIPTION)
    refuse([] if is_uuid(customer) and customer == told["customerId"] else ["customerId must be the body's"])
    handshake(told["webHookUrl"], dragon.settings.source)
    origin = f"http://{call.request.headers.get('host', '')}"
    made = Subscription(str(uuid.uuid4()), customer, told["webHookUrl"], told["accessToken"], origin)
    dragon.subscriptions[customer] = made
    return Answer(200, {"subscriptionId": made.id, "customerId": customer, "webHookUrl": made.url})


def retrieve(dragon: "Dragon", call: Call) -> Answer:
    found = dragon.notifications.find(call.named)
    if found is None:
        raise Refused(404, "Notification not found")
    return Answer(200, {"notificationId": call.named, "data": found[1]})
