"""How the OpenAPI description tells of problem documents: which ones an operation answers with, and what is in them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from rest_framework import serializers

from config.examples import BY_NAME
from config.headers import ALWAYS, HEADERS
from config.problems import CONTENT_TYPE, KINDS

#: Kinds of problems beside the status's own: of every operation, and of those that take an Idempotency-Key.
OWN = {401: ("application-not-allowed",)}
KEYED = {409: ("idempotency-key-in-use",), 422: ("idempotency-key-reused",)}
#: Headers that come with a kind of problem.
WITH_PROBLEMS = {
    "application-not-allowed": ("WWW-Authenticate",),
    "forbidden": ("WWW-Authenticate",),
    "idempotency-key-in-use": ("Retry-After",),
    "too-many-requests": ("Retry-After",),
    "unavailable": ("Retry-After",),
}


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


class Problems(AutoSchema):
    """What config.schema completes."""

    def _problem_response(self, status: int) -> dict[str, Any]:
        """A component of its own for each status: its `type` is one of few."""
        problem = self.resolve_serializer(ProblemSerializer, "response").ref
        named, title = KINDS[status]
        names = [named, *OWN.get(status, ()), *(KEYED.get(status, ()) if self._takes_key() else ())]
        values = {"type": {"enum": [f"/problems/{name}" for name in names]}, "status": {"const": status}}
        response = {
            "description": title,
            "headers": self._refer((*ALWAYS, *WITH_PROBLEMS.get(names[-1], ()))),
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
            yield from (400, 408, 413, 415)
        if self._takes_tag():
            yield 412
        if self._needs_tag():
            yield 428
        if self._takes_key():
            yield 409
        yield from getattr(self.view, "problems", {}).get(self.method, ())

    def _takes_key(self) -> bool:
        return hasattr(getattr(self.view, str(self.method).lower(), None), "takes_key")

    def _takes_tag(self) -> bool:
        return self.method == "GET" or self.method in getattr(self.view, "preconditions", {})

    def _needs_tag(self) -> bool:
        return bool(getattr(self.view, "preconditions", {}).get(self.method))

    def _is_sound(self) -> bool:
        """What is played has other headers than what is read, and is given whatever is accepted."""
        answers: Any = self.get_response_serializers()
        return isinstance(answers, dict) and any(isinstance(code, tuple) for code in answers)

    def _may_be_gone(self) -> bool:
        """Of what it removes the service remembers that it was there; a list may be asked for what is of one."""
        lists = self._get_filter_parameters()  # type: ignore[no-untyped-call]
        is_kept = "/webhooks" not in self.path
        return (is_kept and "{id}" in self.path) or any(each["name"] in ("session", "request") for each in lists)

    def _refer(self, names: Any) -> dict[str, Any]:
        return {name: self._component("headers", name, HEADERS[name]) for name in names}

    def _component(self, kind: Any, name: str, schema: dict[str, Any]) -> dict[str, Any]:
        component = ResolvedComponent(name=name, type=kind, schema=schema, object=name)  # type: ignore[no-untyped-call]
        self.registry.register_on_missing(component)
        return {"$ref": f"#/components/{kind}/{name}"}
