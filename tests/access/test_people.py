"""Who is what in which clinic, and that each change of it is in the access log."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.password_validation import validate_password

from access import log, people
from access.models import AccessEntry, Clinic, Membership, User
from tests.factories import MembershipFactory, UserFactory

BY = log.command()


def entries() -> list[tuple[str, Clinic | None]]:
    return [(entry.mode, entry.clinic) for entry in AccessEntry.objects.order_by("pk")]


def test_passwords_are_long_and_never_the_same() -> None:
    made = {people.new_password() for _ in range(1000)}
    assert len(made) == 1000
    assert {len(password) for password in made} == {24}
    assert not set("".join(made)) & set("il1o0")
    for password in list(made)[:50]:
        validate_password(password)


def test_a_name_that_is_taken_leaves_nothing_behind(clinic: Clinic) -> None:
    UserFactory(username="Maria")
    with pytest.raises(people.Refused, match="taken"):
        people.add(clinic, "maria", "viewer", by=BY)
    assert User.objects.count() == 1
    assert not Membership.objects.exists()
    assert not entries()


def test_a_first_password_is_to_be_changed(clinic: Clinic) -> None:
    membership, password = people.add(clinic, "maria", "viewer", by=BY)
    assert membership.user.check_password(password)
    assert User.objects.get().must_change_password


def test_what_is_so_already_is_not_logged(clinic: Clinic) -> None:
    membership = MembershipFactory(clinic=clinic, role="viewer")
    people.change_role(membership, "viewer", by=BY)
    people.remove(membership, by=BY)
    people.remove(membership, by=BY)
    assert entries() == [("removed", clinic)]


@pytest.mark.parametrize("do", [people.remove, lambda membership, by: people.change_role(membership, "viewer", by=by)])
def test_nobody_moves_themselves_or_an_operator(clinic: Clinic, do: Callable[..., None]) -> None:
    me = MembershipFactory(clinic=clinic, role="manager")
    above = MembershipFactory(clinic=clinic, user__is_superuser=True)
    by = log.Actor(log.Kind.USER, str(me.user.pk))
    for membership in (me, above):
        with pytest.raises(people.Refused):
            do(membership, by=by)
    assert not entries()
    do(above, by=log.Actor(log.Kind.USER, str(above.user.pk), is_operator=True))
    assert len(entries()) == 1


def test_what_a_person_may_is_written_where_they_belong(clinic: Clinic, other_clinic: Clinic) -> None:
    person = MembershipFactory(clinic=clinic).user
    MembershipFactory(clinic=other_clinic, user=person)
    people.note_everywhere(BY, person.pk, "made operator")
    people.note_everywhere(BY, UserFactory().pk, "created")
    assert set(entries()) == {("made operator", clinic), ("made operator", other_clinic), ("created", None)}
