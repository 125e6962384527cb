from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from access.models import AccessEntry, Clinic, Membership, User
from tests.admin.conftest import signed_in
from tests.admin.rows import list_of, page_of
from tests.factories import MembershipFactory, UserFactory

NO_MEMBERSHIPS = {"memberships-TOTAL_FORMS": "0", "memberships-INITIAL_FORMS": "0"}
PASSWORDS = {"password1": "quite a long phrase", "password2": "quite a long phrase", "usable_password": "true"}


def test_an_operator_adds_a_person_and_gives_them_a_clinic(operator: Client, clinic: Clinic) -> None:
    added = operator.post(f"{list_of('access_user')}add/", {"username": "maria", **PASSWORDS, **NO_MEMBERSHIPS})
    maria = User.objects.get(username="maria")
    assert (added.status_code, added["Location"]) == (302, page_of(maria))
    assert maria.must_change_password
    form = {
        "username": "maria",
        "first_name": "Maria",
        "is_active": "on",
        "is_staff": "on",
        "memberships-TOTAL_FORMS": "1",
        "memberships-INITIAL_FORMS": "0",
        "memberships-0-clinic": str(clinic.pk),
        "memberships-0-role": "manager",
    }
    assert operator.post(page_of(maria), form).status_code == 302
    maria.refresh_from_db()
    assert (maria.first_name, maria.is_staff, maria.is_superuser) == ("Maria", True, False)
    assert Membership.objects.get(user=maria).role == "manager"


def test_a_membership_ends_and_the_person_stays(operator: Client, clinic: Clinic) -> None:
    membership = MembershipFactory(clinic=clinic)
    form = {
        "username": membership.user.username,
        "is_active": "on",
        "memberships-TOTAL_FORMS": "1",
        "memberships-INITIAL_FORMS": "1",
        "memberships-0-id": str(membership.pk),
        "memberships-0-user": str(membership.user.pk),
        "memberships-0-clinic": str(clinic.pk),
        "memberships-0-role": "viewer",
        "memberships-0-DELETE": "on",
    }
    assert operator.post(page_of(membership.user), form).status_code == 302
    assert not Membership.objects.exists()
    assert User.objects.filter(pk=membership.user.pk).exists()
    assert operator.post(page_of(membership.user, "delete"), {"post": "yes"}).status_code == 403


def test_an_operator_changes_a_clinics_time_zone_to_one_that_exists(operator: Client, clinic: Clinic) -> None:
    form = {"name": "Harbour", "slug": "harbour", "time_zone": "Europe/Lisbon", **NO_MEMBERSHIPS}
    assert operator.post(page_of(clinic), form | {"time_zone": "Mars/Olympus"}).status_code == 200
    assert operator.post(page_of(clinic), form).status_code == 302
    clinic.refresh_from_db()
    assert clinic.time_zone == "Europe/Lisbon"


def test_a_manager_makes_nobody_an_operator(manager: Client) -> None:
    person = UserFactory()
    assert manager.get(page_of(person)).status_code == 403
    assert manager.post(page_of(person), {"username": "x", "is_superuser": "on"}).status_code == 403
    assert not User.objects.filter(is_superuser=True).exists()


# --- What managers do with people of their clinic
ADD = "/admin/access/membership/add/"


def granted() -> list[tuple[str, Any, list[str]]]:
    entries = AccessEntry.objects.filter(action="granted", object_type="user").order_by("pk")
    return [(entry.mode, entry.clinic, entry.object_ids) for entry in entries]


def press(desk: Client, membership: Membership, action: str = "remove") -> list[str]:
    response = desk.post(page_of(membership, "press"), {"action": action, "confirm": "yes"}, follow=True)
    return [str(message) for message in response.context["messages"]]


def test_a_manager_adds_a_person_whose_password_is_shown_once(manager: Client, clinic: Clinic) -> None:
    response = manager.post(ADD, {"username": "maria", "role": "reviewer"})
    page = response.content.decode()
    password = re.findall(r'<textarea id="secret"[^>]*readonly[^>]*>([^<]+)</textarea>', page)[0]
    assert "no-store" in response["Cache-Control"]
    maria = User.objects.get(username="maria")
    assert maria.check_password(password)
    assert (maria.is_staff, maria.is_superuser) == (True, False)
    assert Membership.objects.get(user=maria, clinic=clinic).role == "reviewer"
    assert maria.must_change_password
    assert granted() == [("added as reviewer", clinic, [str(maria.pk)])]
    assert Client().post("/admin/login/", {"username": "maria", "password": password}).status_code == 302


TAKEN = "That name is taken: choose another, or ask the operator to add this person."


def test_a_name_that_somebody_has_is_refused_plainly(manager: Client, other_clinic: Clinic) -> None:
    there = MembershipFactory(clinic=other_clinic, user__username="maria")
    for name in ("maria", "Maria"):
        page = manager.post(ADD, {"username": name, "role": "viewer"}).content.decode()
        assert TAKEN in page
        assert other_clinic.slug not in page
    assert list(there.user.memberships.values_list("clinic", "role")) == [(other_clinic.pk, there.role)]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"username": ""}, "username"),
        ({"username": "a b"}, "username"),
        ({"username": "x" * 151}, "username"),
        ({"username": "a\0b"}, "username"),
        ({"role": "king"}, "role"),
        ({"role": ""}, "role"),
    ],
)
def test_a_person_who_cannot_be_is_refused(manager: Client, values: dict[str, str], field: str) -> None:
    before = User.objects.count()
    response = manager.post(ADD, {"username": "maria", "role": "viewer"} | values)
    assert response.status_code == 200
    assert response.context["form"].errors[field]
    assert User.objects.count() == before


