"""Every page is for everybody: nothing that axe-core finds, nothing to be scrolled sideways on a phone, no complaint.

Light and dark, 1280 and 320 px wide: the whole of WCAG 2.0 to 2.2 (A and AA) that a program can see.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.browser import axe
from tests.browser.conftest import signed_in
from tests.browser.desk import Desk
from tests.browser.pages import IMPATIENT, PAGES, Shown
from tests.browser.web import serving
from tests.browser.world import World, a_world


@pytest.fixture(scope="module")
def the_world(web: str, django_db_blocker: Any) -> World:
    with django_db_blocker.unblock():
        return a_world()


@pytest.fixture(scope="module")
def impatient(web: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a second web process."""
    with serving(tmp_path_factory.mktemp("impatient"), RATE_SIGN_IN="1/minute", STATEMENT_SECONDS="1") as url:
        yield url


@pytest.fixture(scope="module")
def cookies() -> dict[str, Any]:
    """By who has signed in already: each does so once, through the form."""
    return {"": None}


def come(desks: Callable[..., Desk], cookies: dict[str, Any], the_world: World, who: str, **at: str) -> Desk:
    if who not in cookies:
        desk = signed_in(desks(), the_world.people[who], the_world.code(who))
        cookies[who] = desk.context.storage_state()
    return desks(cookies[who], **at)


@pytest.mark.parametrize("shown", PAGES, ids=str)
def test_page(shown: Shown, the_world: World, desks: Callable[..., Desk], cookies: dict[str, Any]) -> None:
    assert_fit(shown, come(desks, cookies, the_world, shown.who), the_world)


@pytest.mark.parametrize("shown", IMPATIENT, ids=str)
def test_page_of_an_impatient_process(
    shown: Shown, the_world: World, desks: Callable[..., Desk], cookies: dict[str, Any], impatient: str
) -> None:
    assert_fit(shown, come(desks, cookies, the_world, shown.who, url=impatient), the_world)


def assert_fit(shown: Shown, desk: Desk, world: World) -> None:
    shown.visit(desk, world)
    faults = [*axe.faults(desk.page), *unexpected(desk, shown.status)]
    desk.complaints.clear()
    assert not faults, "\n".join(faults)


def unexpected(desk: Desk, status: int) -> list[str]:
    """The complaints but for the one about the answer that the page is, which is looked for where it is a refusal."""
    if status == 200:
        return list(desk.complaints)
    own = {f"{status} {method} {desk.path_of(desk.page.url)}" for method in ("GET", "POST")}
    others = [complaint for complaint in desk.complaints if complaint not in own]
    return others if len(others) < len(desk.complaints) else [*others, f"it was not answered by {status}"]
