"""What happens after too many failures (django-axes counts them, by name): the page that says so, and lifting it."""

from __future__ import annotations

from datetime import datetime
from math import ceil
from typing import Any

from axes.models import AccessAttempt
from axes.utils import reset
from django.conf import settings
from django.contrib import admin
from django.contrib.auth import authenticate
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.utils.crypto import salted_hmac

from access.models import User
from access.signin.sessions import in_words


def known_as(request: HttpRequest, credentials: dict[str, Any] | None) -> str | None:
    """Under which name failures are counted: a person's own, a digest for every other.

    People type passwords into the field for the name: what is nobody's name is written nowhere.
    """
    name = (credentials or {}).get("username")
    if not name or User.objects.filter(username=name).exists():
        return name
    return f"unknown {salted_hmac('access.signin.lockout', name, algorithm='sha256').hexdigest()}"


def locked_until(name: str | None) -> datetime | None:
    """When the lock on the name ends; None when there is none."""
    now, cool_off = timezone.now(), settings.AXES_COOLOFF_TIME
    rows = AccessAttempt.objects.filter(username=name, attempt_time__gt=now - cool_off)
    counted = list(rows.order_by("attempt_time").values_list("attempt_time", "failures_since_start"))
    failures, ends = sum(count for _, count in counted), None
    for at, count in counted:  # one a browser and address; the oldest is forgotten first
        if failures < settings.AXES_FAILURE_LIMIT:
            break
        failures, ends = failures - count, at + cool_off
    return ends


def check_password(request: HttpRequest, password: str) -> None:
    """Raises ValidationError unless it is the person's. Wrong ones count as failed sign-ins: a session left open is no
    place to guess at."""
    user: Any = request.user
    if locked_until(user.get_username()):
        raise ValidationError("There were too many wrong passwords. Try again later.")
    if not user.check_password(password):
        authenticate(request, username=user.get_username(), password=password)
        raise ValidationError("This is not your password.")


def locked_out(request: HttpRequest, _: HttpResponse, credentials: dict[str, Any] | None) -> HttpResponse:
    """In place of the answer to a failed sign-in. It is the same for names that nobody has."""
    ends = locked_until(known_as(request, credentials))
    seconds = max(1, ceil((ends - timezone.now()).total_seconds())) if ends else 1
    facts = {"title": "Too many failed sign-ins", "wait": in_words(seconds)}
    page = render(request, "admin/locked_out.html", {**admin.site.each_context(request), **facts}, status=429)
    page["Retry-After"] = str(seconds)
    add_never_cache_headers(page)
    return page


def lift(user: User) -> bool:
    """Whether there was anything to forget."""
    return bool(reset(username=user.get_username()))
