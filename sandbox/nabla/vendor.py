"""The endpoint itself: takes a submit or refuses it, and answers the control API."""

import itertools
import json
import threading
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from sandbox.control import control_faults, control_requests
from sandbox.faults import Fault, Faults
from sandbox.ledger import Entry, Ledger
from sandbox.messages import Answer, Request, Silence, read_object
from sandbox.nabla import faults as nabla_faults
from sandbox.nabla.contract import PATH, Order, Refused, check_body, check_headers, refusal
from sandbox.nabla.on_demand import send_callback, send_webhook
from sandbox.nabla.webhooks import Webhooks
from sandbox.nabla.work import Work, ids


class Nabla:
    """`delay` seconds pass between taking a submit and its callback; `stopping` ends every wait."""

    name = "nabla"

    def __init__(self, key: str, delay: float, stopping: threading.Event) -> None:
        self.key, self.delay, self.stopping = key, delay, stopping
        self.faults = Faults(nabla_faults.KINDS)
        self.webhooks = Webhooks()
        self.ledger = Ledger()
        self._number = itertools.count(1)

    def handle(self, request: Request) -> Answer | Silence:
        if request.path != PATH:
            return refusal(404, "There is no such endpoint.")
        if request.method != "POST":
            return refusal(405, "Only POST.", headers={"Allow": "POST"})
        entry = received(request)
        self.ledger.add(entry)
        try:
            answer = self.submit(request, entry)
        except Refused as error:
            answer = refusal(error.status, error.message, error.code)
        entry.status = answer.status if isinstance(answer, Answer) else None
        entry.mark("answered" if isinstance(answer, Answer) else "left_without_answer")
        return answer

    def submit(self, request: Request, entry: Entry) -> Answer | Silence:
        check_headers(request.headers, self.key)
        refusing = self.faults.take(entry.client_request_id, nabla_faults.BEFORE_ACCEPTING)
        if refusing:
            entry.faults = [fault.name for fault in refusing.values()]
            return nabla_faults.refused(refusing["refusal"])
        if not isinstance(entry.body, dict):
            raise Refused(400, "The body must be a JSON object.")
        return self.accept(check_body(entry.body), entry)

    def accept(self, order: Order, entry: Entry) -> Answer | Silence:
        entry.request_id = str(uuid.uuid4())
        if not self.ledger.accept(entry):
            entry.request_id = None
            raise Refused(409, "This client_request_id was used before.")
        entry.state = "working"
        aspects = nabla_faults.AFTER_ACCEPTING - (frozenset() if self.webhooks.all() else nabla_faults.OF_WEBHOOKS)
        faults = self.faults.take(order.client_request_id, aspects)
        entry.faults = [fault.name for fault in faults.values()]
        self.start(Work(order, entry, faults, self.delay, self.stopping, self.ledger, self.webhooks), faults)
        if "answer" in faults:
            return Silence(faults["answer"].params["seconds"])
        shown = ids(entry)
        if next(self._number) % 2 == 0:  # Half the answers name the id in capitals, which the callback does not.
            shown["request_id"] = shown["request_id"].upper()
        return Answer(200, shown)

    def start(self, work: Work, faults: Mapping[str, Fault]) -> None:
        if "moment" in faults and faults["moment"].name == "callback_early":
            work.run()
        else:
            threading.Thread(target=work.run, daemon=True).start()

    def reset(self) -> None:
        self.faults.clear()
        self.webhooks.remove({})
        self.ledger.clear()

    def control(self, request: Request, path: str) -> Answer:
        head, _, identifier = unquote(path).partition("/")
        if path == "faults":
            return control_faults(request, self.faults)
        if path == "webhooks":
            return self.control_webhooks(request)
        if path == "webhook" and request.method == "POST":
            return send_webhook(read_object(request.body), None, self.webhooks)
        if head == "requests" and identifier.endswith(("/callback", "/webhook")):
            return self.send_now(request, *identifier.rsplit("/", 1))
        if head == "requests":
            return control_requests(request, self.ledger, identifier)
        return Answer(404, {"message": "no such control address"})

    def control_webhooks(self, request: Request) -> Answer:
        """GET lists the endpoints; PUT adds or replaces one; DELETE removes the one of the `url` given, or all."""
        if request.method == "PUT":
            return Answer(200, self.webhooks.put(read_object(request.body)).shown())
        if request.method == "DELETE":
            self.webhooks.remove(read_object(request.body or b"{}"))
        elif request.method != "GET":
            return Answer(405, {"message": "GET, PUT or DELETE"})
        return Answer(200, [webhook.shown() for webhook in self.webhooks.all()])

    def send_now(self, request: Request, identifier: str, form: str) -> Answer:
        if request.method != "POST":
            return Answer(405, {"message": "POST"})
        asked = read_object(request.body or b"{}")
        entry = self.ledger.find(identifier)
        if entry is None or entry.request_id is None:
            return Answer(404, {"message": "no such accepted request"})
        return send_callback(asked, entry) if form == "callback" else send_webhook(asked, entry, self.webhooks)


def received(request: Request) -> Entry:
    headers = {name: value for name, value in request.headers.items() if name != "authorization"}
    body: Any
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError):
        body = None
    named = body.get("client_request_id") if isinstance(body, dict) else None
    entry = Entry(body, headers, named if isinstance(named, str) else None)
    entry.mark("received")
    return entry
