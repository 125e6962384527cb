"""The OpenAPI description: what drf-spectacular finds, completed so that it is true and shown by examples.

How a serializer gets its example: `example = {...}` on the class, with what is particular to it. What it leaves out of
its required properties is composed: nested serializers say theirs themselves, enums and flags give their first value,
and what means the same everywhere (session, note, created_at ...) is in config/examples.py, with the ids of the one
consultation that all examples tell of. A serializer of which a value is missing fails tests/rest/test_schema.py.

    class ProgressShown(serializers.Serializer[Any]):
        done = serializers.IntegerField()
        of = serializers.IntegerField()
        example = {"done": 312_000, "of": 672_480}

A read-only property that may be missing is named in `optional = ("transcript",)`: drf-spectacular cannot know.

How a view says what it answers, beside its docstring (a sentence: the description) and @extend_schema:

    problems = {"PUT": (409, 413)}           # statuses particular to it; the others are found by what it is
    preconditions = {"PATCH": True}          # If-Match: True where it must be sent, False where it may, as of every GET

Components are called as their serializers, without Shown and Serializer. Query parameters that no filter describes are
said by @extend_schema(parameters=[OpenApiParameter(...)]); config/examples.py knows what to show for their names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from config.fields import Closed, Text
from config.headers import ALWAYS, IDEMPOTENCY_KEY, IF_NONE_MATCH, SOUND, if_match
from config.schema_problems import Problems


class ProblemSchema(Problems):
    """What is written at the top of this file is read here."""

    def get_summary(self) -> str:
        """The first sentence of the docstring, for lists of operations."""
        return re.split(r"\.\s", self.get_description())[0].removesuffix(".")

    def get_serializer_name(self, serializer: serializers.Serializer[Any], direction: Any) -> str:
        return super().get_serializer_name(serializer, direction).removesuffix("Shown")

    def _get_serializer_name(self, serializer: Any, direction: Any, bypass_extensions: bool = False) -> str:
        """Without a suffix for requests: what is taken and what is shown are serializers of their own."""
        name: str = super()._get_serializer_name(serializer, "response", bypass_extensions)
        return name

    def _map_basic_serializer(self, serializer: Any, direction: Any) -> dict[str, Any]:
        schema: dict[str, Any] = super()._map_basic_serializer(serializer, direction)  # type: ignore[no-untyped-call]
        optional = getattr(serializer, "optional", ())
        schema["required"] = [name for name in schema.get("required", ()) if name not in optional]
        closed = {"additionalProperties": False} if isinstance(serializer, Closed) else {}
        example = getattr(serializer, "example", None)
        return schema | closed | ({"examples": [example]} if example else {})

    def _insert_field_validators(self, field: Any, schema: dict[str, Any]) -> None:
        super()._insert_field_validators(field, schema)  # type: ignore[no-untyped-call]
        if isinstance(field, Text):
            schema["pattern"] = f"^(?:{field.pattern})$" if field.pattern else NO_NUL

    def _get_filter_parameters(self) -> list[dict[str, Any]]:
        parameters: list[dict[str, Any]] = super()._get_filter_parameters()  # type: ignore[no-untyped-call]
        filters = getattr(getattr(self.view, "filterset_class", None), "base_filters", {})
        for parameter in parameters:
            if parameter["schema"] == {"type": "string"}:
                longest = filters[parameter["name"]].extra["max_length"]
                parameter["schema"] |= {"minLength": 1, "maxLength": longest, "pattern": NOT_BLANK}
        return parameters

    def get_override_parameters(self) -> list[Any]:
        return [*super().get_override_parameters(), *self._headers_taken()]

    def _headers_taken(self) -> Iterator[OpenApiParameter]:
        if self.method == "GET":
            yield IF_NONE_MATCH
        if self._takes_tag():
            yield if_match(required=self._needs_tag())
        if self._takes_key():
            yield IDEMPOTENCY_KEY

    def _get_request_body(self, direction: Any = "request") -> dict[str, Any] | None:
        body: dict[str, Any] | None = super()._get_request_body(direction)  # type: ignore[no-untyped-call]
        if body and "application/json" not in body["content"]:
            body |= {"required": True, "description": ANY_AUDIO}
        return body

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        responses: dict[str, Any] = super()._get_response_bodies(direction)
        for status, response in responses.items():
            response["headers"] = self._refer(self._headers_given(int(status))) | response.get("headers", {})
            response["description"] = response["description"] or HTTPStatus(int(status)).phrase
        if self.method == "GET":
            responses["304"] = {"description": "It is as you have it.", "headers": self._refer((*ALWAYS, "ETag"))}
        for refused in sorted(set(self._problems())):
            responses.setdefault(str(refused), self._problem_response(refused))
        return dict(sorted(responses.items()))

    def _headers_given(self, status: int) -> Iterator[str]:
        yield from ALWAYS
        is_made = status in (201, 202) and self.method == "POST"
        if self._is_sound():
            yield from SOUND.get(status, ())
        elif status != 204 and (is_made or self._takes_tag()):
            yield "ETag"
        if is_made:
            yield "Location"
        if status == 202 or self.path.endswith("/requests/{id}"):
            yield "Retry-After"
        if self._takes_key():
            yield "Idempotency-Replayed"


ANY_AUDIO = "The file's bytes, which say what it is: WAV, FLAC, MP3, M4A, OGG, WebM. Any audio/* is as good a type."
#: What str.strip() leaves something of: engines differ in what they hold to be white space.
NOT_BLANK = (
    r"^[^\u0000]*[^\u0000\u0009-\u000d\u001c-\u0020\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]"
    r"[^\u0000]*$"
)
NO_NUL = r"^[^\u0000]*$"
DESCRIPTION = "An API key (lp_...), or a JWT of an issuer that is trusted and an application that is allowed."


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "access.authentication.BearerAuthentication"
    name = "Bearer"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": DESCRIPTION}
