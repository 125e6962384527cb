"""The consumers: any name is one, at /subscriber/<name>, with secrets of its own."""

import threading
from typing import Any

from sandbox.control import control_faults
from sandbox.faults import Fault, Faults
from sandbox.messages import Answer, NotJson, Reply, Request, read_object
from sandbox.subscriber import contract
from sandbox.subscriber import faults as subscriber_faults
from sandbox.subscriber.inbox import Inbox

ASPECTS = frozenset({subscriber_faults.ANSWER, subscriber_faults.CHECK})


class Subscriber:
    name = "subscriber"

    def __init__(self, stopping: threading.Event) -> None:
        self._stopping = stopping
        self._secrets: dict[str, list[str]] = {}
        self.faults = Faults(subscriber_faults.KINDS, named="subscriber")
        self.inbox = Inbox()

    def handle(self, request: Request) -> Reply:
        """Every message is kept, also those that are refused; a repeat is taken again, and not processed again."""
        subscriber = request.path.removeprefix("/subscriber").strip("/")
        if not subscriber or request.method != "POST":
            return Answer(405 if subscriber else 404, {"message": "POST /subscriber/<name>"}, {"Allow": "POST"})
        taken = self.faults.take(subscriber, ASPECTS)
        fault = taken.get(subscriber_faults.ANSWER)
        problem = self.problem(request, subscriber, taken.get(subscriber_faults.CHECK))
        message = self.inbox.receive(subscriber, request.headers.get(contract.ID, ""), request.headers, request.body)
        status = subscriber_faults.status(fault) if fault else 401 if problem else 200
        found = contract.offences(request.headers, request.body)
        is_first = self.inbox.judge(message, problem, found, status, fault.name if fault else None)
        if fault:
            return subscriber_faults.reply(fault, request.path, self._stopping)
        return Answer(401, {"message": problem}) if problem else Answer(200, {"status": "new" if is_first else "known"})

    def problem(self, request: Request, subscriber: str, fault: Fault | None) -> str:
        """Why it is not proven, or nothing."""
        if fault and fault.name == "trusting":
            return ""
        ahead = fault.params["seconds"] * (1 if fault.name == "clock_ahead" else -1) if fault else 0
        try:
            contract.verify(request.headers, request.body, self._secrets.get(subscriber, []), ahead)
        except contract.Unproven as error:
            return str(error)
        return ""

    def reset(self) -> None:
        self.faults.clear()
        self.inbox.clear()
        self._secrets.clear()

    def control(self, request: Request, path: str) -> Answer:
        first, _, subscriber = path.partition("/")
        if path == "faults":
            return control_faults(request, self.faults)
        if first == "messages" and request.method == "GET":
            return Answer(200, self.inbox.shown(subscriber))
        if first == "secrets" and subscriber and request.method == "PUT":
            return self.know(subscriber, read_object(request.body))
        return Answer(404, {"message": "known: faults, GET messages[/<name>], PUT secrets/<name>"})

    def know(self, subscriber: str, asked: dict[str, Any]) -> Answer:
        secrets = asked.get("secrets")
        if (
            set(asked) != {"secrets"}
            or not isinstance(secrets, list)
            or not all(isinstance(one, str) for one in secrets)
        ):
            raise NotJson("takes secrets, a list of strings")
        try:
            for secret in secrets:
                contract.key(secret)
        except ValueError as error:
            return Answer(400, {"message": str(error)})
        self._secrets[subscriber] = secrets
        return Answer(200, {"secrets": len(secrets)})
