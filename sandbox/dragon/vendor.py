"""The vendor itself: who may call what, which faults happen to it, and what is written down."""

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sandbox.dragon import contract, control, partner, uploads
from sandbox.dragon.checks import OWNERS
from sandbox.dragon.contract import ENDPOINTS, STREAMING, Call, Refused, read_call
from sandbox.dragon.exchange import Notifications, Subscription
from sandbox.dragon.faults import ANSWER, KINDS, NAMED, OF_THE_WORK, TOKEN, faulty
from sandbox.dragon.recordings import Recording
from sandbox.dragon.sessions import Session, Sessions
from sandbox.dragon.settings import Settings
from sandbox.dragon.tokens import client_of, unauthorized
from sandbox.dragon.websocket import opened
from sandbox.dragon.work import Work
from sandbox.faults import Fault, Faults
from sandbox.issuer import Issuer
from sandbox.ledger import KEPT
from sandbox.messages import Answer, Reply, Request, Upgrade

OTHER = "other"


class Traces:
    """The x-correlation-ids of the last calls."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: OrderedDict[str, None] = OrderedDict()

    def is_new(self, trace: str) -> bool:
        with self._lock:
            if trace in self._seen:
                return False
            self._seen[trace] = None
            if len(self._seen) > 10 * KEPT:
                self._seen.popitem(last=False)
            return True

    def clear(self) -> None:
        with self._lock:
            self._seen.clear()


class Dragon:
    """`settings` are those it begins with, and has again after a reset. Its tokens are the `issuer`'s."""

    name = "dragon"
    serving: Mapping[str, Callable[["Dragon", Call], Answer]] = {
        contract.CHUNK: uploads.store_chunk,
        contract.FINALIZE: uploads.finalize,
        contract.SESSION: partner.create,
        contract.CHANGE: partner.change,
        contract.END: partner.end,
        contract.SUBSCRIPTION: partner.subscribe,
        contract.RETRIEVAL: partner.retrieve,
    }

    def __init__(self, settings: Settings, issuer: Issuer, stopping: threading.Event) -> None:
        self._first = settings
        self.issuer, self.stopping = issuer, stopping
        self.faults = Faults(KINDS, NAMED)
        self.sessions = Sessions()
        self.notifications = Notifications()
        self.traces = Traces()
        self.subscriptions: dict[str, Subscription] = {}
        self.calls: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self.offences: deque[str] = deque(maxlen=KEPT)
        self.reset()

    def reset(self) -> None:
        self.settings = self._first
        for one in (self.faults, self.sessions, self.notifications, self.traces, self.subscriptions):
            one.clear()
        self.calls.clear()
        self.offences.clear()

    def strange_owners(self, told: Mapping[str, Any]) -> list[str]:
        """Which of the product, the partner and the customer that a caller names are not known here."""
        known = (self.settings.product_id, self.settings.partner_id, self.settings.customer_id)
        return [name for name, own in zip(OWNERS, known, strict=True) if told.get(name, own).lower() != own.lower()]

    def control(self, request: Request, path: str) -> Answer:
        return control.control(self, request, path)

    def handle(self, request: Request) -> Reply:
        try:
            call = read_call(request)
        except Refused as error:
            self.write_down(OTHER, request, error.answer(), None, None)
            return error.answer()
        about = self.about(call)
        fault = None if call.endpoint in STREAMING else self.take_one(call, about)
        reply = faulty(fault, lambda: self.answered(call)) if fault else self.answered(call)
        self.write_down(call.endpoint, request, reply, about, fault)
        return reply

    def about(self, call: Call) -> str | None:
        """The session that a call is about, as far as it says."""
        if call.endpoint == contract.RETRIEVAL:
            found = self.notifications.find(call.named)
            return found[0] if found else None
        return call.correlation_id

    def answered(self, call: Call) -> Reply:
        try:
            return opened(self, call) if call.endpoint in STREAMING else self.serve(call)
        except Refused as error:
            return error.answer()

    def serve(self, call: Call) -> Answer:
        """Raises Refused."""
        endpoint, request = ENDPOINTS[call.endpoint], call.request
        if "upgrade" in request.headers:
            raise Refused(403, "WebSockets are spoken at another host")
        self.authorize(request.headers.get("authorization"), endpoint.audience, self.about(call))
        if endpoint.version and request.query.get("api-version") != endpoint.version:
            raise Refused(400, f"api-version={endpoint.version} is required")
        return self.serving[call.endpoint](self, call)

    def authorize(self, authorization: str | None, audience: str, correlation_id: str | None) -> None:
        """Raises Refused."""
        client_of(authorization, audience, self.issuer, self.settings.not_allowed)
        if self.take(correlation_id, TOKEN):
            raise unauthorized("the token has expired")

    def take(self, correlation_id: str | None, aspect: str) -> Fault | None:
        return self.faults.take(correlation_id, frozenset({aspect})).get(aspect)

    def take_all(self, session: Session, aspects: frozenset[str]) -> dict[str, Fault]:
        taken = self.faults.take(session.id, aspects)
        session.faults += [fault.name for fault in taken.values()]
        return taken

    def take_one(self, call: Call, about: str | None) -> Fault | None:
        """The fault of this very call before one of any; the other is not used up."""
        return self.take(about, call.endpoint) or self.take(about, ANSWER)

    def offend(self, session: Session | None, what: str) -> None:
        """Against a session, or against nobody known."""
        if session:
            session.offend(what)
        else:
            self.offences.append(what)

    def work_on(self, session: Session) -> None:
        """Once: whoever asks again is told the same and nothing more happens."""
        if not session.claim_processing():
            return
        self.write_up(session, list(session.recordings.values()), self.take_all(session, OF_THE_WORK))

    def write_up_so_far(self, session: Session) -> None:
        """While more may come, where the settings have it so."""
        if self.settings.writes_up_each_recording:
            self.write_up(session, session.complete_ones(), {})

    def write_up(self, session: Session, recordings: Sequence[Recording], faults: Mapping[str, Fault]) -> None:
        known = (self.settings, self.subscriptions, self.notifications, self.sessions, self.stopping)
        work = Work(session, recordings, faults, *known)
        threading.Thread(target=work.run, daemon=True).start()

    def write_down(self, endpoint: str, request: Request, reply: Reply, about: str | None, fault: Fault | None) -> None:
        """Of a request its time (Unix seconds) and its answer's status, which silence has none of."""
        status = 101 if isinstance(reply, Upgrade) else getattr(reply, "status", None)
        record = {"endpoint": endpoint, "at": time.time(), "method": request.method, "status": status}
        record |= {"trace": request.headers.get(uploads.TRACE), "fault": fault.name if fault else None}
        self.calls.append({**record, "correlation_id": about})
        if session := self.sessions.find(about):
            session.requests.append(record)

    def write_stream(self, session: Session, endpoint: str, transport: str, message: str) -> None:
        """Of a message within a stream, by what it came."""
        record = {"endpoint": endpoint, "at": time.time(), "method": message, "status": None, "transport": transport}
        self.calls.append({**record, "correlation_id": session.id})
        session.requests.append(record)
