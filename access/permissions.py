"""What an API key may do: each view names the scope that each of its methods needs."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from access.models import ApiKey

IMPLIED = {ApiKey.Scope.SESSIONS_READ: {ApiKey.Scope.SESSIONS_WRITE}}


class HasScope(BasePermission):
    """A view says `scopes = {"GET": "sessions:read", "POST": "sessions:write"}`."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if not isinstance(request.auth, ApiKey):
            return False
        method = "GET" if request.method == "HEAD" else str(request.method)
        needed = view.scopes.get(method)
        if needed is None:
            if hasattr(view, method.lower()) and method != "OPTIONS":
                raise ImproperlyConfigured(f"{type(view).__name__} names no scope for {method}")
            return True  # the view does not know the method: 405 is the better answer
        if not {needed, *IMPLIED.get(needed, ())} & set(request.auth.scopes):
            raise PermissionDenied(f"This API key lacks the scope {needed}.")
        return True
