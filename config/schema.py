"""The OpenAPI description: what drf-spectacular finds, and the problem documents that an operation may answer with."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiResponse
from rest_framework import serializers

from config.problems import CONTENT_TYPE, KINDS

RETRY_AFTER = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds to wait."}}
RATE_LIMIT = {
    "RateLimit-Policy": {"schema": {"type": "string"}, "description": 'The limit, such as `"key";q=30000;w=60`.'},
    "RateLimit": {"schema": {"type": "string"}, "description": 'What is left of it, such as `"key";r=0;t=42`.'},
}
#: The headers that come with a problem.
HEADERS: dict[int, dict[str, Any]] = {429: RETRY_AFTER | RATE_LIMIT, 503: RETRY_AFTER}


class ProblemErrorSerializer(serializers.Serializer[Any]):
    """One value that is not right."""

    field = serializers.CharField(help_text="The field or query parameter.")
    code = serializers.CharField(help_text="Stable, for programs.")
    detail = serializers.CharField(help_text="A sentence, for people.")


class ProblemSerializer(serializers.Serializer[Any]):
    """A problem document (RFC 9457)."""

    type = serializers.CharField(help_text="Stable: /problems/<name>.")
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    request_id = serializers.CharField(help_text="Also in X-Request-ID: name it when you report a problem.")
    errors = ProblemErrorSerializer(many=True, required=False)  # type: ignore[assignment]


class ProblemSchema(AutoSchema):
    """Views add what is particular to them as `problems = {"PUT": (409, 413)}`."""

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        responses: dict[str, Any] = super()._get_response_bodies(direction)
        for status in sorted(set(self._problems())):
            responses.setdefault(str(status), self._problem_response(status, direction))
        return responses

    def _problem_response(self, status: int, direction: Any) -> Any:
        shown = OpenApiResponse(ProblemSerializer, description=KINDS[status][1])
        response = self._get_response_for_code(shown, str(status), [CONTENT_TYPE], direction)  # type: ignore[no-untyped-call]
        return response | ({"headers": HEADERS[status]} if status in HEADERS else {})

    def _problems(self) -> Iterable[int]:
        yield from (401, 403, 429, 503)
        if "{id}" in self.path:
            yield 404
        if self._get_request_body():  # type: ignore[no-untyped-call]
            yield from (400, 413, 415, 422)
        if self.method == "GET" and self._is_list_view():
            yield 422
        yield from getattr(self.view, "problems", {}).get(self.method, ())


DESCRIPTION = "An API key (lp_...), or a JWT of an issuer that is trusted and an application that is allowed."


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "access.authentication.BearerAuthentication"
    name = "Bearer"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": DESCRIPTION}
