"""A code besides the password: set up, asked for, never twice the same, and removed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import Any

import pytest
from django.test import Client
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice
from pytest_django import Settings

from access.models import AccessEntry, Clinic, User
from config.installation import ROOT
from tests.admin.rows import page_of
from tests.admin.signin import FACTOR, LOGIN, Browser, code_of, forget_used_codes, set_up, wrong_code
from tests.factories import PASSWORD, MembershipFactory

pytestmark = pytest.mark.usefixtures("quick_hashes")


@pytest.fixture
def person(clinic: Clinic) -> User:
    made: User = MembershipFactory(clinic=clinic, user__username="maria").user
    return made


@pytest.fixture
def browser(person: User) -> Browser:
    signed_in = Browser()
    signed_in.sign_in("maria")
    return signed_in


@pytest.fixture
def codes(browser: Browser, person: User) -> list[str]:
    return set_up(browser, person)


def opens(code: str) -> bool:
    response = Browser().sign_in("maria", code=code)
    assert response.status_code in (200, 302)
    return response.status_code == 302


def granted() -> list[tuple[Any, ...]]:
    entries = AccessEntry.objects.filter(action="granted").order_by("id")
    return [(entry.mode, entry.actor_id, entry.clinic.slug, *entry.object_ids) for entry in entries]


# --- Setting it up


def test_the_page_shows_the_secret_as_a_picture_and_in_letters(browser: Browser, person: User) -> None:
    assert f'href="{FACTOR}"' in browser.get("/admin/").content.decode()
    page = browser.get(FACTOR).content.decode()
    assert re.search(r'<img class="lp-picture" src="data:image/svg\+xml[^"]+" alt="[^"]+">', page)
    assert re.search(r"<code class=\"lp-letters\">([A-Z2-7]{4} ){7}[A-Z2-7]{4}</code>", page)
    assert TOTPDevice.objects.get(user=person).confirmed is False
    assert opens("")


def test_a_right_code_sets_it_up_and_shows_recovery_codes_once(browser: Browser, person: User) -> None:
    codes = set_up(browser, person)
    assert len(set(codes)) == 10
    page = browser.get(FACTOR).content.decode()
    assert "10 recovery codes are left" in page
    assert not any(code in page for code in codes)
    assert granted() == [("second factor added", str(person.pk), "harbour", str(person.pk))]
    assert browser.is_signed_in()


def test_a_wrong_code_sets_nothing_up_and_keeps_the_secret(browser: Browser, person: User) -> None:
    browser.get(FACTOR)
    secret = TOTPDevice.objects.get(user=person).key
    token = browser.cookies["csrftoken"].value
    page = browser.post(
        FACTOR, {"password": PASSWORD, "code": wrong_code(person), "csrfmiddlewaretoken": token}
    ).content.decode()
    assert "This is not the code" in page
    assert TOTPDevice.objects.get(user=person).key == secret
    assert not TOTPDevice.objects.filter(confirmed=True).exists()
    assert not granted()


def test_each_visit_begins_with_a_fresh_secret(browser: Browser, person: User) -> None:
    seen = set()
    for _ in range(2):
        browser.get(FACTOR)
        seen.add(TOTPDevice.objects.get(user=person).key)
    assert len(seen) == 2


def test_the_page_needs_somebody_signed_in_and_a_token(browser: Browser) -> None:
    assert Client().get(FACTOR)["Location"].startswith(LOGIN)
    assert browser.post(FACTOR, {"code": "123456"}).status_code == 403
    token = browser.cookies["csrftoken"].value
    assert browser.put(FACTOR, headers={"X-CSRFToken": token}).status_code == 405


def test_sessions_that_no_code_has_opened_end(person: User) -> None:
    elsewhere, browser = Browser(), Browser()
    for one in (elsewhere, browser):
        one.sign_in("maria")
    set_up(browser, person)
    assert not elsewhere.is_signed_in()
    assert browser.is_signed_in()


# --- Signing in with it


def test_signing_in_takes_a_code(codes: list[str], person: User) -> None:
    assert not opens("")
    assert not opens(wrong_code(person))
    forget_used_codes(person)
    assert opens(code_of(person))


def test_codes_may_be_typed_as_they_are_shown(codes: list[str], person: User) -> None:
    code = code_of(person)
    assert opens(f" {code[:3]} {code[3:]} ")
    assert opens(codes[0].upper())


def test_a_code_opens_once(codes: list[str], person: User) -> None:
    code = code_of(person)
    assert opens(code)
    assert not opens(code)


def test_a_recovery_code_opens_once(codes: list[str], person: User) -> None:
    assert opens(codes[3])
    assert not opens(codes[3])
    assert StaticToken.objects.filter(device__user=person).count() == 9


def test_another_persons_codes_open_nothing(codes: list[str], clinic: Clinic) -> None:
    paul = MembershipFactory(clinic=clinic, user__username="paul").user
    other = Browser()
    other.sign_in("paul")
    theirs = set_up(other, paul)
    assert not opens(code_of(paul))
    assert not opens(theirs[0])


def test_the_answer_does_not_tell_whether_the_password_was_right(codes: list[str], person: User) -> None:
    wrong = wrong_code(person)
    answers = {shown(Browser().sign_in("maria", password, code)) for password, code in (("no", ""), (PASSWORD, ""))}
    assert len(answers) == 1
    assert shown(Browser().sign_in("maria", "no", wrong)) == shown(Browser().sign_in("maria", PASSWORD, wrong))


def shown(response: Any) -> str:
    page = response.content.decode()
    assert response.status_code == 200
    return re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", page)


def test_whoever_has_none_needs_none(person: User) -> None:
    assert opens("")
    assert opens("123456")


# --- Removing it


def test_removing_takes_password_and_code(browser: Browser, codes: list[str], person: User) -> None:
    for password, code in (("no", codes[0]), (PASSWORD, "nope"), (PASSWORD, "")):
        assert browser.fill(FACTOR, {"password": password, "code": code}).status_code == 200
        assert TOTPDevice.objects.filter(user=person).exists()
    forget_used_codes(person)
    done = browser.fill(FACTOR, {"password": PASSWORD, "code": code_of(person)})
    assert (done.status_code, done["Location"]) == (302, FACTOR)
    assert not TOTPDevice.objects.filter(user=person).exists()
    assert not StaticToken.objects.exists()
    assert "removed" in browser.get(FACTOR).content.decode()
    assert [entry[0] for entry in granted()] == ["second factor added", "second factor removed"]
    assert opens("")


def test_guessing_there_locks_too(browser: Browser, codes: list[str]) -> None:
    answers = [browser.fill(FACTOR, {"password": "no", "code": "123456"}).status_code for _ in range(5)]
    assert answers == [200, 200, 200, 200, 429]


def test_an_operator_removes_a_lost_one(operator: Client, manager: Client, codes: list[str], person: User) -> None:
    button = f"/admin/access/user/{person.pk}/sign-in/"
    assert "Remove the second factor" in operator.get(page_of(person)).content.decode()
    assert manager.post(button, {"action": "remove"}).status_code == 403
    assert operator.post(button, {"action": "remove"}).status_code == 302
    assert opens("")
    mode, actor, clinic, about = granted()[-1]
    assert (mode, clinic, about) == ("second factor removed", "harbour", str(person.pk))
    assert actor != str(person.pk)
    assert "Remove the second factor" not in operator.get(page_of(person)).content.decode()


def remove_as(operator: Client, person: User) -> None:
    operator.post(f"/admin/access/user/{person.pk}/sign-in/", {"action": "remove"})


def test_sessions_of_a_factor_that_an_operator_removed_end(operator: Client, codes: list[str], person: User) -> None:
    stolen, by_recovery = Browser(), Browser()
    stolen.sign_in("maria", code=code_of(person))
    by_recovery.sign_in("maria", code=codes[0])
    assert stolen.is_signed_in()
    assert by_recovery.is_signed_in()
    remove_as(operator, person)
    fresh = Browser()
    fresh.sign_in("maria")
    set_up(fresh, person)
    assert not stolen.is_signed_in()
    assert not by_recovery.is_signed_in()
    assert fresh.is_signed_in()


def test_they_end_at_once_and_so_do_those_of_before_it(operator: Client, person: User) -> None:
    before, browser = Browser(), Browser()
    for one in (before, browser):
        one.sign_in("maria")
    set_up(browser, person)
    remove_as(operator, person)
    assert not before.is_signed_in()
    assert not browser.is_signed_in()


def test_removing_ones_own_ends_the_others_alone(browser: Browser, codes: list[str], person: User) -> None:
    elsewhere = Browser()
    elsewhere.sign_in("maria", code=codes[0])
    browser.fill(FACTOR, {"password": PASSWORD, "code": codes[1]})
    assert browser.is_signed_in()
    assert not elsewhere.is_signed_in()
    set_up(browser, person)
    assert browser.is_signed_in()


def test_a_session_names_the_device_that_is_set_up(browser: Browser, codes: list[str], clinic: Clinic) -> None:
    paul = MembershipFactory(clinic=clinic, user__username="paul").user
    theirs = TOTPDevice.objects.create(user=paul, confirmed=True)
    for device in (theirs.persistent_id, "otp_totp.totpdevice/0", "no.such/thing", "x"):
        session = browser.session
        before = session["otp_device_id"]
        session["otp_device_id"] = device
        session.save()
        assert not browser.is_signed_in()
        browser.sign_in("maria", code=codes.pop())
        assert before


# --- Required of everybody


@pytest.fixture
def required(settings: Settings) -> None:
    settings.SECOND_FACTOR = "required"


def test_whoever_has_none_is_led_to_setting_it_up_and_nowhere_else(browser: Browser, required: None) -> None:
    for page in ("/admin/", "/admin/notes/note/", "/admin/password_change/", "/admin/nothing/"):
        assert browser.get(page)["Location"] == FACTOR
    assert browser.head("/admin/jsi18n/").status_code == 200  # what the page's script asks while somebody types
    assert browser.get(FACTOR).status_code == 200
    token = browser.cookies["csrftoken"].value
    assert browser.post("/admin/notes/note/", {"csrfmiddlewaretoken": token})["Location"] == FACTOR
    assert browser.post("/admin/logout/", {"csrfmiddlewaretoken": token}).status_code == 200


def test_rest_is_for_programs_and_not_led_anywhere(browser: Browser, required: None) -> None:
    assert browser.get("/api/docs").status_code == 200
    assert browser.get("/api/v1/notes").status_code == 401


def test_with_it_everything_is_open(browser: Browser, person: User, required: None) -> None:
    set_up(browser, person)
    assert browser.is_signed_in()
    fresh = Browser()
    fresh.sign_in("maria", code=code_of(person))
    assert fresh.is_signed_in()


def test_once_it_is_removed_the_way_leads_back_there(browser: Browser, person: User, required: None) -> None:
    set_up(browser, person)
    browser.fill(FACTOR, {"password": PASSWORD, "code": code_of(person)})
    assert browser.get("/admin/")["Location"] == FACTOR


def test_a_start_with_another_word_ends_with_a_reason() -> None:
    command = [sys.executable, "-c", "import config.settings"]
    env = os.environ | {"SECOND_FACTOR": "maybe"}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "SECOND_FACTOR must be optional or required" in done.stderr


def test_who_is_not_signed_in_sees_the_sign_in_page(required: None, db: None) -> None:
    assert Client().get(LOGIN).status_code == 200
    assert Client().get("/admin/")["Location"].startswith(LOGIN)


def test_setting_it_up_takes_the_password_and_wrong_ones_count(browser: Browser, person: User) -> None:
    browser.get(FACTOR)
    for tries in range(5):
        answer = browser.fill(FACTOR, {"password": f"not mine {tries}", "code": code_of(person)})
    assert answer.status_code == 429
    assert not TOTPDevice.objects.filter(user=person, confirmed=True).exists()
