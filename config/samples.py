"""The last touch to the OpenAPI description: an example for each body and parameter, and how to ask with curl."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from typing import Any

from drf_spectacular.drainage import warn

from config.examples import BY_NAME, BY_RESOURCE, SERVER, Missing, compose
from config.meanings import explain
from config.problems import CONTENT_TYPE, document

METHODS = {"get", "put", "post", "patch", "delete"}
METHOD_OPTION = {method: f" -X {method.upper()}" for method in METHODS - {"get"}}
DETAILS = {
    400: "The body is not JSON that can be read.",
    401: "Send an API key or a token: Authorization: Bearer ...",
    403: "This needs the scope notes:read, which the key does not have.",
    404: "Not found.",
    406: "Could not satisfy the request Accept header.",
    408: "The body did not come in time.",
    409: "The session is closed and takes no more audio.",
    410: "It was removed, and will not be again. Forget its id.",
    412: "It is not as If-Match says. Get it again, look at what has changed, and send the ETag it has now.",
    413: "A JSON body may hold 1048576 bytes.",
    415: "Unsupported media type in request.",
    422: "Some values are not right: errors says which.",
    428: "Send If-Match with the ETag that a GET of this address answers, so that no change is overwritten.",
    429: "Too many requests. Ask again in 42 seconds.",
    503: "The database does not answer. Try again in a few seconds.",
}
#: Of parameters about which nobody else says anything.
SAID = {
    "id": "The id of what the address names.",
    "delivery": "The id of the delivery.",
    "number": "Its sequence number, from 1.",
    "session": "Those of this session.",
    "request": "Those of this request.",
    "created_since": "Created then or later.",
    "created_before": "Created before then.",
    "updated_since": "Changed then or later. The latest change comes first.",
    "updated_before": "Changed before then. The latest change comes first.",
}
ERRORS = {422: [{"field": "limit", "code": "invalid", "detail": "Give a whole number from 1 to 200."}]}


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
        _show_problem(response["content"][CONTENT_TYPE])
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
    status, name = values["status"]["const"], values["type"]["enum"][0]
    content["example"] = document(status, DETAILS[status], ERRORS.get(status, ())) | {
        "type": name,
        "request_id": BY_NAME["request_id"],
    }


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
