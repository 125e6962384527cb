"""Who may sign in: active staff, by password, and by a code where they have set one up."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest

from access.models import User
from access.signin import factor


class DeskBackend(ModelBackend):
    """Everything is decided here, so that a wrong code fails, is counted and is logged as a wrong password is."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        token: str = "",
        **_: Any,
    ) -> User | None:
        user: Any = super().authenticate(request, username, password)
        return user if user and factor.passes(user, token) else None

    def user_can_authenticate(self, user: Any) -> bool:
        """Others than staff have nowhere to go: their right password is answered as a wrong one."""
        return bool(user.is_active and user.is_staff)
