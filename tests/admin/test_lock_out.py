"""After repeated failures a name is locked for a while, whoever has it, and whether anybody has."""

from __future__ import annotations

import time
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.core.management import CommandError, call_command
from django.db.models import F
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from access import refusals, tasks
from access.models import AccessEntry, Clinic, User
from tests.admin.rows import page_of
from tests.admin.signin import Browser, set_up, wrong_code
from tests.factories import PASSWORD, MembershipFactory, UserFactory

pytestmark = pytest.mark.usefixtures("quick_hashes")


@pytest.fixture
def person(clinic: Clinic) -> User:
    made: User = MembershipFactory(clinic=clinic, user__username="maria").user
    return made


def fail(times: int, username: str = "maria", **options: Any) -> list[int]:
    return [Browser(**options).sign_in(username, f"wrong {number}").status_code for number in range(times)]


def later(seconds: int) -> None:
    AccessAttempt.objects.update(attempt_time=F("attempt_time") - timedelta(seconds=seconds))


def test_the_fifth_failure_locks_and_the_right_password_does_not_open(person: User) -> None:
    assert fail(5) == [200, 200, 200, 200, 429]
    assert Browser().sign_in("maria").status_code == 429
    later(899)
    assert Browser().sign_in("maria").status_code == 429
    later(2)
    assert Browser().sign_in("maria").status_code == 302


def test_the_page_says_how_long(person: User) -> None:
    fail(5)
    later(290)
    page = Browser().sign_in("maria")
    assert 605 <= int(page["Retry-After"]) <= 610
    assert "Try again in <strong>11 minutes</strong>" in page.content.decode()
    assert "no-store" in page["Cache-Control"]


def test_trying_on_does_not_make_it_longer(person: User) -> None:
    fail(5)
    later(600)
    assert fail(3) == [429] * 3
    later(301)
    assert Browser().sign_in("maria").status_code == 302


def test_it_is_by_name_and_not_by_address_or_browser(person: User) -> None:
    UserFactory(username="paul")
    for number in range(5):
        headers = {"User-Agent": f"browser {number}"}
        Browser(headers=headers, REMOTE_ADDR=f"192.0.2.{number}").sign_in("maria", "wrong")
    assert Browser().sign_in("maria").status_code == 429
    assert Browser().sign_in("paul").status_code == 302


def test_signing_in_forgets_the_failures_before(person: User) -> None:
    for _ in range(3):
        assert fail(4) == [200] * 4
        assert Browser().sign_in("maria").status_code == 302


def test_a_name_that_nobody_has_locks_just_the_same(person: User) -> None:
    assert fail(6, "nobody") == fail(6) == [200, 200, 200, 200, 429, 429]
    pages = [Browser().sign_in(name, "wrong") for name in ("nobody", "maria")]
    assert pages[0].content == pages[1].content
    assert all(890 <= int(page["Retry-After"]) <= 900 for page in pages)


def test_another_spelling_is_another_name(person: User) -> None:
    assert fail(5, "Maria")[-1] == 429
    assert Browser().sign_in("maria").status_code == 302


def test_wrong_codes_count_like_wrong_passwords(person: User) -> None:
    browser = Browser()
    browser.sign_in("maria")
    set_up(browser, person)
    wrong = wrong_code(person)
    tries = [("wrong", wrong), (PASSWORD, wrong), (PASSWORD, ""), (PASSWORD, "aaaa-bbbb"), (PASSWORD, wrong)]
    answers = [Browser().sign_in("maria", password, code).status_code for password, code in tries]
    assert answers == [200, 200, 200, 200, 429]


def knocks() -> dict[str, list[int]]:
    """For how many knocks each row stands, by reason."""
    found: dict[str, list[int]] = {}
    for reason, times in AccessEntry.objects.filter(action="refused").order_by("pk").values_list("reason", "times"):
        found.setdefault(reason, []).append(times)
    return found


