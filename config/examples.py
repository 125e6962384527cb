"""The examples of the OpenAPI description: one consultation, told with the same ids everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SERVER = "https://listenpost.example"
SESSION = "0198b0a4-3d52-7c1e-9b1f-5f2a6d0c4e11"
CORRELATION = "8c1c7a52-64b1-4f0e-9d35-0b7d2f9a6e20"
AUDIO = "0198b0a6-91c4-7d08-8a36-1e4b7f20c9d2"
REQUEST = "0198b0a6-a7f0-7b53-9c0d-72d3e81f4ab3"
TRANSCRIPT = "0198b0a7-0b1e-7f42-a1d5-94c60e7b3f54"
NOTE = "0198b0a7-0b2f-7a96-8e17-c35d9f1a2b65"
RECORDING = "0198b0a7-5c3d-7e20-b4f8-08a17d6c5e76"
EVENT = "0198b0a7-0b31-7c64-9d29-e6f5a4b3c287"
WEBHOOK = "0198b0b0-4e6f-7d85-8f3a-1b2c3d4e5f98"
DELIVERY = "0198b0b0-7a80-7e96-904b-2c3d4e5f60a9"
OPENED = "2026-03-02T09:30:00Z"
ENDED = "2026-03-02T09:41:12.480000Z"
WRITTEN = "2026-03-02T09:42:05.117000Z"
SIGNED = "2026-03-02T10:15:40.902000Z"
SHA256 = "5d2c0a9f8e1b7c6d4f3a2b1c0e9d8f7a6b5c4d3e2f1a0b9c8d7e6f5a4b3c2d1e"
ETAG = '"6f1ed002ab5595859014ebf0951522d9"'
SIGNATURE = "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="
CURSOR = "PAGYsKcLL3qWjhfDXZ8aK2Wf3Qo7lGQx"

#: Of properties and parameters that mean the same wherever they stand. Serializers say the rest: `example = {...}`.
BY_NAME: dict[str, Any] = {
    "session": SESSION,
    "correlation_id": CORRELATION,
    "audio": AUDIO,
    "request": REQUEST,
    "transcript": TRANSCRIPT,
    "note": NOTE,
    "webhook": WEBHOOK,
    "delivery": DELIVERY,
    "language": "en-US",
    "vendor": "nabla",
    "created_at": OPENED,
    "updated_at": WRITTEN,
    "next": f"{SERVER}/api/v1/notes?cursor={CURSOR}",
    "previous": None,
    "cursor": CURSOR,
    "number": 1,
    "sha256": SHA256,
    "request_id": "3f0e6a1c-9d52-4b7e-8f63-2a1d0c9b8e7f",
    "q": "cough",
    "encounter_ref": "encounter-20817",
    "created_since": "2026-03-01T00:00:00Z",
    "created_before": "2026-04-01T00:00:00Z",
    "updated_since": "2026-03-01T00:00:00Z",
    "updated_before": "2026-04-01T00:00:00Z",
    "after": CURSOR,
    "If-Match": ETAG,
    "If-None-Match": ETAG,
    "Idempotency-Key": "6c1b3f70-2d8e-4a95-b7c4-1f0e9d8c7b6a",
    "Range": "bytes=0-1048575",
}
#: Of `{id}` in a path, by the word before it.
BY_RESOURCE = {
    "sessions": SESSION,
    "requests": REQUEST,
    "transcripts": TRANSCRIPT,
    "notes": NOTE,
    "recordings": RECORDING,
    "webhooks": WEBHOOK,
    "deliveries": DELIVERY,
}


class Missing(Exception):
    """Nobody gave an example of a property; named by its path."""


def compose(schema: Mapping[str, Any], schemas: Mapping[str, Any], name: str = "", at: str = "") -> Any:
    """An example of what a schema describes: its own, completed by those of its required properties."""
    if "$ref" in schema:
        target = schema["$ref"].rpartition("/")[2]
        return compose(schemas[target], schemas, name, at or target)
    if "properties" in schema:
        return _of_an_object(schema, schemas, at)
    if "examples" in schema or "default" in schema:
        return schema["examples"][0] if "examples" in schema else schema["default"]
    return _of_a_value(schema, schemas, name, at)


def _of_an_object(schema: Mapping[str, Any], schemas: Mapping[str, Any], at: str) -> Any:
    given, properties = schema.get("examples", [{}])[0], schema["properties"]
    lacking = [name for name in schema.get("required", ()) if name not in given]
    found = {name: compose(properties[name], schemas, name, f"{at}.{name}") for name in lacking} | given
    return {name: found[name] for name in properties if name in found}


def _of_a_value(schema: Mapping[str, Any], schemas: Mapping[str, Any], name: str, at: str) -> Any:
    if name in BY_NAME:
        return BY_NAME[name]
    for several in ("oneOf", "anyOf", "allOf"):
        if several in schema:
            return compose(schema[several][0], schemas, name, at)
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("type") == "array":
        return [compose(schema["items"], schemas, "", f"{at}[]")]
    if schema.get("type") == "boolean":
        return False
    raise Missing(at)
