"""A real browser before a real web process. Each test has a clinic of its own, whose rows stay; nothing needs cleaning.

The browser and the web process serve this folder alone: as long as Playwright runs, asyncio takes this thread for one
that is inside a loop, and other folders' tests would not get one of their own.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connections
from django.urls import reverse
from playwright.sync_api import Browser, expect, sync_playwright

from access.models import Clinic, User
from config.embedded import APPLICATION
from tests.browser.desk import PATIENCE, Desk
from tests.browser.web import serving
from tests.factories import ClinicFactory, MembershipFactory


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    assert chromium, "tests in a browser need Chromium: sudo apt install chromium"
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        expect.set_options(timeout=PATIENCE)
        browser = playwright.chromium.launch(executable_path=chromium)
        yield browser
        browser.close()
        connections.close_all()  # those of this loop: Django opens others where there is none


@pytest.fixture(scope="package")
def web(django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the web process."""
    with django_db_blocker.unblock():
        call_command("grant_application", APPLICATION)
    with serving(tmp_path_factory.mktemp("browser")) as url:
        yield url


@pytest.fixture(autouse=True)
def rows(web: str, django_db_blocker: Any) -> Iterator[None]:
    """What the test writes is committed at once, and it reads what the web process wrote."""
    with django_db_blocker.unblock():
        yield


@pytest.fixture
def clinic(rows: None) -> Clinic:
    return ClinicFactory()


@pytest.fixture
def desks(browser: Browser, web: str) -> Iterator[Callable[..., Desk]]:
    """Makes one desk after the other. Whatever a browser complained of at any of them fails the test."""
    made: list[Desk] = []

    def make(cookies: Any = None, url: str = web) -> Desk:
        made.append(Desk(browser, url, cookies))
        return made[-1]

    yield make
    for desk in made:
        desk.close()
    assert [complaint for desk in made for complaint in desk.complaints] == []


@pytest.fixture
def desk(desks: Callable[..., Desk], clinic: Clinic) -> Callable[[str], Desk]:
    """Somebody of the clinic in that role, signed in through the form."""

    def sit_down(role: str) -> Desk:
        return signed_in(desks(), MembershipFactory(clinic=clinic, role=role).user)

    return sit_down


def signed_in(desk: Desk, user: User, code: str = "") -> Desk:
    desk.open(reverse("admin:login"))
    desk.sign_in(user.username, code=code)
    assert desk.path_of(desk.page.url) == reverse("admin:index")
    return desk
