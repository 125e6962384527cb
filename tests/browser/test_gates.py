"""Every page is for everybody: nothing that axe-core finds, nothing to be scrolled sideways on a phone, no complaint.

Light and dark, 1280 and 320 px wide: the whole of WCAG 2.0 to 2.2 (A and AA) that a program can see.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.browser import axe
from tests.browser.conftest import signed_in
from tests.browser.desk import Desk
from tests.browser.pages import PAGES, Shown
from tests.browser.world import World, a_world


@pytest.fixture(scope="module")
def the_world(web: str, django_db_blocker: Any) -> World:
    with django_db_blocker.unblock():
        return a_world()


@pytest.fixture(scope="module")
def cookies() -> dict[str, Any]:
    """By who has signed in already: each does so once, through the form."""
    return {"": None}


def come(desks: Callable[..., Desk], cookies: dict[str, Any], the_world: World, who: str) -> Desk:
    if who not in cookies:
        desk = signed_in(desks(), the_world.people[who], the_world.code(who))
        cookies[who] = desk.context.storage_state()
    return desks(cookies[who])


@pytest.mark.parametrize("shown", PAGES, ids=str)
def test_page(shown: Shown, the_world: World, desks: Callable[..., Desk], cookies: dict[str, Any]) -> None:
    desk = come(desks, cookies, the_world, shown.who)
    shown.visit(desk, the_world)
    faults = [*axe.faults(desk.page), *unexpected(desk.complaints, shown.status)]
    desk.complaints.clear()
    assert not faults, "\n".join(faults)


def unexpected(complaints: list[str], status: int) -> list[str]:
    """The complaints but for the answer that the page is."""
    return [complaint for complaint in complaints if status == 200 or not complaint.startswith(f"{status} GET")]
