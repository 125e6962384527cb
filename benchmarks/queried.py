"""The web process, telling with each answer how many statements it took: for benchmarks/desk.py alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from benchmarks.desk import HEADER
from config import wsgi
from config.web import application  # sets Django up, and comes first

# isort: split
from django.db import connection

__all__ = ["application"]

django_application = wsgi.django_application


def counted(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    statements: list[None] = []

    def note(execute: Callable[..., Any], *given: Any) -> Any:
        statements.append(None)
        return execute(*given)

    def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
        return start_response(status, [*headers, (HEADER, str(len(statements)))], *error)

    with connection.execute_wrapper(note):
        return django_application(environ, start)


wsgi.django_application = counted  # type: ignore[assignment]  # in its place, for this process alone
