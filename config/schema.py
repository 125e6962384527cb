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
    preconditions = {"PATCH": True}          # If-Match: True where it must be sent, False where it may
    is_revalidated = False                   # GET never answers 304

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
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from config.examples import BY_NAME
from config.fields import Changes, Text
from config.headers import ALWAYS, HEADERS, IDEMPOTENCY_KEY, IF_NONE_MATCH, SOUND, WITH_PROBLEMS, if_match
from config.problems import CONTENT_TYPE, KINDS


class ProblemErrorSerializer(serializers.Serializer[Any]):
    """One value that is not right."""

    field = serializers.CharField(help_text="The field, query parameter or header.")
    code = serializers.CharField(help_text="Stable, for programs.")
    detail = serializers.CharField(help_text="A sentence, for people.")
    example = {"field": "limit", "code": "invalid", "detail": "Give a whole number from 1 to 200."}


class ProblemSerializer(serializers.Serializer[Any]):
    """A problem document (RFC 9457)."""

    type = serializers.CharField(help_text="Stable: /problems/<name>. Its address says what it means.")
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    request_id = serializers.CharField(help_text="Also in X-Request-ID: name it when you report a problem.")
    errors = ProblemErrorSerializer(many=True, required=False)  # type: ignore[assignment]
    example = {
        "type": "/problems/not-found",
        "title": KINDS[404][1],
        "status": 404,
        "detail": "Not found.",
        "request_id": BY_NAME["request_id"],
    }


class ProblemSchema(AutoSchema):
    """What is written at the top of this file is read here."""

    def get_summary(self) -> str:
        """The first sentence of the docstring, for lists of operations."""
        return re.split(r"\.\s", self.get_description())[0].removesuffix(".")

    def get_serializer_name(self, serializer: serializers.Serializer[Any], direction: Any) -> str:
        return super().get_serializer_name(serializer, direction).removesuffix("Shown")

    def _get_serializer_name(self, serializer: Any, direction: Any, bypass_extensions: bool = False) -> str:
        """Without a suffix for requests: what is taken and what is shown are serializers of their own."""
        name: str = super()._get_serializer_name(serializer, "response", bypass_extensions)  # type: ignore[no-untyped-call]
        return name

    def _map_basic_serializer(self, serializer: Any, direction: Any) -> dict[str, Any]:
        schema: dict[str, Any] = super()._map_basic_serializer(serializer, direction)  # type: ignore[no-untyped-call]
        optional = getattr(serializer, "optional", ())
        schema["required"] = [name for name in schema.get("required", ()) if name not in optional]
        closed = {"additionalProperties": False} if isinstance(serializer, Changes) else {}
        example = getattr(serializer, "example", None)
        return schema | closed | ({"examples": [example]} if example else {})

    def _insert_field_validators(self, field: Any, schema: dict[str, Any]) -> None:
        super()._insert_field_validators(field, schema)  # type: ignore[no-untyped-call]
        if isinstance(field, Text):
            schema["pattern"] = f"^(?:{field.pattern})$" if field.pattern else NO_NUL

    def _get_filter_parameters(self) -> list[dict[str, Any]]:
        parameters: list[dict[str, Any]] = super()._get_filter_parameters()  # type: ignore[no-untyped-call]
        for parameter in parameters:
            if parameter["schema"] == {"type": "string"}:
                longest = self.view.filterset_class.base_filters[parameter["name"]].extra["max_length"]
                parameter["schema"] |= {"minLength": 1, "maxLength": longest, "pattern": NOT_BLANK}
        return parameters

    def get_override_parameters(self) -> list[Any]:
        return [*super().get_override_parameters(), *self._headers_taken()]

    def _headers_taken(self) -> Iterator[OpenApiParameter]:
        if self._revalidates():
            yield IF_NONE_MATCH
        if self.method in (matched := getattr(self.view, "preconditions", {})):
            yield if_match(required=matched[self.method])
        if self._takes_key():
            yield IDEMPOTENCY_KEY

    def _takes_key(self) -> bool:
        return hasattr(getattr(self.view, str(self.method).lower(), None), "takes_key")

    def _revalidates(self) -> bool:
        return self.method == "GET" and not self._is_sound() and getattr(self.view, "is_revalidated", True)

    def _is_sound(self) -> bool:
        """What is played has other headers than what is read, and is given whatever is accepted."""
        answers: Any = self.get_response_serializers()
        return isinstance(answers, dict) and any(isinstance(code, tuple) for code in answers)

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
        if self._revalidates():
            responses["304"] = {"description": "It is as you have it.", "headers": self._refer((*ALWAYS, "ETag"))}
        for status in sorted(set(self._problems())):
            responses.setdefault(str(status), self._problem_response(status))
        return dict(sorted(responses.items()))

    def _headers_given(self, status: int) -> Iterator[str]:
        yield from ALWAYS
        is_made = status in (201, 202) and self.method == "POST"
        if self._is_sound():
            yield from SOUND.get(status, ())
        elif status != 204 and (is_made or self.method == "GET" or self._takes_tag()):
            yield "ETag"
        if is_made:
            yield "Location"
        if status == 202 or self.path.endswith("/requests/{id}"):
            yield "Retry-After"
        if self._takes_key():
            yield "Idempotency-Replayed"

    def _takes_tag(self) -> bool:
        return self.method in getattr(self.view, "preconditions", {})

    def _may_be_gone(self) -> bool:
        """Of what it removes the service remembers that it was there; a list may be asked for what is of a session."""
        lists = self._get_filter_parameters()  # type: ignore[no-untyped-call]
        is_kept = "/webhooks" not in self.path
        return (is_kept and "{id}" in self.path) or any(each["name"] == "session" for each in lists)

    def _refer(self, names: Any) -> dict[str, Any]:
        return {name: self._component("headers", name, HEADERS[name]) for name in names}

    def _component(self, kind: Any, name: str, schema: dict[str, Any]) -> dict[str, Any]:
        component = ResolvedComponent(name=name, type=kind, schema=schema, object=name)
        self.registry.register_on_missing(component)
        return {"$ref": f"#/components/{kind}/{name}"}

    def _problem_response(self, status: int) -> dict[str, Any]:
        """A component of its own for each status: its `type` is one of few."""
        problem = self.resolve_serializer(ProblemSerializer, "response").ref
        named, title = KINDS[status]
        names = [named, *OWN.get(status, ()), *(KEYED.get(status, ()) if self._takes_key() else ())]
        values = {"type": {"enum": [f"/problems/{name}" for name in names]}, "status": {"const": status}}
        response = {
            "description": title,
            "headers": self._refer((*ALWAYS, *WITH_PROBLEMS.get(status, ()))),
            "content": {CONTENT_TYPE: {"schema": problem | {"properties": values}}},
        }
        return self._component("responses", "-or-".join(names), response)

    def _problems(self) -> Iterator[int]:
        yield from (401, 403, 422, 429, 503)
        if not self._is_sound():
            yield 406
        if "{id}" in self.path:
            yield 404
        if self._may_be_gone():
            yield 410
        if self.method in ("POST", "PUT", "PATCH"):
            yield from (400, 413, 415)
        if self.method in (matched := getattr(self.view, "preconditions", {})):
            yield from (412, 428) if matched[self.method] else (412,)
        if self._takes_key():
            yield 409
        yield from getattr(self.view, "problems", {}).get(self.method, ())


#: Kinds of problems beside the status's own: of every operation, and of those that take an Idempotency-Key.
OWN = {401: ("application-not-allowed",)}
KEYED = {409: ("idempotency-key-in-use",), 422: ("idempotency-key-reused",)}
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
