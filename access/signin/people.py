"""What an operator does about a person's way in: lifts a lock, removes a second factor that was lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path
from django_otp.plugins.otp_static.admin import StaticDevice
from django_otp.plugins.otp_totp.admin import TOTPDevice

from access import desk, roles
from access.models import User
from access.signin import factor, lockout, record

admin.site.unregister([StaticDevice, TOTPDevice])  # their pages show secrets and codes

#: By the button's name: what is done, the access log's words for it, and what is said.
DONE: dict[str, tuple[Callable[[User], bool], str, str]] = {
    "lift": (lockout.lift, "lock lifted", "The lock is lifted: they may try again now."),
    "remove": (factor.remove, "second factor removed", "The second factor is removed: the password alone suffices."),
}


class SignInPage(desk.ModelAdmin):
    """Adds to a person's page how they sign in."""

    change_form_template = "admin/access/user/change_form.html"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.sign_in_view)
        return [path("<int:object_id>/sign-in/", view, name="access_user_sign_in"), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        person = self.get_object(request, object_id)
        facts = {
            "locked_until": person and lockout.locked_until(person.get_username()),
            "has_factor": person and factor.is_set_up(person),
        }
        return super().change_view(request, object_id, form_url, facts | (extra_context or {}))

    def sign_in_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not roles.is_operator(request) or request.POST.get("action") not in DONE:
            raise PermissionDenied
        person: Any = self.get_object(request, str(object_id))
        do, mode, said = DONE[request.POST["action"]]
        if do(person):
            record.granted(request, person, mode)
            self.message_user(request, said, messages.SUCCESS)
        return HttpResponseRedirect(desk.address_of(person))
