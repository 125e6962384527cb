"""Who is what in which clinic. Whatever changes it is written to the access log, under the person it is about."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable
from uuid import UUID

from django.db import IntegrityError, transaction

from access import log
from access.log import Actor
from access.models import AccessEntry, Clinic, Membership, User

# Small letters and digits that nobody mistakes for one another; five groups of four are 96 bits.
LETTERS, GROUPS, GROUP = "abcdefghjkmnpqrstuvwxyz23456789", 5, 4

Role = Membership.Role

#: What each of a person's switches means, on and off.
POWERS = {
    "is_active": ("may sign in", "may not sign in"),
    "is_staff": ("made staff", "no longer staff"),
    "is_superuser": ("made operator", "no longer operator"),
}

#: (clinic, person) -> role
Held = dict[tuple[UUID, int], str]


#: A person's own words for themselves, none of which the access log repeats.
NAMES = {"username", "first_name", "last_name"}


class Refused(Exception):
    """It cannot be done, or not by this person. The text says why and what to do. `field`: the form's, if one's."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


def add(clinic: Clinic, username: str, role: str, *, by: Actor) -> tuple[Membership, str]:
    """A person in the clinic, new or back again, and the password to begin with, which cannot be had again.

    Raises Refused.
    """
    password = new_password()
    try:
        with transaction.atomic():
            person = User.objects.select_for_update().filter(username__iexact=username).first()
            is_back = person is not None
            if person is None:
                person = User(username=username, is_staff=True)
            elif not may_come_back(person, clinic):
                raise IntegrityError
            set_password(person, password)
            membership = Membership.objects.create(user=person, clinic=clinic, role=role)
            note(by, clinic.pk, person.pk, f"added again as {role}" if is_back else f"added as {role}")
    except IntegrityError:
        taken = "That name is taken: choose another, or ask the operator to add this person."
        raise Refused(taken, "username") from None
    return membership, password


def may_come_back(person: User, clinic: Clinic) -> bool:
    """Whether this clinic has removed them, and they are nowhere else: of all others it is told only that they are."""
    is_free = person.is_active and person.is_staff and not person.is_superuser and not person.memberships.exists()
    removed = AccessEntry.objects.filter(clinic=clinic, action=AccessEntry.Action.GRANTED, object_type="user")
    return is_free and removed.filter(object_ids=[str(person.pk)], mode="removed").exists()


def set_password(person: User, password: str) -> None:
    """One that somebody else knows: it opens nothing but the page to replace it, and ends the person's sessions."""
    person.set_password(password)
    person.must_change_password = True
    person.save()


def new_password() -> str:
    groups = ("".join(secrets.choice(LETTERS) for _ in range(GROUP)) for _ in range(GROUPS))
    return "-".join(groups)


def change_role(membership: Membership, role: str, *, by: Actor) -> None:
    """Raises Refused."""
    with transaction.atomic():
        check(membership, by)
        if role != Role.MANAGER:
            check_manager_stays(membership, by)
        if Membership.objects.filter(pk=membership.pk).exclude(role=role).update(role=role):
            note(by, membership.clinic_id, membership.user_id, f"made {role}")


def remove(membership: Membership, *, by: Actor) -> None:
    """The person may sign in as before, and sees nothing of this clinic any more. Raises Refused."""
    with transaction.atomic():
        check(membership, by)
        check_manager_stays(membership, by)
        if Membership.objects.filter(pk=membership.pk).delete()[0]:
            note(by, membership.clinic_id, membership.user_id, "removed")


def renew_password(membership: Membership, *, by: Actor) -> str:
    """Another first password, for somebody who has lost theirs; it cannot be had again. Raises Refused."""
    password = new_password()
    with transaction.atomic():
        if by.id == str(membership.user_id):
            raise Refused("This is you: “Change password”, at the top, is for your own.")
        check(membership, by)
        person = User.objects.select_for_update().get(pk=membership.user_id)
        if not is_above(by) and set(person.memberships.values_list("pk", flat=True)) != {membership.pk}:
            raise Refused("This person is not of this clinic alone: ask the operator to set a new password.")
        set_password(person, password)
        note(by, membership.clinic_id, membership.user_id, "password set")
    return password


def is_above(by: Actor) -> bool:
    return by.is_operator or by.kind == log.Kind.COMMAND


def check(membership: Membership, by: Actor) -> None:
    """Raises Refused for what would lock a manager out, or reaches above them.

    Holds the clinic's memberships until the transaction ends: two managers who remove each other come one by one.
    """
    everybody = Membership.objects.select_for_update().filter(clinic=membership.clinic_id).order_by("pk")
    managers = {str(one.user_id) for one in everybody if one.role == Role.MANAGER}
    if is_above(by):
        return
    if by.id == str(membership.user_id):
        raise Refused("This is you: another manager or the operator changes what you may do.")
    if by.kind == log.Kind.USER and by.id not in managers:
        raise Refused("You are no manager of this clinic any more.")
    if membership.user.is_superuser:
        raise Refused("This person is an operator: only operators change what operators may do.")


def check_manager_stays(membership: Membership, by: Actor) -> None:
    """Raises Refused. The clinic's memberships are held."""
    managers = Membership.objects.filter(clinic=membership.clinic_id, role=Role.MANAGER)
    others = managers.exclude(pk=membership.pk)
    if not is_above(by) and managers.filter(pk=membership.pk).exists() and not others.exists():
        raise Refused("A clinic keeps at least one manager.")


def powers(person: User, changed: Iterable[str]) -> list[str]:
    """What these changes of a person mean."""
    return [POWERS[name][not getattr(person, name)] for name in changed if name in POWERS]


def changes(person: User, changed: Collection[str]) -> list[str]:
    """powers(), and that the person is called otherwise now."""
    return [*powers(person, changed), *(["renamed"] if NAMES.intersection(changed) else [])]


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
