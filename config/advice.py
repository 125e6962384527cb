"""The address that a problem document's `type` is: what it means and what to do about it. Open to everybody."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import APIException, NotFound
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.views import APIView

from config.problems import KINDS

CACHED = {"Cache-Control": "public, max-age=3600"}
AGAIN = "Wait for as many seconds as Retry-After says, then send it again."

#: What to do, by the name in `type`.
ADVICE = {
    "application-not-allowed": "Ask a manager of the clinic to put the application on its allow list.",
    "conflict": "Read detail: it says what stands in the way. Get the thing's state, and decide anew.",
    "forbidden": "Ask a manager of the clinic for a key with the scope that WWW-Authenticate names.",
    "gone": "Forget the id, and whatever was kept of it. It does not come back.",
    "idempotency-key-in-use": "The first request with this key is at work. " + AGAIN,
    "idempotency-key-reused": "The key stands for another request. Send what is new with a new key.",
    "internal": "Send it again once. If it stays so, report it with its request_id.",
    "malformed": "Send well-formed JSON in UTF-8, as the API's description at /api/docs has it.",
    "method-not-allowed": "Allow names the methods that this address takes.",
    "not-acceptable": "Send Accept: application/json, or leave it out.",
    "not-found": "Look at the address and the id. What belongs to another clinic is not found either.",
    "precondition-failed": "Somebody changed it since you saw it. GET it again, look, and send its ETag as If-Match.",
    "precondition-required": "GET it first, and send its ETag as If-Match: so nobody's change is overwritten unseen.",
    "too-large": "Send less: detail or the API's description says how much is taken.",
    "too-many-requests": "RateLimit says how much is left. " + AGAIN,
    "too-slow": "Send the body in one go, over a connection that does not stall.",
    "unauthenticated": "Send Authorization: Bearer with an API key or a token of a trusted issuer that is still good.",
    "unavailable": "It is not your fault. " + AGAIN,
    "unsupported-media-type": "Send the Content-Type that the API's description names for this address.",
    "validation": "errors names each field or parameter, with a code for programs and a sentence for people.",
}


def kinds() -> dict[str, tuple[int, str]]:
    """By name, (status, title): the statuses' own, and those that refusals have of their own."""
    own = {refusal.kind[0]: (refusal.status_code, refusal.kind[1]) for refusal in _refusals()}
    return dict(sorted(({name: (status, title) for status, (name, title) in KINDS.items()} | own).items()))


def _refusals(base: Any = APIException) -> Iterator[Any]:
    for refusal in base.__subclasses__():
        if hasattr(refusal, "kind"):
            yield refusal
        yield from _refusals(refusal)


def shown(request: Request, name: str) -> dict[str, Any]:
    status, title = kinds()[name]
    address = reverse("problem", [name], request=request)
    return {"type": f"/problems/{name}", "title": title, "status": status, "advice": ADVICE[name], "url": address}


class Open(APIView):
    authentication_classes: list[Any] = []
    permission_classes = [AllowAny]
    http_method_names = ["get", "head"]


class ProblemList(Open):
    @extend_schema(exclude=True)
    def get(self, request: Request) -> Response:
        """Lists what can go wrong."""
        return Response({"results": [shown(request, name) for name in kinds()]}, headers=CACHED)


class ProblemOne(Open):
    @extend_schema(exclude=True)
    def get(self, request: Request, name: str) -> Response:
        """Says what one kind of problem means, and what to do about it."""
        if name not in kinds():
            raise NotFound("There is no such kind of problem. /problems lists them.")
        return Response(shown(request, name), headers=CACHED)
