"""Who a REST request comes from: the API key in `Authorization: Bearer`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from uuid import UUID

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from access import keys
from access.models import ApiKey

# Two headers reach us as one, joined by a comma, which no token holds.
BEARER = re.compile(r"Bearer +([A-Za-z0-9._~+/=-]{1,512})", re.IGNORECASE)


@dataclass(frozen=True)
class Program:
    """`request.user` of a request made with an API key."""

    pk: UUID
    is_authenticated = True
    is_active = True


class ApiKeyAuthentication(BaseAuthentication):
    """Sets `request.auth` to the ApiKey."""

    def authenticate(self, request: Request) -> tuple[Program, ApiKey] | None:
        header = request.META.get("HTTP_AUTHORIZATION")
        if header is None:
            return None
        match = BEARER.fullmatch(header)
        key = keys.find(match[1]) if match else None
        if key is None:
            raise AuthenticationFailed("Send a live API key, as Authorization: Bearer lp_...")
        keys.mark_used(key)
        return Program(key.pk), key

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="listenpost"'
