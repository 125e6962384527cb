"""The admin's site: its sign-in form asks for a code too, and a page sets up where codes come from."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, path, reverse

from access.signin import sessions, views
from access.signin.forms import SignInForm


class DeskSite(AdminSite):
    login_form = SignInForm

    def get_urls(self) -> list[URLResolver | URLPattern]:
        factor = path("second-factor/", self.admin_view(views.second_factor), name="second_factor")
        # Without /admin/r/, which leads to rows by the number of their table: no row of ours has a page elsewhere.
        own = [url for url in super().get_urls() if getattr(url, "name", "") != "view_on_site"]
        return [factor, *own]

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        return super().each_context(request) | {"idle_seconds": settings.SESSION_COOKIE_AGE}

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        facts = {**self.each_context(request), **(extra_context or {})}
        done = reverse("admin:password_change_done")
        return views.ChangePassword.as_view(success_url=done, extra_context=facts)(request)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        facts = {"title": "Sign in", "ended": sessions.sentence(request.GET.get("ended", ""))}
        return super().login(request, facts | (extra_context or {}))
