"""Searching notes by words: the match in place, and the same words found again on the page that it leads to."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from access.models import Clinic
from notes.models import Note
from tests.admin.rows import list_of, page_of
from tests.browser.consultations import consulted
from tests.browser.desk import Desk


@pytest.fixture
def note(clinic: Clinic) -> Note:
    return consulted(clinic)


@pytest.fixture
def sat(note: Note, desk: Callable[[str], Desk]) -> Desk:
    sat = desk("viewer")
    sat.open(list_of("notes_note"))
    return sat


def search(page: Page, words: str) -> None:
    page.get_by_label("Words").fill(words)
    page.keyboard.press("Enter")
    page.wait_for_url("**?**q=**")


def test_a_note_is_found_by_what_was_said_and_leads_to_it(sat: Desk, note: Note) -> None:
    page = sat.page
    search(page, '"one forty over ninety"')
    expect(page.locator(".lp-excerpt")).to_contain_text("Doctor: Your blood pressure is one forty over ninety")
    expect(page.locator(".lp-excerpt mark").first).to_be_visible()
    page.locator("#result_list a").first.click()
    page.wait_for_url(f"**{page_of(note)}**")
    expect(page.locator(".lp-hit")).to_contain_text("one forty over ninety")
    expect(page.locator(".lp-hit")).to_be_in_viewport()


def test_no_word_of_it_stands_in_an_address(sat: Desk) -> None:
    asked: list[str] = []
    sat.context.on("request", lambda request: asked.append(request.url))
    search(sat.page, "penicillin")
    expect(sat.page.locator(".lp-excerpt mark")).to_have_text("Penicillin")
    expect(sat.page.get_by_label("Words")).to_have_value("penicillin")
    sat.page.locator("#result_list a").first.click()
    expect(sat.page.get_by_label("Find")).to_have_value("penicillin")
    assert len(asked) > 2
    assert not [url for url in asked if "penicillin" in url.lower()]


def test_what_is_nowhere_is_not_found(sat: Desk) -> None:
    search(sat.page, "fracture")
    expect(sat.page.locator("#result_list")).to_have_count(0)
