"""People who come back, who have lost their password, and what an operator does with people."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from access import log, people
from access.models import AccessEntry, Clinic, Membership, User
from tests.admin.conftest import signed_in
from tests.admin.rows import list_of, page_of
from tests.factories import MembershipFactory, UserFactory

ADD, USERS = "/admin/access/membership/add/", list_of("access_user")
PASSWORDS = {"password1": "quite a long phrase", "password2": "quite a long phrase"}
NO_MEMBERSHIPS = {"memberships-TOTAL_FORMS": "0", "memberships-INITIAL_FORMS": "0"}
TAKEN = "That name is taken"


def password_in(page: str) -> str:
    return re.findall(r'<textarea id="secret"[^>]*>([^<]+)</textarea>', page)[0]


def add(desk: Client, username: str = "maria") -> str:
    return desk.post(ADD, {"username": username, "role": "viewer"}).content.decode()


def modes() -> list[str]:
    return list(AccessEntry.objects.filter(action="granted").order_by("pk").values_list("mode", flat=True))


@pytest.fixture
def removed(clinic: Clinic) -> User:
    """Somebody whom the clinic had, and has removed."""
    membership = MembershipFactory(clinic=clinic, user__username="maria")
    people.remove(membership, by=log.command())
    user: User = membership.user
    return user


# --- Back again
def test_a_removed_person_comes_back_with_a_new_password(manager: Client, clinic: Clinic, removed: User) -> None:
    old = signed_in(removed)
    password = password_in(add(manager, "Maria"))
    removed.refresh_from_db()
    assert removed.check_password(password)
    assert removed.must_change_password
    assert Membership.objects.get(user=removed).clinic == clinic
    assert modes() == ["removed", "added again as viewer"]
    assert old.get("/admin/").status_code == 302


def test_nobody_elses_person_is_told_of(colleague_elsewhere: Client, removed: User) -> None:
    MembershipFactory(user__username="here")
    UserFactory(username="nowhere")
    answers = [add(colleague_elsewhere, name) for name in ("maria", "here", "nowhere")]
    assert all(TAKEN in page for page in answers)


@pytest.mark.parametrize("change", [{"is_active": False}, {"is_staff": False}, {"is_superuser": True}])
def test_whom_the_operator_has_closed_or_raised_stays_away(
    manager: Client, removed: User, change: dict[str, bool]
) -> None:
    User.objects.filter(pk=removed.pk).update(**change)
    assert TAKEN in add(manager)


def test_who_is_in_another_clinic_by_now_is_the_operators(manager: Client, other_clinic: Clinic, removed: User) -> None:
    MembershipFactory(clinic=other_clinic, user=removed)
    assert TAKEN in add(manager)


def test_the_error_stands_at_the_name(manager: Client) -> None:
    UserFactory(username="maria")
    response = manager.post(ADD, {"username": "maria", "role": "viewer"})
    assert response.context["form"].errors["username"]
    field = re.findall(r'<input type="text" name="username"[^>]*>', response.content.decode())[0]
    assert "autofocus" in field


# --- A password that was lost
def test_a_manager_gives_a_new_password(manager: Client, clinic: Clinic) -> None:
    membership = MembershipFactory(clinic=clinic, user__username="maria")
    old = signed_in(membership.user)
    assert page_of(membership, "password") in manager.get(page_of(membership)).content.decode()
    page = manager.post(page_of(membership, "password")).content.decode()
    membership.user.refresh_from_db()
    assert membership.user.check_password(password_in(page))
    assert membership.user.must_change_password
    assert "<dd>maria</dd>" in page
    assert old.get("/admin/").status_code == 302
    assert modes() == ["password set"]


def test_not_to_somebody_of_several_clinics_but_an_operator_may(
    manager: Client, operator: Client, clinic: Clinic, other_clinic: Clinic
) -> None:
    membership = MembershipFactory(clinic=clinic)
    MembershipFactory(clinic=other_clinic, user=membership.user)
    page = manager.post(page_of(membership, "password")).content.decode()
    assert "not of this clinic alone: ask the operator" in page
    assert not modes()
    assert "shown this once" in operator.post(page_of(membership, "password")).content.decode()


def test_not_to_operators_nor_to_oneself(clinic: Clinic) -> None:
    me = MembershipFactory(clinic=clinic, role="manager")
    above = MembershipFactory(clinic=clinic, user__is_superuser=True)
    desk = signed_in(me.user)
    assert "This is you" in desk.post(page_of(me, "password")).content.decode()
    assert "is an operator" in desk.post(page_of(above, "password")).content.decode()
    assert not modes()


# --- The last manager
def test_a_clinic_keeps_a_manager(clinic: Clinic) -> None:
    last = MembershipFactory(clinic=clinic, role="manager")
    with pytest.raises(people.Refused, match="at least one manager"):
        people.check_manager_stays(last, log.Actor(log.Kind.USER, "0"))
    people.change_role(last, "viewer", by=log.command())
    assert modes() == ["made viewer"]


def test_who_is_no_manager_any_more_does_nothing(clinic: Clinic) -> None:
    was, other = (MembershipFactory(clinic=clinic, role="manager") for _ in range(2))
    Membership.objects.filter(pk=was.pk).update(role="viewer")
    by = log.Actor(log.Kind.USER, str(was.user.pk), roles={clinic.pk: "manager"})
    for do in (people.remove, people.renew_password):
        with pytest.raises(people.Refused, match="no manager of this clinic any more"):
            do(other, by=by)
    assert not modes()


# --- The operator
def test_whom_an_operator_adds_can_sign_in(operator: Client) -> None:
    operator.post(f"{USERS}add/", {"username": "maria", **PASSWORDS, **NO_MEMBERSHIPS})
    assert User.objects.get(username="maria").is_staff


def test_the_operators_pages_speak_plainly(operator: Client) -> None:
    maria = UserFactory(username="maria")
    pages = [operator.get(address) for address in (f"{USERS}add/", page_of(maria), f"{USERS}{maria.pk}/password/")]
    for response in pages:
        page = response.content.decode()
        for words in ("Designates", "LDAP", "algorithm", "salt", "hash", "authentication", "unusable"):
            assert words not in page.partition("<main")[2], words
    page = pages[1].content.decode()
    assert page.index("Signing in") < page.index('name="_save"')
    assert "<title>maria | Listenpost</title>" in page


def test_a_new_name_is_logged_without_it(operator: Client, clinic: Clinic) -> None:
    maria = MembershipFactory(clinic=clinic, user__username="maria").user
    form = {"is_active": "on", "is_staff": "on", **NO_MEMBERSHIPS}
    operator.post(page_of(maria), form | {"username": "mia"})
    operator.post(page_of(maria), form | {"username": "mia", "last_name": "Secret"})
    operator.post(page_of(maria), form | {"username": "mia", "last_name": "Secret"})
    assert modes() == ["renamed", "renamed"]
    assert "Secret" not in str(list(AccessEntry.objects.values()))
