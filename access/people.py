"""Who is what in which clinic. Whatever changes it is written to the access log, under the person it is about."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from uuid import UUID

from django.db import IntegrityError, transaction

from access import log
from access.log import Actor
from access.models import AccessEntry, Clinic, Membership, User

# Small letters and digits that nobody mistakes for one another; five groups of four are 96 bits.
LETTERS, GROUPS, GROUP = "abcdefghjkmnpqrstuvwxyz23456789", 5, 4

#: What each of a person's switches means, on and off.
POWERS = {
    "is_active": ("may sign in", "may not sign in"),
    "is_staff": ("made staff", "no longer staff"),
    "is_superuser": ("made operator", "no longer operator"),
}

#: (clinic, person) -> role
Held = dict[tuple[UUID, int], str]


class Refused(Exception):
    """It cannot be done, or not by this person. The text says why and what to do."""


def add(clinic: Clinic, username: str, role: str, *, by: Actor) -> tuple[Membership, str]:
    """A new person in the clinic, and their first password, which cannot be had again. Raises Refused."""
    password = new_password()
    taken = User.objects.filter(username__iexact=username)
    try:
        with transaction.atomic():
            if taken.exists():
                raise IntegrityError
            person = User(username=username, is_staff=True)
            person.set_password(password)
            person.save(force_insert=True)
            membership = Membership.objects.create(user=person, clinic=clinic, role=role)
            note(by, clinic.pk, person.pk, f"added as {role}")
    except IntegrityError:
        raise Refused("That name is taken: choose another, or ask the operator to add this person.") from None
    return membership, password


def new_password() -> str:
    groups = ("".join(secrets.choice(LETTERS) for _ in range(GROUP)) for _ in range(GROUPS))
    return "-".join(groups)


def change_role(membership: Membership, role: str, *, by: Actor) -> None:
    """Raises Refused."""
    check(membership, by)
    with transaction.atomic():
        if Membership.objects.filter(pk=membership.pk).exclude(role=role).update(role=role):
            note(by, membership.clinic_id, membership.user_id, f"made {role}")


def remove(membership: Membership, *, by: Actor) -> None:
    """The person may sign in as before, and sees nothing of this clinic any more. Raises Refused."""
    check(membership, by)
    with transaction.atomic():
        if Membership.objects.filter(pk=membership.pk).delete()[0]:
            note(by, membership.clinic_id, membership.user_id, "removed")


def check(membership: Membership, by: Actor) -> None:
    """Raises Refused for what would lock a manager out, or reaches above them."""
    if by.is_operator:
        return
    if by.id == str(membership.user_id):
        raise Refused("This is you: another manager or the operator changes what you may do.")
    if membership.user.is_superuser:
        raise Refused("This person is an operator: only operators change what operators may do.")


def powers(person: User, changed: Iterable[str]) -> list[str]:
    """What these changes of a person mean."""
    return [POWERS[name][not getattr(person, name)] for name in changed if name in POWERS]


def held(memberships: Iterable[Membership]) -> Held:
    return {(one.clinic_id, one.user_id): one.role for one in memberships}


def note_changes(before: Held, after: Held, *, by: Actor) -> None:
    """Writes what became of memberships that a form of many has changed."""
    for who in before.keys() - after.keys():
        note(by, *who, "removed")
    for who, role in after.items():
        if who not in before:
            note(by, *who, f"added as {role}")
        elif before[who] != role:
            note(by, *who, f"made {role}")


def note_everywhere(by: Actor, user_id: int, mode: str) -> None:
    """In each clinic of the person, or in none where they have none."""
    clinics: list[UUID | None] = list(Membership.objects.filter(user=user_id).values_list("clinic", flat=True))
    for clinic_id in clinics or [None]:
        note(by, clinic_id, user_id, mode)


def note(by: Actor, clinic_id: UUID | None, user_id: int, mode: str) -> None:
    log.note(by, AccessEntry.Action.GRANTED, clinic_id, "user", [str(user_id)], mode=mode)
