"""The OpenAPI description and the page that shows it. Open to everybody, and the same for all."""

from __future__ import annotations

from functools import cache
from typing import Any

from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView
from rest_framework.request import Request
from rest_framework.response import Response

#: By whoever likes to: its ETag (config.conditional) says whether it is still the same.
CACHED = {"Cache-Control": "public, no-cache"}


class Description(SpectacularAPIView):
    """As YAML or JSON, by Accept."""

    @extend_schema(exclude=True)
    def get(self, request: Request) -> Response:
        """In the one language that there is: Django would keep whatever `?lang=` names for ever."""
        return Response(description(), headers=CACHED)


@cache
def description() -> Any:
    """Made once a process: it changes with the code alone."""
    return SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
