from __future__ import annotations

from django.test import Client

from access.models import Clinic, Membership, User
from tests.admin.rows import list_of, page_of
from tests.factories import MembershipFactory, UserFactory

NO_MEMBERSHIPS = {"memberships-TOTAL_FORMS": "0", "memberships-INITIAL_FORMS": "0"}
PASSWORDS = {"password1": "quite a long phrase", "password2": "quite a long phrase", "usable_password": "true"}


def test_an_operator_adds_a_person_and_gives_them_a_clinic(operator: Client, clinic: Clinic) -> None:
    added = operator.post(f"{list_of('access_user')}add/", {"username": "maria", **PASSWORDS, **NO_MEMBERSHIPS})
    maria = User.objects.get(username="maria")
    assert (added.status_code, added["Location"]) == (302, page_of(maria))
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
