"""Whether this process serves, whether it can do its work, and how things stand: for whoever watches from outside."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse

from access import bearer
from config import database, metrics
from ingest.standing import StandingCollector

ANSWER_MILLISECONDS = 1000


def healthz(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> HttpResponse:
    if trouble := _trouble():
        return JsonResponse({"status": trouble}, status=503, headers={"Retry-After": "5"})
    return JsonResponse({"status": "ok"})


def _trouble() -> str:
    """What keeps the database from serving; empty when nothing does."""
    try:
        with database.impatient(ANSWER_MILLISECONDS) as connection:
            writable = connection.execute("SHOW transaction_read_only").fetchone() == ("off",)
    except psycopg.Error:
        return "database unreachable"
    return "" if writable else "database read-only"


def standing(request: HttpRequest) -> HttpResponse | None:
    """How things stand, for Prometheus; None where METRICS_TOKEN is not set: there is no such address then."""
    if not settings.METRICS_TOKEN:
        return None
    if not metrics.may_read(request.headers.get("Authorization", "")):
        return HttpResponse(status=401, headers={"WWW-Authenticate": bearer.challenge()})
    body, content_type = metrics.expose(StandingCollector())
    return HttpResponse(body, content_type, headers={"Cache-Control": "no-store"})


class HealthMiddleware:
    """Answers these before anything looks at the Host header: probes call an address, not a name."""

    answers: dict[str, Callable[[HttpRequest], HttpResponse | None]] = {
        "/healthz": healthz,
        "/readyz": readyz,
        "/metrics": standing,
    }

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        answer = self.answers.get(request.path_info)
        return (answer and answer(request)) or self.get_response(request)
