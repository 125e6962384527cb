"""The headers of REST, as the OpenAPI description tells of them."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter

from config.examples import BY_NAME, ETAG, REQUEST, SERVER
from config.problems import RETRY_AFTER_SECONDS

#: Headers of answers, each a component of its own. X-Request-ID is in every answer; the others come where they are due.
HEADERS: dict[str, dict[str, Any]] = {
    "X-Request-ID": {
        "description": "The id of this request: yours when it was a plain one, else a new one. Our log has it.",
        "required": True,
        "schema": {"type": "string"},
        "example": BY_NAME["request_id"],
    },
    "RateLimit-Policy": {
        "description": "The tightest limit: how many requests (q) in how many seconds (w).",
        "schema": {"type": "string"},
        "example": '"key";q=30000;w=60',
    },
    "RateLimit": {
        "description": "What is left of it (r), and in how many seconds it begins anew (t).",
        "schema": {"type": "string"},
        "example": '"key";r=29912;t=42',
    },
    "Retry-After": {
        "description": "Seconds to wait before asking again.",
        "schema": {"type": "integer", "minimum": 0},
        "example": RETRY_AFTER_SECONDS,
    },
    "ETag": {
        "description": "Names what is shown: for If-None-Match when you ask again, for If-Match when you change it.",
        "schema": {"type": "string"},
        "example": ETAG,
    },
    "Location": {
        "description": "The address of what was made.",
        "schema": {"type": "string", "format": "uri"},
        "example": f"{SERVER}/api/v1/requests/{REQUEST}",
    },
    "Idempotency-Replayed": {
        "description": "true when this is the answer to an earlier request with the same Idempotency-Key.",
        "schema": {"type": "string", "enum": ["true"]},
        "example": "true",
    },
    "WWW-Authenticate": {
        "description": "How to prove who asks, and what was lacking (RFC 6750).",
        "schema": {"type": "string"},
        "example": 'Bearer realm="listenpost"',
    },
    "Accept-Ranges": {
        "description": "Ranges of bytes can be asked for.",
        "schema": {"type": "string"},
        "example": "bytes",
    },
    "Content-Range": {
        "description": "Which bytes these are, and of how many.",
        "schema": {"type": "string"},
        "example": "bytes 0-1048575/21519404",
    },
}
ALWAYS = ("X-Request-ID", "RateLimit-Policy", "RateLimit")

SOUND = {
    200: ("Accept-Ranges", "ETag"),
    206: ("Accept-Ranges", "ETag", "Content-Range"),
    302: ("Location",),
    416: ("Accept-Ranges", "ETag", "Content-Range"),
}

IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match", str, "header", description="An ETag that you have: 304 without a body while it is still the same."
)

IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    "header",
    description="A word of yours for this request, such as a UUID: sent again with it, it is answered again and not"
    " done again. From 1 to 255 visible ASCII characters, bare or in quotes.",
)


def if_match(*, required: bool) -> OpenApiParameter:
    described = "The ETag of what you have seen: 412 when it has changed since."
    return OpenApiParameter("If-Match", str, "header", required=required, description=described)


RANGE = OpenApiParameter(
    "Range", str, "header", description="Which bytes, such as bytes=0-1048575: 206, or 416 where it has none of them."
)
