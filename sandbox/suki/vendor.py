"""The vendor itself: who may call what, which faults happen to it, and what is written down."""

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from typing import Any

from sandbox.faults import Fault, Faults
from sandbox.ledger import KEPT
from sandbox.messages import Answer, Reply, Request, Upgrade
from sandbox.suki import ambient, contract, control, dictation
from sandbox.suki import faults as suki_faults
from sandbox.suki.clock import Clock
from sandbox.suki.contract import Call, Refused, read_call
from sandbox.suki.opening import opened
from sandbox.suki.recordings import Presigner
from sandbox.suki.sessions import AMBIENT, DICTATION, Session, Sessions
from sandbox.suki.settings import Settings
from sandbox.suki.store import Store, session_of
from sandbox.suki.tokens import HEADER, PROVIDER_HEADER, Tokens
from sandbox.suki.webhooks import Webhook
from sandbox.suki.work import Work

OTHER = "other"


class Suki:
    """`settings` and `webhook` are those it begins with, and has again after a reset."""

    name = "suki"
    creating: Mapping[str, Callable[["Suki", Call, str], Answer]] = {
        contract.CREATE: ambient.create,
        contract.DICTATION_CREATE: dictation.create,
        contract.ENCOUNTER_CONTENT: ambient.encounter_content,
    }
    about_a_session: Mapping[str, Callable[["Suki", Call, Session], Answer]] = {
        contract.CONTEXT: ambient.context,
        contract.END: ambient.end,
        contract.STATUS: ambient.status,
        contract.CONTENT: ambient.content,
        contract.TRANSCRIPT: ambient.transcript,
        contract.RECORDING: ambient.recording,
        contract.DICTATION_END: dictation.end,
    }

    def __init__(self, settings: Settings, webhook: Webhook | None, stopping: threading.Event) -> None:
        self._first = (settings, webhook)
        self.stopping = stopping
        self.clock = Clock()
        self.presigner = Presigner()
        self.tokens = Tokens(self.clock)
        self.faults = Faults(suki_faults.KINDS, suki_faults.NAMED)
        self.sessions = Sessions()
        self.store = Store(self.presigner, self.clock, stopping)
        self.calls: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self.offences: Counter[str] = Counter()
        self.reset()

    def reset(self) -> None:
        self.settings, self.webhook = self._first
        self.clock.ahead_seconds = 0.0
        self.tokens.reset()
        self.faults.clear()
        self.sessions.clear()
        self.calls.clear()
        self.offences.clear()

    def control(self, request: Request, path: str) -> Answer:
        return control.control(self, request, path)

    def handle(self, request: Request) -> Reply:
        if request.path.startswith(contract.STORE):
            return self.serve_file(request)
        try:
            call = read_call(request)
        except Refused as error:
            self.write_down(OTHER, request, error.answer(), None, None)
            return error.answer()
        fault = self.take_one(call)
        reply = suki_faults.faulty(fault, self.settings) if fault else self.answered(call)
        self.write_down(call.endpoint, request, reply, call.session_id, fault)
        return reply

    def answered(self, call: Call) -> Reply:
        try:
            return self.serve(call)
        except Refused as error:
            return error.answer()

    def serve(self, call: Call) -> Reply:
        if call.request.method not in contract.ENDPOINTS[call.endpoint][0]:
            raise Refused(405, "method_not_allowed")
        if call.endpoint == contract.LOGIN:
            return Answer(200, {"suki_token": self.tokens.login(call.body(), self.settings)})
        if call.endpoint == contract.REGISTER:
            self.tokens.register(call.body(), self.settings)
            return Answer(201)
        if call.endpoint in contract.SOCKETS:
            return opened(self, call)
        headers = call.request.headers
        provider = self.tokens.provider(headers.get(HEADER), headers.get(PROVIDER_HEADER), self.settings)
        if call.endpoint in self.creating:
            return self.creating[call.endpoint](self, call, provider)
        kind = DICTATION if call.endpoint == contract.DICTATION_END else AMBIENT
        return self.about_a_session[call.endpoint](self, call, self.session(call.session_id, kind, provider))

    def session(self, identifier: str | None, kind: str, provider: str) -> Session:
        """The provider's session of that kind; raises Refused."""
        session = self.sessions.find(identifier)
        if session is None or session.kind != kind:
            raise Refused(404, "session_not_found")
        if session.provider not in (None, provider):
            raise Refused(403, "permission_denied: the session is another provider's")
        return session

    def take(self, session_id: str | None, aspects: frozenset[str]) -> dict[str, Fault]:
        return self.faults.take(session_id, aspects)

    def take_one(self, call: Call) -> Fault | None:
        """The fault of this very endpoint before one of any; the other is not used up."""
        for aspect in suki_faults.of_an_endpoint(call.endpoint):
            if taken := self.take(call.session_id, frozenset({aspect})):
                return taken[aspect]
        return None

    def serve_file(self, request: Request) -> Reply:
        identifier = session_of(request.path)
        session = self.sessions.find(identifier)
        faults = self.take(identifier, suki_faults.OF_A_DELIVERY)
        if request.headers.keys() & {HEADER, PROVIDER_HEADER, "authorization"}:
            self.offend(session, "token_at_store")
        reply = self.store.serve(request, session, faults)
        self.write_down("store", request, reply, identifier, next(iter(faults.values()), None))
        return reply

    def offend(self, session: Session | None, what: str) -> None:
        """Against a session, or against nobody known."""
        if session:
            session.offend(what)
        else:
            self.offences[what] += 1

    def work_on(self, session: Session) -> None:
        """From now on an ended ambient session is in processing."""
        faults = self.take(session.id, suki_faults.OF_THE_WORK)
        session.faults += [fault.name for fault in faults.values()]
        work = Work(session, faults, self.settings, self.webhook, self.sessions, self.stopping)
        threading.Thread(target=work.run, daemon=True).start()

    def write_down(
        self, endpoint: str, request: Request, reply: Reply, session_id: str | None, fault: Fault | None
    ) -> None:
        """Of a request its time (Unix seconds) and its answer's status, which silence has none of."""
        identifier = session_id or created_id(reply)
        status = 101 if isinstance(reply, Upgrade) else getattr(reply, "status", None)
        record = {"endpoint": endpoint, "at": time.time(), "method": request.method, "status": status}
        self.calls.append({**record, "session_id": identifier, "fault": fault.name if fault else None})
        session = self.sessions.find(identifier)
        if request.method == "HEAD":
            self.offend(session, "head_request")
        if session:
            session.requests.append(record)


def created_id(reply: Reply) -> str | None:
    body = reply.body if isinstance(reply, Answer) and isinstance(reply.body, dict) else {}
    return body.get("ambient_session_id") or body.get("transcription_session_id")
