"""The last touch to the OpenAPI description: an example for each body and parameter, and how to ask with curl."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from typing import Any

from drf_spectacular.drainage import warn
from limits import RateLimitItemPerMinute
from rest_framework import exceptions

from access.authentication import NO_PROOF
from access.limits import Policy, Standing, TooMany
from config import problems
from config.examples import BY_NAME, BY_RESOURCE, SERVER, Missing, compose
from config.meanings import explain
from config.parsing import BODY_BYTES
from config.schema_problems import ProblemErrorSerializer

METHODS = {"get", "put", "post", "patch", "delete"}
METHOD_OPTION = {method: f" -X {method.upper()}" for method in METHODS - {"get"}}
#: One of each status. Those that are given words are raised with the same.
REFUSALS = (
    exceptions.ParseError("The body is not JSON that can be read."),
    exceptions.AuthenticationFailed(NO_PROOF),
    exceptions.PermissionDenied("This needs the scope notes:read."),
    exceptions.NotFound(),
    exceptions.NotAcceptable(),
    problems.Conflict("The session is closed and takes no more audio."),
    problems.Gone(),
    problems.PreconditionFailed(),
    problems.TooLarge(f"A JSON body may hold {BODY_BYTES} bytes."),
    exceptions.UnsupportedMediaType("text/plain"),
    problems.invalid(**ProblemErrorSerializer.example),
    problems.PreconditionRequired(),
    TooMany(Standing(Policy.KEY, RateLimitItemPerMinute(600), used=601, seconds_left=42)),
    problems.Unavailable(),
)
#: As they are answered, by status; and what is refused before there is a request.
PROBLEMS = {
    shown["status"]: shown
    for shown in (problems.document(408, "The body did not come in time."), *map(problems.problem, REFUSALS))
}
#: Of parameters about which nobody else says anything.
SAID = {
    "id": "The id of what the address names.",
    "delivery": "The id of the delivery.",
    "number": "Its sequence number, from 1.",
    "session": "Those of this session.",
    "request": "Those of this request.",
}


def complete(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """A postprocessing hook of drf-spectacular's. Whatever has no example is warned of."""
    schemas = result["components"]["schemas"]
    for schema in schemas.values():
        explain(schema)
    composed = {name: _example(schema, schemas, "", name) for name, schema in schemas.items()}
    for name, schema in schemas.items():
        if "properties" in schema and composed[name] is not None:
            schema["examples"] = [composed[name]]
    for path, methods in result["paths"].items():
        for method in sorted(METHODS & methods.keys()):
            _show(path, method, methods[method], schemas)
    for webhook in result.get("webhooks", {}).values():
        _show_bodies("", webhook["post"], schemas)
    for response in result["components"]["responses"].values():
        _show_problem(response["content"][problems.CONTENT_TYPE])
    return result


def _example(schema: Any, schemas: Any, name: str = "", at: str = "") -> Any:
    try:
        return compose(schema, schemas, name, at)
    except Missing as missing:
        warn(f"no example of {missing}")
        return None


def _show(path: str, method: str, operation: dict[str, Any], schemas: Any) -> None:
    parameters = operation.get("parameters", [])
    for parameter in parameters:
        explain(parameter["schema"])
        if meanings := parameter["schema"].pop("description", ""):
            parameter["description"] = meanings
        if said := SAID.get(parameter["name"]):
            parameter.setdefault("description", said)
        parameter["example"] = _of_parameter(path, parameter, schemas)
    _show_bodies(_filled(path, parameters), operation, schemas)
    operation["x-codeSamples"] = [{"lang": "Shell", "label": "curl", "source": curl(path, method, operation)}]


def _show_bodies(address: str, operation: dict[str, Any], schemas: Any) -> None:
    goes_on = "after" if address.endswith("/events") else "cursor"
    for content in _contents(operation):
        shown = _example(content["schema"], schemas)
        if isinstance(shown, dict) and shown.get("next"):
            shown = shown | {"next": f"{SERVER}{address}?{goes_on}={BY_NAME['cursor']}"}
        content["example"] = shown


def _contents(operation: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The media types whose bodies are JSON: bytes cannot be shown in it."""
    bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
    yield from (body["content"]["application/json"] for body in bodies if "application/json" in body.get("content", {}))


def _of_parameter(path: str, parameter: dict[str, Any], schemas: Any) -> Any:
    name = parameter["name"]
    if parameter["in"] == "path" and name == "id":
        return BY_RESOURCE[path.partition("/{id}")[0].rpartition("/")[2]]
    return _example(parameter["schema"], schemas, name, f"{name} of {path}")


def _show_problem(content: dict[str, Any]) -> None:
    values = content["schema"]["properties"]
    own = {"type": values["type"]["enum"][0], "request_id": BY_NAME["request_id"]}
    content["example"] = PROBLEMS[values["status"]["const"]] | own


def _filled(path: str, parameters: list[dict[str, Any]]) -> str:
    return path.format_map({each["name"]: each["example"] for each in parameters if each["in"] == "path"})


def curl(path: str, method: str, operation: dict[str, Any]) -> str:
    """The operation with its examples, for a shell in which $URL and $KEY are set."""
    parameters = operation.get("parameters", [])
    lines = [f'curl{METHOD_OPTION.get(method, "")} "$URL{_filled(path, parameters)}"', *_headers(operation, parameters)]
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        is_json = media_type == "application/json"
        data = f"-d {shlex.quote(json.dumps(content['example']))}" if is_json else "--data-binary @consultation.wav"
        lines += [f'-H "Content-Type: {media_type if is_json else "audio/wav"}"', data]
        break
    if any("audio/wav" in response.get("content", {}) for response in operation["responses"].values()):
        lines.append("-o recording.wav")
    return " \\\n  ".join(lines)


def _headers(operation: dict[str, Any], parameters: list[dict[str, Any]]) -> Iterator[str]:
    if operation.get("security"):
        yield '-H "Authorization: Bearer $KEY"'
    for each in parameters:
        if each["name"] == "Idempotency-Key":
            yield f'-H "Idempotency-Key: {operation["operationId"]}-$(date +%s)"'
        elif each["in"] == "header" and each.get("required"):
            yield "-H " + shlex.quote("{name}: {example}".format_map(each))