def test_a_manager_changes_a_role_and_removes_a_person(manager: Client, clinic: Clinic, other_clinic: Clinic) -> None:
    here = MembershipFactory(clinic=clinic, role="viewer")
    there = MembershipFactory(clinic=other_clinic, role="viewer", user=here.user)
    assert manager.post(page_of(here, "role"), {"role": "manager"})["Location"] == page_of(here)
    here.refresh_from_db()
    assert here.role == "manager"
    assert manager.post(page_of(here, "role"), {"role": "king"}).context["form"].errors["role"]
    assert press(manager, here) == ["The person sees nothing of the clinic any more."]
    assert list(here.user.memberships.all()) == [there]
    who = [str(here.user.pk)]
    assert granted() == [("made manager", clinic, who), ("removed", clinic, who)]


def test_a_manager_neither_changes_nor_removes_themselves(clinic: Clinic) -> None:
    me = MembershipFactory(clinic=clinic, role="manager")
    desk = signed_in(me.user)
    assert press(desk, me)[0].startswith("Not done: This is you")
    assert "This is you" in desk.post(page_of(me, "role"), {"role": "viewer"}).content.decode()
    me.refresh_from_db()
    assert me.role == "manager"
    assert not granted()


def test_a_manager_does_not_touch_operators(manager: Client, clinic: Clinic) -> None:
    above = MembershipFactory(clinic=clinic, role="viewer", user__is_superuser=True)
    assert page_of(above, "role") not in manager.get(page_of(above)).content.decode()
    assert press(manager, above)[0].startswith("Not done: This person is an operator")
    assert "is an operator" in manager.post(page_of(above, "role"), {"role": "manager"}).content.decode()
    above.refresh_from_db()
    assert above.role == "viewer"


def test_a_role_that_is_taken_away_counts_at_once(clinic: Clinic, manager: Client) -> None:
    colleague = MembershipFactory(clinic=clinic, role="manager")
    desk = signed_in(colleague.user)
    assert desk.get(ADD).status_code == 200
    manager.post(page_of(colleague, "role"), {"role": "viewer"})
    assert desk.get(ADD).status_code == 403
    press(manager, colleague)
    assert desk.get(list_of("notes_note")).status_code == 403


def test_what_an_operator_changes_is_logged(operator: Client, clinic: Clinic, other_clinic: Clinic) -> None:
    held = MembershipFactory(clinic=clinic, role="viewer")
    person, who = held.user, [str(held.user.pk)]
    form = {
        "username": person.username,
        "is_superuser": "on",
        "memberships-TOTAL_FORMS": "2",
        "memberships-INITIAL_FORMS": "1",
        "memberships-0-id": str(held.pk),
        "memberships-0-user": str(person.pk),
        "memberships-0-clinic": str(clinic.pk),
        "memberships-0-role": "manager",
        "memberships-1-user": str(person.pk),
        "memberships-1-clinic": str(other_clinic.pk),
        "memberships-1-role": "reviewer",
    }
    assert operator.post(page_of(person), form).status_code == 302
    assert sorted((mode, place.slug, ids) for mode, place, ids in granted()) == [
        ("added as reviewer", "hill", who),
        ("made manager", "harbour", who),
        ("made operator", "harbour", who),
        ("may not sign in", "harbour", who),
        ("no longer staff", "harbour", who),
    ]
    AccessEntry.objects.all().delete()
    assert operator.post(f"/admin/access/user/{person.pk}/password/", PASSWORDS).status_code == 302
    assert {mode for mode, *_ in granted()} == {"password set"}


def test_a_password_that_an_operator_sets_is_to_be_changed_but_not_their_own(operator: Client) -> None:
    me, person = User.objects.get(), UserFactory()
    for one, is_to_be in ((person, True), (me, False)):
        page = f"/admin/access/user/{one.pk}/password/"
        assert operator.post(page, PASSWORDS).status_code == 302
        one.refresh_from_db()
        assert one.must_change_password is is_to_be


def test_another_change_of_a_person_leaves_that_to_them(operator: Client) -> None:
    for is_to_be in (True, False):
        person = UserFactory(must_change_password=is_to_be)
        form = {"username": person.username, "is_active": "on", "is_staff": "on", **NO_MEMBERSHIPS}
        assert operator.post(page_of(person), form).status_code == 302
        person.refresh_from_db()
        assert person.must_change_password is is_to_be


def test_who_moves_to_another_clinic_leaves_the_first(operator: Client, clinic: Clinic, other_clinic: Clinic) -> None:
    held = MembershipFactory(clinic=clinic, role="viewer")
    form = {
        "username": held.user.username,
        "is_active": "on",
        "is_staff": "on",
        "memberships-TOTAL_FORMS": "1",
        "memberships-INITIAL_FORMS": "1",
        "memberships-0-id": str(held.pk),
        "memberships-0-user": str(held.user.pk),
        "memberships-0-clinic": str(other_clinic.pk),
        "memberships-0-role": "viewer",
    }
    operator.post(page_of(held.user), form)
    assert [(mode, place.slug) for mode, place, _ in granted()] == [("removed", "harbour"), ("added as viewer", "hill")]
