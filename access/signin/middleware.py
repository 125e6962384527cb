"""What is asked of every request that a signed-in person sends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django_otp import DEVICE_ID_SESSION_KEY

from access.signin import factor, sessions

Answer = Callable[[HttpRequest], HttpResponse]


class SessionMiddleware:
    """Ends sessions that are too old, and says at the sign-in page why it is asked for."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        ended = sessions.over(request)
        if ended == sessions.LONGEST:
            logout(request)
        sessions.go_on(request)
        response = self.get_response(request)
        is_piece = "HX-Request" in request.headers
        if (ended or is_piece) and sessions.asks_to_sign_in(response):
            return sessions.ask_again(request, ended)
        return response


class SecondFactorMiddleware:
    """Sessions end that were opened without the second factor that is set up. A password that somebody else chose
    leads to replacing it; then, where a second factor is required and none is there, the way leads to setting it up."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.redirected(request) or self.get_response(request)

    def redirected(self, request: HttpRequest) -> HttpResponse | None:
        user: Any = request.user
        if request.path_info.startswith("/api/") or not user.is_authenticated:
            return None  # REST takes nobody's session for a proof
        device = request.session.get(DEVICE_ID_SESSION_KEY)
        is_set_up = factor.is_theirs(user, device) if device else factor.is_set_up(user)
        if is_set_up != bool(device):
            logout(request)
            return sessions.ask_again(request, "")
        if user.must_change_password:
            return led_to(request, "password_change", "logout")
        if settings.SECOND_FACTOR == "required" and not is_set_up:
            return led_to(request, "second_factor", "login", "logout")
        return None


def led_to(request: HttpRequest, page: str, *others: str) -> HttpResponse | None:
    """There from everywhere but the others."""
    # "jsi18n": templates/static/session.js tells it of somebody at work, and takes another answer for the end.
    address, *open_too = (reverse(f"admin:{name}") for name in (page, "jsi18n", *others))
    return None if request.path in (address, *open_too) else HttpResponseRedirect(address)
