"""What the endpoint demands of a submit, and the words it refuses with."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from sandbox.messages import Answer
from sandbox.nabla.templates import TEMPLATES

PATH = "/nabla/v1/copilot-api/server/listen_async"
VERSION = "2024-04-22"
OUTPUTS = ("transcript_item", "note")
LANGUAGES = {
    "en-US": "en",
    "en-GB": "en",
    "fr-FR": "fr",
    "es-ES": "es",
    "es-MX": "es",
    "en": "en",
    "fr": "fr",
}
STYLES = ("auto", "paragraphs", "bullet_points")
CLIENT_REQUEST_ID_LIMIT = 128
NAMES = {
    400: "INVALID_REQUEST",
    401: "UNAUTHORIZED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    409: "CONFLICT",
    413: "PAYLOAD_TOO_LARGE",
    422: "UNPROCESSABLE_AUDIO",
    429: "RATE_LIMITED",
    500: "INTERNAL_SERVER_ERROR",
}
INVALID_NOTE = 83014
RATE_LIMITED = 85000

# name -> (type, required); a string list is checked by itself.
FIELDS: Mapping[str, tuple[type, bool]] = {
    "output_objects": (list, True),
    "language": (str, True),
    "split_by_sentence": (bool, False),
    "section_style": (str, False),
    "split_by_problem": (bool, False),
    "note_template": (str, False),
    "file_url": (str, True),
    "callback_url": (str, True),
    "client_request_id": (str, False),
}


class Refused(Exception):
    """A submit that is not taken: the HTTP status, the vendor's own code, and why."""

    def __init__(self, status: int, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.code = status, message, status if code is None else code


def refusal(status: int, message: str, code: int | None = None, headers: Mapping[str, str] | None = None) -> Answer:
    name = NAMES.get(status, "ERROR")
    name = {INVALID_NOTE: "INVALID_NOTE_PARAMETERS"}.get(code or 0, name)
    body = {"message": message, "code": status if code is None else code, "name": name, "trace_id": uuid.uuid4().hex}
    return Answer(status, body, headers or {})


@dataclass(frozen=True)
class Order:
    """A submit that passed every check; `language` is en, fr or es."""

    outputs: frozenset[str]
    language: str
    template: str
    style: str
    split_by_sentence: bool
    split_by_problem: bool
    file_url: str
    callback_url: str
    client_request_id: str | None


def check_headers(headers: Mapping[str, str], key: str) -> None:
    if headers.get("authorization") != f"Bearer {key}":
        raise Refused(401, "The server key is missing or wrong.")
    if headers.get("x-nabla-api-version") != VERSION:
        raise Refused(404, f"There is no such endpoint in this API version; it exists in {VERSION}.")
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Refused(400, "The Content-Type must be application/json.")


def check_body(body: Mapping[str, Any]) -> Order:
    check_types(body)
    outputs = body["output_objects"]
    if not outputs or not all(isinstance(one, str) and one in OUTPUTS for one in outputs):
        raise Refused(400, f"output_objects must hold at least one of {', '.join(OUTPUTS)}, and nothing else.")
    check_choice(body, "language", LANGUAGES)
    check_choice(body, "section_style", STYLES, INVALID_NOTE)
    check_choice(body, "note_template", TEMPLATES, INVALID_NOTE)
    for name in ("file_url", "callback_url"):
        check_url(name, body[name])
    if not 1 <= len(body.get("client_request_id", "-")) <= CLIENT_REQUEST_ID_LIMIT:
        raise Refused(400, f"client_request_id must have 1 to {CLIENT_REQUEST_ID_LIMIT} characters.")
    order = Order(
        outputs=frozenset(outputs),
        language=LANGUAGES[body["language"]],
        template=body.get("note_template", "GENERAL_MEDICINE"),
        style=body.get("section_style", "auto"),
        split_by_sentence=body.get("split_by_sentence", False),
        split_by_problem=body.get("split_by_problem", False),
        file_url=body["file_url"],
        callback_url=body["callback_url"],
        client_request_id=body.get("client_request_id"),
    )
    if "note" in order.outputs and order.language not in TEMPLATES[order.template].languages:
        raise Refused(400, f"No {order.template} note can be made in {body['language']}.", INVALID_NOTE)
    return order


def check_types(body: Mapping[str, Any]) -> None:
    if unknown := sorted(set(body) - set(FIELDS)):
        raise Refused(400, f"Unknown fields: {', '.join(unknown)}.")
    for name, (wanted, required) in FIELDS.items():
        if required and name not in body:
            raise Refused(400, f"{name} is required.")
        if name in body and not isinstance(body[name], wanted):
            raise Refused(400, f"{name} must be of type {wanted.__name__}.")


def check_choice(body: Mapping[str, Any], name: str, known: Any, code: int | None = None) -> None:
    if name in body and body[name] not in known:
        raise Refused(400, f"{name} must be one of {', '.join(known)}.", code)


def check_url(name: str, url: str) -> None:
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        valid = False
    if not valid:
        raise Refused(400, f"{name} must be an http or https URL.")
