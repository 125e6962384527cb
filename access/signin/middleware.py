"""What is asked of every request that a signed-in person sends."""

from __future__ import annotations

from collections.abc import Callable

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
    """Sessions that no code has opened end once there is a second factor; without one, where it is required, the way
    leads to setting it up."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.redirected(request) or self.get_response(request)

    def redirected(self, request: HttpRequest) -> HttpResponse | None:
        is_required = settings.SECOND_FACTOR == "required"
        if request.path_info.startswith("/api/") or not request.user.is_authenticated:
            return None  # REST takes nobody's session for a proof
        is_proven = DEVICE_ID_SESSION_KEY in request.session
        if is_proven and not is_required:
            return None
        is_set_up = factor.is_set_up(request.user)
        if is_set_up and not is_proven:
            logout(request)
            return sessions.ask_again(request, "")
        open_to_all = [reverse(f"admin:{name}") for name in ("second_factor", "login", "logout")]
        if is_required and not is_set_up and request.path not in open_to_all:
            return HttpResponseRedirect(open_to_all[0])
        return None
