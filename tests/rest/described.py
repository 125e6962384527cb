"""The OpenAPI description, and what it says of a value."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import jsonschema_rs
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer

JSON = ("application/json", "application/problem+json")


@cache
def description() -> dict[str, Any]:
    made = SchemaGenerator().get_schema(request=None, public=True)
    document: dict[str, Any] = json.loads(OpenApiJsonRenderer().render(made))
    return document


def operations() -> Iterator[tuple[str, Any]]:
    """("GET /api/v1/notes", the operation)."""
    for path, methods in description()["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def looked_up(found: dict[str, Any]) -> dict[str, Any]:
    """What a $ref leads to."""
    if "$ref" not in found:
        return found
    kind, name = found["$ref"].split("/")[-2:]
    target: dict[str, Any] = description()["components"][kind][name]
    return target


def faults(schema: dict[str, Any], value: Any) -> list[str]:
    """How the value is not as the schema says."""
    whole = schema | {"components": description()["components"]}
    validator = jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
    return [str(error.message) for error in validator.iter_errors(value)]
