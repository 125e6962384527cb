"""Every error under /api/ as a problem document (RFC 9457): `{type, title, status, detail, request_id, errors?}`."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.core.exceptions import BadRequest, ObjectDoesNotExist, RequestDataTooBig, SuspiciousOperation
from django.core.exceptions import PermissionDenied as Forbidden
from django.db import IntegrityError, InterfaceError, InternalError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, UnreadablePostError
from django.views import csrf, defaults
from django.views.decorators.csrf import csrf_exempt
from psycopg.errors import ForeignKeyViolation
from rest_framework import exceptions
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.settings import api_settings

from config.requests import request_id

log = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 5

#: What `type` (/problems/<name>) and `title` say for a status.
KINDS = {
    400: ("malformed", "The request could not be read"),
    401: ("unauthenticated", "A valid API key or token is needed"),
    403: ("forbidden", "This is not allowed to whoever asks"),
    404: ("not-found", "There is no such thing here"),
    405: ("method-not-allowed", "This address does not take that method"),
    406: ("not-acceptable", "This address answers in JSON only"),
    408: ("too-slow", "The body did not come in time"),
    409: ("conflict", "The state of things does not allow this"),
    410: ("gone", "It was here, and will not be again"),
    412: ("precondition-failed", "It is not as the request takes it to be"),
    413: ("too-large", "The body is too large"),
    415: ("unsupported-media-type", "The body is of a type not taken here"),
    422: ("validation", "Some values are not right"),
    428: ("precondition-required", "The request does not say what it takes the thing to be like"),
    429: ("too-many-requests", "Too many requests in too short a time"),
    500: ("internal", "Something went wrong here"),
    503: ("unavailable", "The service cannot answer now"),
}


class Conflict(exceptions.APIException):
    status_code = 409
    default_detail = "The state of things does not allow this."
    default_code = "conflict"


class Gone(exceptions.APIException):
    status_code = 410
    default_detail = "It was removed, and will not be again. Forget its id."
    default_code = "gone"


class PreconditionFailed(exceptions.APIException):
    status_code = 412
    default_detail = "It is not as If-Match says. Get it again, look at what has changed, and send the ETag it has now."
    default_code = "precondition_failed"


class PreconditionRequired(exceptions.APIException):
    status_code = 428
    default_detail = "Send If-Match with the ETag that a GET of this address answers, so that no change is overwritten."
    default_code = "precondition_required"


class TooLarge(exceptions.APIException):
    status_code = 413
    default_detail = "The body is too large."
    default_code = "too_large"


class UnsupportedMedia(exceptions.APIException):
    status_code = 415
    default_detail = "The body is of a type not taken here."
    default_code = "unsupported_media_type"


class Unavailable(exceptions.APIException):
    status_code = 503
    default_detail = "The database does not answer. Try again in a few seconds."
    default_code = "unavailable"
    wait = RETRY_AFTER_SECONDS


class ServerError(exceptions.APIException):
    default_detail = "Something went wrong here. Name the request_id when you report it."
    default_code = "internal"


def handle(exc: Exception, context: Mapping[str, Any]) -> Response:
    """DRF's exception handler: whatever a view raised, as a problem document."""
    refusal = as_refusal(exc)
    if refusal is not exc and refusal.status_code >= 500:
        log_failure(exc)
    body = problem(refusal)
    # What the caller accepts, or the view answers in (YAML, a page), is for answers: a problem is always JSON.
    context["request"].accepted_renderer = JSONRenderer()
    context["request"].accepted_media_type = JSONRenderer.media_type
    return Response(body, status=body["status"], headers=_headers(refusal), content_type=CONTENT_TYPE)


def as_refusal(exc: BaseException | None) -> exceptions.APIException:
    """The refusal that an exception amounts to; ServerError for what nobody foresaw."""
    match exc:
        case exceptions.APIException():
            return exc
        case Http404():
            return exceptions.NotFound()
        case Forbidden():
            return exceptions.PermissionDenied()
        case RequestDataTooBig():
            return TooLarge()
        case SuspiciousOperation() | BadRequest() | UnreadablePostError():
            return exceptions.ParseError()
        case OperationalError() | InterfaceError() | InternalError():
            return Unavailable()  # InternalError: a replica after a failover, which answers and refuses to write
        case ObjectDoesNotExist() | IntegrityError(__cause__=ForeignKeyViolation()):
            return Unavailable("What this is about was removed at this moment. Try again to see what is left.")
    return ServerError()


