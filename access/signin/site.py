"""The admin's site: its sign-in form asks for a code too, and a page sets up where codes come from."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, path

from access.signin import sessions, views
from access.signin.forms import SignInForm


class DeskSite(AdminSite):
    login_form = SignInForm

    def get_urls(self) -> list[URLResolver | URLPattern]:
        factor = path("second-factor/", self.admin_view(views.second_factor), name="second_factor")
        return [factor, *super().get_urls()]

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        return super().each_context(request) | {"idle_seconds": settings.SESSION_COOKIE_AGE}

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        facts = {"title": "Sign in", "ended": sessions.sentence(request.GET.get("ended", ""))}
        return super().login(request, facts | (extra_context or {}))
