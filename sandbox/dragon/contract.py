"""The addresses, what proves a caller there, and the words this vendor refuses with."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import unquote

from sandbox.dragon.multipart import NotAForm, read_form
from sandbox.messages import Answer, NotJson, Request, read_object

ROOT = "/dragon"
AUDIO_AUDIENCE = "40d36082-d340-492f-a5af-e42ef68f4b2b"
PARTNER_AUDIENCE = "105be974-d66d-43c9-b813-57a967bbfd21"
AUDIO_VERSION, PARTNER_VERSION, SOCKET_VERSION = "2025-07-15", "2", "1"

CHUNK, FINALIZE = "chunk", "finalize"
SESSION, CHANGE, END = "session", "change", "end"
SUBSCRIPTION, RETRIEVAL = "subscription", "retrieval"
RECORD, CONFIGURATION, PROCESSING = "record", "configuration", "processing"
AUDIO = (CHUNK, FINALIZE)
STREAMING = (RECORD, CONFIGURATION, PROCESSING)
NOTIFICATIONS = f"{ROOT}/partner/notifications"
PLAIN = {"Content-Type": "text/plain; charset=utf-8"}


@dataclass(frozen=True)
class Endpoint:
    """`version`: what its api-version must be; None where none is asked for, or where a setting says whether one is."""

    method: str
    address: str
    audience: str
    version: str | None = None


ONE = r"/(?P<id>[^/]+)"
ENDPOINTS: Mapping[str, Endpoint] = {
    CHUNK: Endpoint("PUT", "/audio/storeChunk", AUDIO_AUDIENCE, AUDIO_VERSION),
    FINALIZE: Endpoint("POST", "/audio/finalizeUpload", AUDIO_AUDIENCE, AUDIO_VERSION),
    SESSION: Endpoint("PUT", "/partner/ambient-sessions", PARTNER_AUDIENCE, PARTNER_VERSION),
    CHANGE: Endpoint("PATCH", f"/partner/ambient-sessions{ONE}", PARTNER_AUDIENCE),
    END: Endpoint("DELETE", f"/partner/ambient-sessions{ONE}", PARTNER_AUDIENCE),
    SUBSCRIPTION: Endpoint("PUT", "/partner/subscriptions", PARTNER_AUDIENCE, PARTNER_VERSION),
    RETRIEVAL: Endpoint("GET", f"/partner/notifications{ONE}", PARTNER_AUDIENCE),
    RECORD: Endpoint("GET", "/ws", AUDIO_AUDIENCE),
    CONFIGURATION: Endpoint("GET", "/ws/retrieveConfiguration", AUDIO_AUDIENCE),
    PROCESSING: Endpoint("GET", "/ws/startProcessing", AUDIO_AUDIENCE),
}


class Refused(Exception):
    """What is answered with an error: its HTTP status and a sentence, as JSON or, for a bad token, as plain text."""

    def __init__(self, status: int, message: str, *, plain: bool = False) -> None:
        super().__init__(message)
        self.status, self.message, self.plain = status, message, plain

    def answer(self) -> Answer:
        if self.plain:
            return Answer(self.status, self.message.encode(), {**PLAIN, "WWW-Authenticate": "Bearer"})
        return Answer(self.status, {"error": self.message})


@dataclass(frozen=True)
class Call:
    """A request and what it is for; `named` is what the end of its address names, a session or a notification."""

    request: Request
    endpoint: str
    named: str | None

    @cached_property
    def body(self) -> dict[str, Any]:
        """The JSON object; raises Refused."""
        return read_json(self.request.body, "the body")

    @cached_property
    def form(self) -> dict[str, bytes]:
        """The fields of a chunk; raises Refused."""
        try:
            return read_form(self.request.headers.get("content-type", ""), self.request.body)
        except NotAForm as error:
            raise Refused(400, str(error)) from error

    @cached_property
    def metadata(self) -> dict[str, Any]:
        """What a chunk says of itself; raises Refused."""
        if "metadata" not in self.form:
            raise Refused(400, "metadata is required")
        return read_json(self.form["metadata"], "metadata")

    @property
    def correlation_id(self) -> str | None:
        """The session that it is about, as far as that can be read."""
        if self.endpoint in (CHANGE, END):
            return self.named
        if self.endpoint not in (CHUNK, FINALIZE, SESSION):
            return None
        try:
            told = (self.metadata if self.endpoint == CHUNK else self.body).get("correlationId")
        except Refused:
            return None
        return told if isinstance(told, str) else None


def read_json(text: bytes, what: str) -> dict[str, Any]:
    try:
        return read_object(text)
    except NotJson as error:
        raise Refused(400, f"{what} must be a JSON object") from error


def read_call(request: Request) -> Call:
    """Raises Refused for what is no address, and for another method than its own."""
    path = request.path.removeprefix(ROOT)
    found = {name: match for name, one in ENDPOINTS.items() if (match := re.fullmatch(one.address, path))}
    for name, match in found.items():
        if ENDPOINTS[name].method == request.method:
            return Call(request, name, unquote(match["id"]) if match.groupdict() else None)
    raise Refused(405, "method not allowed") if found else Refused(404, "there is no such address")
