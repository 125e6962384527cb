"""Entity tags: an answer that the asker has already is not sent again, and nobody overwrites what they have not seen.

A tag is strong: a digest of the JSON that is shown, so that whatever changes there changes it too. A 304 is answered
after the same work as a 200, and stands in the access log like one: whoever asks looks at what they have, and their
copy is as good as the row. What is played is heard once: for sound it does not stand there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.utils.http import parse_etags
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from config.problems import PreconditionFailed, PreconditionRequired, respond

TAGGED = ("/api/v1/", "/api/schema", "/problems")
#: What a 304 says of the 200 that it stands for; other middleware adds the rest to both. Source: RFC 9110, 15.4.5.
KEPT = ("ETag", "Cache-Control", "Content-Location", "Vary", "Retry-After")


class ConditionalMiddleware:
    """Gives what is read its ETag, and 304 to whoever has it already. A file has one of its own, whoever sends it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        is_read = request.method in ("GET", "HEAD") and request.path_info.startswith(TAGGED)
        is_file = response.streaming or "X-Accel-Redirect" in response
        if not is_read or is_file or response.status_code != 200 or "ETag" in response:
            return response
        response["ETag"] = _of(response.content)
        return unmet(request, response.headers) or response


def etag(shown: Any) -> str:
    """The ETag of an object's own address, whose GET answers with `shown`."""
    return _of(JSONRenderer().render(shown))


def tagged(shown: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """What is shown of an object in answer to a write, with the ETag of its own address."""
    return Response(shown, status=status, headers={**(headers or {}), "ETag": etag(shown)})


def must_match(request: Request, shown: Any) -> None:
    """Holds a write against its If-Match; `shown` is what GET would answer now.

    To be called in the transaction of the write, when the row is locked. Raises PreconditionRequired and
    PreconditionFailed. Tags are compared strongly: a weak one never matches.
    """
    given = request.headers.get("If-Match")
    if given is None:
        raise PreconditionRequired
    if not _strongly(given, lambda: etag(shown)):
        raise PreconditionFailed


def unmet(request: HttpRequest, headers: Mapping[str, str]) -> HttpResponse | None:
    """412 or 304, where the request's If-Match or If-None-Match asks for it; `headers`: those of the answer otherwise.

    In the order of RFC 9110, 13.2.2.
    """
    current = headers["ETag"]
    if_match, if_none_match = request.headers.get("If-Match"), request.headers.get("If-None-Match")
    if if_match is not None and not _strongly(if_match, lambda: current):
        return respond(PreconditionFailed())
    if if_none_match is not None and _weakly(if_none_match, current):
        return HttpResponseNotModified(headers={name: headers[name] for name in KEPT if name in headers})
    return None


def _strongly(header: str, current: Callable[[], str]) -> bool:
    given = parse_etags(header)
    return given == ["*"] or current() in given


def _weakly(header: str, current: str) -> bool:
    given = parse_etags(header)
    return given == ["*"] or current in (tag.removeprefix("W/") for tag in given)


def _of(content: bytes) -> str:
    return f'"{hashlib.blake2b(content, digest_size=16).hexdigest()}"'