def problem(refusal: exceptions.APIException) -> dict[str, Any]:
    """The document. Its `errors` name the field, a stable code and a sentence; they never repeat what was sent."""
    if isinstance(refusal, exceptions.ValidationError):
        return document(422, "Some values are not right: errors says which.", list(_errors(refusal.detail)))
    return document(refusal.status_code, str(refusal.detail), kind=getattr(refusal, "kind", None))


def invalid(field: str, code: str, detail: str) -> exceptions.ValidationError:
    """A 422 for one field or query parameter."""
    return exceptions.ValidationError({field: [exceptions.ErrorDetail(detail, code=code)]})


def plainly(name: str, otherwise: str) -> str:
    """A name as a problem may repeat it: letters and underscores alone, as all of ours are."""
    return name if re.fullmatch(r"[a-z_]{1,40}", name, re.ASCII) else otherwise


def log_failure(exc: BaseException | None) -> None:
    """One line with the exception's type and frames (config.logging leaves its message out)."""
    match exc:
        case OperationalError() | InterfaceError():
            log.warning("the database did not answer: %s", type(exc).__name__)
        case InternalError():  # with its frames: a statement after a failed one is one too, and a fault of ours
            log.warning("the database refused: %s", type(exc.__cause__ or exc).__name__, exc_info=exc)
        case ObjectDoesNotExist() | IntegrityError(__cause__=ForeignKeyViolation()):
            log.warning("a row was removed meanwhile: %s", type(exc).__name__, exc_info=exc)
        case _:
            log.error("unexpected %s", type(exc).__name__, exc_info=exc)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    return _page(request, exception) or defaults.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    return _page(request, exception) or defaults.permission_denied(request, exception)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    return _page(request, exception) or defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponseBase:
    exception = sys.exc_info()[1]
    log_failure(exception)
    return _page(request, exception) or defaults.server_error(request)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponseBase:
    """Django's CSRF_FAILURE_VIEW."""
    request.csrf_refused = True  # type: ignore[attr-defined]  # for the access log
    refusal = exceptions.PermissionDenied("The token of the form is missing or not the right one.")
    return respond(refusal) if _is_api(request) else csrf.csrf_failure(request, reason)


@csrf_exempt
def no_such_address(request: HttpRequest) -> HttpResponse:
    """The last pattern under /api/."""
    return respond(exceptions.NotFound("There is no such address. /api/docs lists them."))


def _page(request: HttpRequest, exception: BaseException | None) -> HttpResponse | None:
    """A problem document under /api/; None elsewhere, where people read Django's pages."""
    return respond(as_refusal(exception)) if _is_api(request) else None


def _is_api(request: HttpRequest) -> bool:
    return request.path_info.startswith("/api/")


def respond(refusal: exceptions.APIException) -> HttpResponse:
    """For what answers without DRF."""
    body = problem(refusal)
    return JsonResponse(body, status=body["status"], headers=_headers(refusal), content_type=CONTENT_TYPE)


def document(
    status: int, detail: str, errors: Sequence[Mapping[str, str]] = (), kind: tuple[str, str] | None = None
) -> dict[str, Any]:
    """The document itself, for the request under way. `kind`: a name and title of its own instead of the status's."""
    name, title = kind or KINDS.get(status, KINDS[400] if status < 500 else KINDS[500])
    document: dict[str, Any] = {
        "type": f"/problems/{name}",
        "title": title,
        "status": status,
        "detail": detail,
        "request_id": request_id.get(),
    }
    return document | {"errors": errors} if errors else document


def _errors(detail: Any, field: str = "") -> Iterator[dict[str, str]]:
    """DRF's nested details one by one; a field within another is `outer.inner`, an item of a list `outer.0`."""
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            own = "" if name == api_settings.NON_FIELD_ERRORS_KEY else str(name)
            yield from _errors(inner, ".".join(filter(None, (field, own))))
    elif isinstance(detail, Sequence) and not isinstance(detail, str):
        for place, inner in enumerate(detail):
            nested = not isinstance(inner, str) and inner
            yield from _errors(inner, ".".join(filter(None, (field, str(place)))) if nested else field)
    else:
        yield {"field": field or "body", "code": getattr(detail, "code", "invalid"), "detail": str(detail)}


def _headers(refusal: exceptions.APIException) -> dict[str, str]:
    """`auth_header` is set by DRF, `wait` by whoever knows how long."""
    headers = {}
    if challenge := getattr(refusal, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if wait := getattr(refusal, "wait", None):
        headers["Retry-After"] = str(int(wait))
    return headers
