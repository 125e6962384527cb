"""The access log: who read, played, changed or signed what, when and from where."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import TypeVar
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest
from rest_framework.request import Request

from access.models import AccessEntry, ApiKey, ClinicOwned
from config.requests import request_id

Row = TypeVar("Row", bound=ClinicOwned)


def record(request: HttpRequest | Request, action: str, rows: Iterable[Row]) -> None:
    """One entry for all these rows (one a model and clinic, should they differ), none for no rows.

    Called before the answer leaves: what cannot be logged is not shown.
    """
    groups: dict[tuple[UUID, str], list[UUID]] = {}
    for row in rows:
        groups.setdefault((row.clinic_id, str(row._meta.model_name)), []).append(row.pk)
    kind, actor = _actor(request)
    for (clinic_id, object_type), ids in groups.items():
        AccessEntry.objects.create(
            clinic_id=clinic_id,
            actor_kind=kind,
            actor_id=actor,
            action=action,
            object_type=object_type,
            object_ids=ids,
            address=address(request),
            request_id=request_id.get(),
        )


def address(request: HttpRequest | Request) -> str | None:
    """Where the request came from; behind a proxy, what the proxy itself has added last."""
    given = str(request.META.get("REMOTE_ADDR", ""))
    if settings.SECURE_PROXY_SSL_HEADER:
        given = str(request.META.get("HTTP_X_FORWARDED_FOR", "")).rpartition(",")[2].strip() or given
    try:
        return str(ipaddress.ip_address(given.partition("%")[0]))
    except ValueError:
        return None


def _actor(request: HttpRequest | Request) -> tuple[str, str]:
    key = getattr(request, "auth", None)
    if isinstance(key, ApiKey):
        return AccessEntry.Actor.API_KEY, str(key.pk)
    return AccessEntry.Actor.USER, str(request.user.pk)
