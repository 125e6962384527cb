"""Sign-ins in the access log: one row for each clinic of the person, or one of no clinic."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest

from access import log, refusals
from access.log import Actor, Kind
from access.models import AccessEntry, Membership, User
from access.signin import sessions

Action = AccessEntry.Action


@receiver(user_logged_in)
def signed_in(request: HttpRequest, user: Any, **_: Any) -> None:
    sessions.begin(request)
    note(person(request, user), Action.SIGNED_IN, user)


@receiver(user_logged_out)
def signed_out(request: HttpRequest, user: Any, **_: Any) -> None:
    if user:
        note(person(request, user), Action.SIGNED_OUT, user)


@receiver(user_login_failed)
def failed(credentials: dict[str, Any], request: HttpRequest, **_: Any) -> None:
    """The name that was given is written only as the id of the person who has it."""
    # Only an attempt under a lock has this yet: axes sets it for the failure that locks too, but hears of it after us.
    code = "sign_in_locked" if getattr(request, "axes_locked_out", False) else "sign_in_failed"
    user = User.objects.filter(username=credentials.get("username")).first()
    if user is None:
        refusals.note(Actor(Kind.NOBODY, address=log.address(request)), code, None)
        return
    who = person(request, user)
    for clinic_id in clinics_of(user):
        refusals.note(who, code, clinic_id)


def granted(request: HttpRequest, user: User, mode: str) -> None:
    """Something about how the person signs in was changed, by themselves or by an operator."""
    note(log.actor(request), Action.GRANTED, user, mode=mode)


def note(by: Actor, action: str, user: Any, **facts: Any) -> None:
    for clinic_id in clinics_of(user):
        log.note(by, action, clinic_id, "user", [str(user.pk)], **facts)


def person(request: HttpRequest, user: Any) -> Actor:
    """Not who the request comes from: that becomes them only now, or was them until now."""
    held = dict(Membership.objects.filter(user=user).values_list("clinic", "role"))
    return Actor(Kind.USER, str(user.pk), log.address(request), held, bool(user.is_superuser))


def clinics_of(user: Any) -> list[UUID | None]:
    return list(Membership.objects.filter(user=user).values_list("clinic", flat=True)) or [None]
