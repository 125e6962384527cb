"""The page where people set up their second factor, and remove it."""

from __future__ import annotations

import django_otp
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import render

from access.models import User
from access.signin import factor, record
from access.signin.forms import ConfirmForm, RemoveForm

TEMPLATE = "admin/second_factor.html"


def second_factor(request: HttpRequest) -> HttpResponse:
    if request.method not in ("GET", "HEAD", "POST"):
        return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
    assert isinstance(request.user, User)  # noqa: S101 (admin_view lets nobody else come here)
    return removal(request, request.user) if factor.is_set_up(request.user) else enrolment(request, request.user)


def enrolment(request: HttpRequest, user: User) -> HttpResponse:
    form = ConfirmForm(request.POST if request.method == "POST" else None, label_suffix="")
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
    record.granted(request, user, "second factor removed")
    messages.success(request, "The second factor is removed: your password alone signs you in.")
    return HttpResponseRedirect(request.path)


def page(request: HttpRequest, facts: dict[str, object]) -> HttpResponse:
    return render(request, TEMPLATE, {**admin.site.each_context(request), "title": "Second factor", **facts})
