"""What a program may do: each view names the scope that each of its methods needs."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from access import bearer, refusals
from access.models import Program, Scope
from access.programs import Refused

IMPLIED = {Scope.SESSIONS_READ: {Scope.SESSIONS_WRITE}}


class ScopeMissing(PermissionDenied):
    def __init__(self, scope: str) -> None:
        super().__init__(f"This needs the scope {scope}.")
        self.auth_header = bearer.challenge("insufficient_scope", scope=scope)


class HasScope(BasePermission):
    """A view says `scopes = {"GET": "sessions:read", "POST": "sessions:write"}`."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if not isinstance(request.auth, Program):
            return False
        method = "GET" if request.method == "HEAD" else str(request.method)
        needed = view.scopes.get(method)
        if needed is None:
            if hasattr(view, method.lower()) and method != "OPTIONS":
                raise ImproperlyConfigured(f"{type(view).__name__} names no scope for {method}")
            return True  # the view does not know the method: 405 is the better answer
        if not may(request.auth, needed):
            refusals.refused(request, Refused("scope_missing", needed, request.auth))
            raise ScopeMissing(needed)
        return True


def may(program: Program, scope: str) -> bool:
    """Whether the program has the scope, or one that implies it."""
    return not {scope, *IMPLIED.get(Scope(scope), ())}.isdisjoint(program.scopes)
