"""Signing in, how long it lasts, and what the access log says of it."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.password_validation import validate_password
from django.contrib.sessions.models import Session
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from access import tasks
from access.models import AccessEntry, Clinic, Membership, User
from access.signin import sessions
from config.celery import app
from tests.admin.rows import page_of
from tests.admin.signin import LOGIN, Browser
from tests.factories import PASSWORD, MembershipFactory, UserFactory

NOTES = "/admin/notes/note/?state=needs_review"

pytestmark = pytest.mark.usefixtures("quick_hashes")


@pytest.fixture
def person(clinic: Clinic) -> User:
    made: User = MembershipFactory(clinic=clinic, role="viewer", user__username="maria").user
    return made


@pytest.fixture
def browser(person: User) -> Browser:
    signed_in = Browser()
    signed_in.sign_in(person.username)
    return signed_in


def log(*actions: str) -> list[tuple[Any, ...]]:
    entries = AccessEntry.objects.filter(action__in=actions).order_by("id")
    return [(entry.actor_kind, entry.actor_id, entry.clinic_id, entry.reason) for entry in entries]


def idle(seconds: int) -> None:
    Session.objects.update(expire_date=timezone.now() + timedelta(seconds=900 - seconds))


def asked_again(response: Any) -> dict[str, list[str]]:
    """What the address of the sign-in page says."""
    assert response.status_code == 302
    assert urlsplit(response["Location"]).path == LOGIN
    return parse_qs(urlsplit(response["Location"]).query)


# --- Signing in and out


def test_a_person_signs_in_and_comes_to_the_page_they_wanted(person: User) -> None:
    browser = Browser()
    wanted = browser.get(NOTES)
    page = browser.get(wanted["Location"]).content.decode()
    assert "You were signed out" not in page
    done = browser.sign_in(person.username, page=wanted["Location"])
    assert (done.status_code, done["Location"]) == (302, NOTES)
    assert browser.get(NOTES).status_code == 200


def test_it_is_logged_for_each_clinic_of_the_person(person: User, other_clinic: Clinic) -> None:
    MembershipFactory(user=person, clinic=other_clinic, role="manager")
    browser = Browser()
    browser.sign_in(person.username)
    browser.fill("/admin/", {})
    token = browser.cookies["csrftoken"].value
    browser.post("/admin/logout/", {"csrfmiddlewaretoken": token})
    assert not browser.is_signed_in()
    for action in ("signed_in", "signed_out"):
        entries = AccessEntry.objects.filter(action=action)
        assert {entry.clinic.slug: entry.role for entry in entries} == {"harbour": "viewer", "hill": "manager"}
        assert {(entry.actor_id, entry.object_type, *entry.object_ids) for entry in entries} == {
            (str(person.pk), "user", str(person.pk))
        }
        assert {entry.address for entry in entries} == {"127.0.0.1"}


def test_an_operator_without_a_clinic_is_logged_under_none(db: None) -> None:
    operator = UserFactory(is_superuser=True)
    Browser().sign_in(operator.username)
    entry = AccessEntry.objects.get(action="signed_in")
    assert (entry.clinic, entry.role, entry.actor_id) == (None, "operator", str(operator.pk))


def test_a_failure_is_logged_under_the_persons_clinics(person: User, other_clinic: Clinic) -> None:
    MembershipFactory(user=person, clinic=other_clinic)
    Browser().sign_in(person.username, "not it")
    clinics = set(Membership.objects.values_list("clinic", flat=True))
    assert set(log("refused")) == {("user", str(person.pk), clinic, "sign_in_failed") for clinic in clinics}
    assert not log("signed_in")


def test_a_name_that_nobody_has_is_logged_and_written_nowhere(person: User, caplog: pytest.LogCaptureFixture) -> None:
    Browser().sign_in("my-secret-typed-into-the-wrong-field", "x")
    assert log("refused") == [("nobody", "", None, "sign_in_failed")]
    assert "secret-typed" not in everything_kept() + caplog.text


def everything_kept() -> str:
    from django.apps import apps

    tables = (model._default_manager.values_list() for model in apps.get_models() if model._meta.managed)
    return "\n".join(str(list(rows)) for rows in tables)


@pytest.mark.parametrize("flaw", [{"is_staff": False}, {"is_active": False}])
def test_who_may_not_sign_in_is_answered_as_if_the_password_were_wrong(person: User, flaw: dict[str, bool]) -> None:
    wrong = Browser().sign_in(person.username, "not it")
    User.objects.filter(pk=person.pk).update(**flaw)
    right = Browser().sign_in(person.username, PASSWORD)
    assert right.status_code == wrong.status_code == 200
    assert without_token(right) == without_token(wrong)
    assert "The name, the password or the code is not right." in right.content.decode()


def without_token(response: Any) -> str:
    return "\n".join(line for line in response.content.decode().splitlines() if "csrfmiddlewaretoken" not in line)


def test_what_a_person_may_not_see_is_a_refused_entry(browser: Browser, person: User, clinic: Clinic) -> None:
    assert browser.get("/admin/access/clinic/").status_code == 403
    assert log("refused") == [("user", str(person.pk), clinic.pk, "not_allowed")]


def test_a_form_without_its_token_is_a_refused_entry(browser: Browser, person: User, clinic: Clinic) -> None:
    page = browser.post("/admin/password_change/", {"old_password": PASSWORD})
    assert page.status_code == 403
    assert "Nothing was changed" in page.content.decode()
    assert log("refused") == [("user", str(person.pk), clinic.pk, "csrf")]
    assert Browser().post(LOGIN, {"username": "x", "password": "y"}).status_code == 403
    assert log("refused")[1:] == [("nobody", "", None, "csrf")]


def test_a_refusal_of_somebody_with_two_clinics_is_of_neither(browser: Browser, other_clinic: Clinic) -> None:
    MembershipFactory(user=User.objects.get(), clinic=other_clinic)
    browser.get("/admin/access/clinic/")
    assert [entry[2] for entry in log("refused")] == [None]


# --- How long it lasts


def test_a_session_ends_after_a_while_without_a_click_and_leads_back(browser: Browser, person: User) -> None:
    idle(899)
    assert browser.get(NOTES).status_code == 200
    idle(901)
    asked = asked_again(browser.get(NOTES))
    assert asked == {"next": [NOTES], "ended": ["idle"]}
    page = f"{LOGIN}?next={NOTES}&ended=idle"
    assert "You were signed out after 15 minutes without a click." in browser.get(page).content.decode()
    assert browser.sign_in(person.username, page=page)["Location"] == NOTES


def test_each_click_begins_the_time_anew_but_what_a_page_asks_by_itself_does_not(browser: Browser) -> None:
    idle(800)
    browser.get(NOTES, headers={"X-Poll": "1"})
    assert Session.objects.get().expire_date < timezone.now() + timedelta(seconds=110)
    browser.get(NOTES)
    assert Session.objects.get().expire_date > timezone.now() + timedelta(seconds=890)


def test_the_idle_time_is_a_setting(settings: Settings, browser: Browser) -> None:
    settings.SESSION_COOKIE_AGE = 60
    browser.get(NOTES)
    assert Session.objects.get().expire_date < timezone.now() + timedelta(seconds=61)
    assert "after 1 minute without" in Client().get(f"{LOGIN}?ended=idle").content.decode()


def test_nobody_stays_signed_in_for_ever(browser: Browser, person: User) -> None:
    set_began(browser, time.time() - 12 * 3600 + 60)
    assert browser.get(NOTES).status_code == 200
    set_began(browser, time.time() - 12 * 3600 - 1)
    asked = asked_again(browser.get(NOTES))
    assert asked == {"next": [NOTES], "ended": ["longest"]}
    assert "nobody stays signed in for more than 12 hours" in Client().get(f"{LOGIN}?ended=longest").content.decode()
    assert not Session.objects.exists()
    assert [entry[1] for entry in log("signed_out")] == [str(person.pk)]
    browser.sign_in(person.username)
    assert browser.is_signed_in()


def set_began(browser: Browser, began: float) -> None:
    session = browser.session
    session[sessions.BEGAN] = began
    session.save()


def test_a_form_sent_too_late_leads_back_to_its_page(browser: Browser, clinic: Clinic) -> None:
    idle(901)
    page = "http://testserver/admin/notes/note/7/change/?a=b#c"
    token = browser.cookies["csrftoken"].value
    sent = browser.post("/admin/notes/note/7/press/", {"csrfmiddlewaretoken": token}, headers={"Referer": page})
    assert asked_again(sent)["next"] == ["/admin/notes/note/7/change/?a=b"]


def test_another_sites_page_is_not_led_back_to(browser: Browser) -> None:
    idle(901)
    token = browser.cookies["csrftoken"].value
    sent = browser.post(
        "/admin/notes/note/7/press/", {"csrfmiddlewaretoken": token}, headers={"Referer": "http://evil.example/x"}
    )
    assert asked_again(sent)["next"] == ["/admin/"]
    done = browser.sign_in("maria", page=f"{LOGIN}?next=//evil.example/")
    assert done["Location"] == "/admin/"


def test_a_piece_of_a_page_is_not_replaced_by_the_sign_in_page(browser: Browser) -> None:
    idle(901)
    headers = {"HX-Request": "true", "HX-Current-URL": f"http://testserver{NOTES}"}
    piece = browser.get("/admin/notes/note/7/change/", headers=headers)
    assert (piece.status_code, piece.content) == (200, b"")
    assert urlsplit(piece["HX-Redirect"]).path == LOGIN
    assert parse_qs(urlsplit(piece["HX-Redirect"]).query) == {"next": [NOTES], "ended": ["idle"]}


def test_only_known_reasons_are_said(db: None) -> None:
    page = Client().get(f"{LOGIN}?ended=<b>give me your password</b>").content.decode()
    assert "lp-remark" not in page
    assert "give me" not in page.replace("%3Cb%3Egive%20me", "").split('id="login-form"')[0]


def test_a_new_password_ends_the_persons_other_sessions(browser: Browser, person: User) -> None:
    person.set_password("another long phrase")
    person.save()
    asked = asked_again(browser.get(NOTES))
    assert "ended" not in asked


def test_what_has_ended_is_removed(browser: Browser) -> None:
    tasks.clear_sessions()
    assert Session.objects.count() == 1
    idle(901)
    tasks.clear_sessions()
    assert not Session.objects.exists()


def test_that_is_done_daily_as_a_chore(settings: Settings) -> None:
    task = settings.CELERY_BEAT_SCHEDULE["clear_sessions"]["task"]
    assert app.tasks[task].name == tasks.clear_sessions.name
    assert settings.CELERY_TASK_ROUTES[task]["queue"] == "chores"


def test_a_page_left_alone_is_left_by_its_script(browser: Browser) -> None:
    page = browser.get("/admin/").content.decode()
    assert 'session.js" data-idle="900" data-awake="/admin/jsi18n/" defer' in page
    idle(800)
    assert browser.head("/admin/jsi18n/").status_code == 200
    assert Session.objects.get().expire_date > timezone.now() + timedelta(seconds=890)
    assert "session.js" not in Client().get(LOGIN).content.decode()


# --- Passwords

WEAK = {
    "elevenchars": "at least 12",
    "password1234": "too common",
    "837465920183": "entirely numeric",
    "maria-fernandez": "too similar",
    "aaaaaaaaaaaa": "repeats",
    "abcabcabcabca": "repeats",
    "Passw0rdpassw0rd": "repeats",
}


@pytest.mark.parametrize("password", WEAK)
def test_weak_passwords_are_refused_with_a_reason(password: str) -> None:
    maria = User(username="maria", first_name="Maria", last_name="Fernandez")
    with pytest.raises(ValidationError) as refused:
        validate_password(password, maria)
    assert WEAK[password] in " ".join(refused.value.messages)


@pytest.mark.parametrize("password", [PASSWORD, "quite a long phrase", "kiwi-7Fra9-tulp", "abababab-and-more"])
def test_others_are_taken(password: str) -> None:
    validate_password(password, User(username="maria", first_name="Maria", last_name="Fernandez"))


PASSWORD_PAGE = "/admin/password_change/"
OWN = "a phrase that is mine alone"


def change_password(browser: Browser, old: str, new: str) -> Any:
    return browser.fill(PASSWORD_PAGE, {"old_password": old, "new_password1": new, "new_password2": new})


def password_log() -> list[tuple[Any, ...]]:
    entries = AccessEntry.objects.filter(action="granted", mode__startswith="password").order_by("id")
    return [(entry.mode, entry.actor_id, entry.clinic_id, *entry.object_ids) for entry in entries]


def test_ones_own_change_is_logged_and_keeps_this_session(browser: Browser, person: User, clinic: Clinic) -> None:
    assert change_password(browser, "not it, not at all", OWN).status_code == 200
    assert not password_log()
    assert change_password(browser, PASSWORD, OWN)["Location"] == f"{PASSWORD_PAGE}done/"
    assert password_log() == [("password changed", str(person.pk), clinic.pk, str(person.pk))]
    assert browser.is_signed_in()


def test_the_same_one_again_is_no_change(browser: Browser, person: User) -> None:
    assert "the password that you have" in change_password(browser, PASSWORD, PASSWORD).content.decode()
    assert not password_log()


def test_what_somebody_else_chose_opens_nothing_but_its_change(browser: Browser, person: User) -> None:
    User.objects.update(must_change_password=True)
    for page in ("/", "/admin/", NOTES, "/admin/second-factor/", LOGIN, f"{PASSWORD_PAGE}done/", "/admin/nothing/"):
        assert browser.get(page)["Location"] == PASSWORD_PAGE
    page = browser.get(PASSWORD_PAGE).content.decode()
    assert "Somebody else chose your password" in page
    assert browser.head("/admin/jsi18n/").status_code == 200  # what the script of the page asks
    assert change_password(browser, PASSWORD, PASSWORD).status_code == 200
    assert not browser.is_signed_in()
    assert change_password(browser, PASSWORD, OWN).status_code == 302
    assert browser.is_signed_in()
    assert "Somebody else" not in browser.get(PASSWORD_PAGE).content.decode()


def test_before_that_one_may_sign_out(browser: Browser, person: User) -> None:
    User.objects.update(must_change_password=True)
    browser.get(PASSWORD_PAGE)
    token = browser.cookies["csrftoken"].value
    assert browser.post("/admin/logout/", {"csrfmiddlewaretoken": token}).status_code == 200
    assert "_auth_user_id" not in browser.session


def test_a_second_factor_is_asked_for_after_it(browser: Browser, person: User, settings: Settings) -> None:
    settings.SECOND_FACTOR = "required"
    User.objects.update(must_change_password=True)
    assert browser.get("/admin/")["Location"] == PASSWORD_PAGE
    change_password(browser, PASSWORD, OWN)
    assert browser.get("/admin/")["Location"] == "/admin/second-factor/"


def test_an_operator_cannot_give_a_weak_one(operator: Client, person: User) -> None:
    page = page_of(person).replace("change", "password")
    weak = {"password1": "aaaaaaaaaaaa", "password2": "aaaaaaaaaaaa", "usable_password": "true"}
    assert "repeats one piece" in operator.post(page, weak).content.decode()


def test_wrong_old_passwords_count_as_failed_sign_ins(browser: Browser, person: User) -> None:
    answers = [change_password(browser, f"a guess, number {tries}", OWN).status_code for tries in range(5)]
    assert answers == [200, 200, 200, 200, 429]
    page = change_password(browser, PASSWORD, OWN)
    assert "too many wrong passwords" in page.content.decode()


@pytest.mark.parametrize("address", ["http://[bad", "http://a]b", "//[::1", "http://x:99999999"])
def test_a_page_that_is_no_address_leads_to_the_front(client: Client, db: None, address: str) -> None:
    assert client.get(NOTES, headers={"HX-Request": "true", "HX-Current-URL": address}).status_code in (200, 204, 302)
