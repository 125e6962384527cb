"""What a program may do: each view names the scope that each of its methods needs."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from access import bearer, refusals
from access.models import Program
from access.programs import Refused, ScopeMissing, may


class Insufficient(PermissionDenied):
    """403 with the challenge that names the scope. Source: RFC 6750, section 3.1."""

    def __init__(self, missing: ScopeMissing) -> None:
        super().__init__(missing.message)
        self.auth_header = bearer.challenge("insufficient_scope", scope=missing.scope)


class HasScope(BasePermission):
    """A view says `scopes = {"GET": "sessions:read", "POST": "sessions:write"}`."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if not isinstance(request.auth, Program):
            refusals.refused(request, Refused("no_proof", "Nothing was sent."))
            return False
        method = "GET" if request.method == "HEAD" else str(request.method)
        needed = view.scopes.get(method)
        if needed is None:
            if hasattr(view, method.lower()) and method != "OPTIONS":
                raise ImproperlyConfigured(f"{type(view).__name__} names no scope for {method}")
            return True  # the view does not know the method: 405 is the better answer
        if not may(request.auth, needed):
            missing = ScopeMissing(needed, request.auth)
            refusals.refused(request, missing)
            raise Insufficient(missing)
        return True
