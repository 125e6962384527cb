"""The pages where people set up their second factor, remove it, and change their password."""

from __future__ import annotations

from typing import Any

import django_otp
from django.contrib import admin, messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.views import PasswordChangeView
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import render

from access.models import User
from access.signin import factor, record
from access.signin.forms import ConfirmForm, PasswordForm, RemoveForm

TEMPLATE = "admin/second_factor.html"


def second_factor(request: HttpRequest) -> HttpResponse:
    if request.method not in ("GET", "HEAD", "POST"):
        return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
    assert isinstance(request.user, User)  # noqa: S101 (admin_view lets nobody else come here)
    return removal(request, request.user) if factor.is_set_up(request.user) else enrolment(request, request.user)


def enrolment(request: HttpRequest, user: User) -> HttpResponse:
    form = ConfirmForm(request, user, request.POST if request.method == "POST" else None)
    if form.is_valid():
        if made := factor.confirm(user, form.cleaned_data["code"]):
            return added(request, user, *made)
        form.add_error("code", "This is not the code that belongs to this secret now. Wait for the next one.")
    device = factor.pending(user) if form.is_bound else factor.begin(user)
    facts = {"form": form, "picture": factor.picture(device), "letters": factor.letters(device)}
    return page(request, facts)


def added(request: HttpRequest, user: User, device: object, codes: list[str]) -> HttpResponse:
    """The one answer that ever holds the recovery codes."""
    request.session.cycle_key()
    django_otp.login(request, device)
    record.granted(request, user, "second factor added")
    return page(request, {"codes": codes})


def removal(request: HttpRequest, user: User) -> HttpResponse:
    form = RemoveForm(request, user, request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return page(request, {"form": form, "codes_left": factor.codes_left(user)})
    factor.remove(user)
    request.session.pop(django_otp.DEVICE_ID_SESSION_KEY, None)
    update_session_auth_hash(request, user)  # this session goes on; the others are over
    record.granted(request, user, "second factor removed")
    messages.success(request, "The second factor is removed: your password alone signs you in.")
    return HttpResponseRedirect(request.path)


def page(request: HttpRequest, facts: dict[str, object]) -> HttpResponse:
    return render(request, TEMPLATE, {**admin.site.each_context(request), "title": "Second factor", **facts})


class ChangePassword(PasswordChangeView):
    form_class = PasswordForm
    template_name = "admin/password_change.html"

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "request": self.request}

    @transaction.atomic
    def form_valid(self, form: Any) -> HttpResponse:
        response = super().form_valid(form)
        record.granted(self.request, form.user, "password changed")
        return response
