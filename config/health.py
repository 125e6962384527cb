"""Whether this process serves, and whether it can do its work: for load balancers and supervisors."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
from django.db import connections
from django.http import HttpRequest, HttpResponse, JsonResponse

CONNECT_SECONDS, ANSWER_MILLISECONDS = 2, 1000


def healthz(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> JsonResponse:
    if trouble := _trouble():
        return JsonResponse({"status": trouble}, status=503, headers={"Retry-After": "5"})
    return JsonResponse({"status": "ok"})


def _trouble() -> str:
    """What keeps the database from serving; empty when nothing does.

    On a connection of its own: one that was kept open may only look alive, and be slow to say otherwise.
    """
    parameters = connections["default"].get_connection_params()
    parameters |= {"connect_timeout": CONNECT_SECONDS, "options": f"-c statement_timeout={ANSWER_MILLISECONDS}"}
    try:
        with psycopg.connect(**parameters) as connection:
            writable = connection.execute("SHOW transaction_read_only").fetchone() == ("off",)
    except psycopg.Error:
        return "database unreachable"
    return "" if writable else "database read-only"


class HealthMiddleware:
    """Answers both before anything looks at the Host header: probes call an address, not a name."""

    answers: dict[str, Callable[[HttpRequest], HttpResponse]] = {"/healthz": healthz, "/readyz": readyz}

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.answers.get(request.path_info, self.get_response)(request)