def test_it_is_logged_once_a_minute_how_often_somebody_knocked(person: User, clinic: Clinic) -> None:
    fail(8)
    assert knocks() == {"sign_in_failed": [1], "sign_in_locked": [1]}
    refusals.flush(time.monotonic() + refusals.QUIET_SECONDS + 1)
    assert knocks() == {"sign_in_failed": [1, 4], "sign_in_locked": [1, 2]}
    refused = AccessEntry.objects.filter(action="refused")
    assert set(refused.values_list("actor_id", "clinic")) == {(str(person.pk), clinic.pk)}


def test_nothing_that_was_typed_is_kept(person: User) -> None:
    Browser().sign_in("typed-into-the-wrong-field", "typed-password", "typed-code")
    Browser().sign_in("maria", "typed-password", "typed-code")
    rows = str(list(AccessAttempt.objects.values_list()))
    assert "typed" not in rows
    names = AccessAttempt.objects.values_list("username", flat=True)
    assert {name.split()[0] for name in names} == {"maria", "unknown"}
    Browser().sign_in("maria")
    assert not AccessLog.objects.exists()
    assert not AccessFailureLog.objects.exists()


def test_the_numbers_are_settings(settings: Settings, person: User) -> None:
    settings.AXES_FAILURE_LIMIT, settings.AXES_COOLOFF_TIME = 2, timedelta(seconds=60)
    assert fail(2) == [200, 429]
    assert "1 minute<" in Browser().sign_in("maria").content.decode()
    later(61)
    assert Browser().sign_in("maria").status_code == 302


def test_an_operator_lifts_it_on_the_persons_page(operator: Client, person: User, manager: Client) -> None:
    page, button = page_of(person), f"/admin/access/user/{person.pk}/sign-in/"
    assert "Not locked" in operator.get(page).content.decode()
    fail(5)
    shown = operator.get(page).content.decode()
    assert "locked until" in shown
    assert f'action="{button}"' in shown
    assert manager.post(button, {"action": "lift"}).status_code == 403
    assert Browser().sign_in("maria").status_code == 429
    assert operator.post(button, {"action": "lift"})["Location"] == page
    assert Browser().sign_in("maria").status_code == 302
    entry = AccessEntry.objects.get(action="granted", mode="lock lifted")
    assert (entry.object_type, entry.object_ids, entry.role) == ("user", [str(person.pk)], "operator")
    assert entry.clinic == person.memberships.get().clinic


def test_the_button_does_nothing_else(operator: Client, person: User) -> None:
    button = f"/admin/access/user/{person.pk}/sign-in/"
    assert operator.get(button).status_code == 405
    assert operator.post(button, {"action": "delete"}).status_code == 403
    assert operator.post("/admin/access/user/0/sign-in/", {"action": "lift"}).status_code == 404
    operator.post(button, {"action": "lift"})
    assert not AccessEntry.objects.filter(action="granted").exists()


def test_an_operators_command_lifts_it(person: User, clinic: Clinic) -> None:
    fail(5)
    call_command("unlock", "maria", stderr=StringIO())
    assert Browser().sign_in("maria").status_code == 302
    entry = AccessEntry.objects.get(action="granted", mode="lock lifted")
    assert (entry.actor_kind, entry.object_ids, entry.clinic) == ("command", [str(person.pk)], clinic)


def test_the_command_says_when_there_is_nothing_to_lift(person: User) -> None:
    said = StringIO()
    call_command("unlock", "maria", stderr=said)
    assert said.getvalue() == "No failures of maria are counted.\n"
    with pytest.raises(CommandError, match="nobody of that name"):
        call_command("unlock", "paul")
    assert not AccessEntry.objects.filter(action="granted").exists()


def test_old_failures_are_removed(person: User) -> None:
    fail(5)
    tasks.clear_sessions()
    assert AccessAttempt.objects.count() == 1
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(seconds=901))
    tasks.clear_sessions()
    assert not AccessAttempt.objects.exists()


def test_the_librarys_own_pages_are_not_there(operator: Client) -> None:
    for page in ("axes/accessattempt/", "otp_totp/totpdevice/", "otp_static/staticdevice/"):
        assert operator.get(f"/admin/{page}").status_code == 404
