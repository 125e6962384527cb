"""A vendor's later text of a note, in a real browser: by mouse, by keys, and with words that are not saved."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from access.log import Actor, Kind
from access.models import Clinic, User
from notes import review
from notes.models import Draft, Note
from tests.admin.rows import page_of
from tests.browser import axe
from tests.browser.conftest import signed_in
from tests.browser.consultations import consulted, signed_and_revised, write_anew
from tests.browser.desk import Desk
from tests.factories import MembershipFactory

NEWS = "The vendor has sent a newer text of this note on"
TYPED = "Headaches for a month."


@pytest.fixture
def anna(clinic: Clinic) -> User:
    person: User = MembershipFactory(clinic=clinic, role="reviewer").user
    return person


@pytest.fixture
def note(clinic: Clinic, anna: User) -> Note:
    """In Anna's hands."""
    made = consulted(clinic)
    review.claim(made.pk, Actor(Kind.USER, str(anna.pk)))
    return made


@pytest.fixture
def page(desks: Callable[..., Desk], anna: User, note: Note) -> Page:
    """The note's page, as it is once the vendor has sent a newer text."""
    write_anew(note)
    sat = signed_in(desks(), anna)
    sat.open(page_of(note))
    return sat.page


def first_words(note: Note) -> str:
    return str(note.sections.get(position=1).text)


def press(page: Page, words: str) -> None:
    page.get_by_role("button", name=words, exact=True).click()


def said(page: Page, words: str) -> None:
    expect(page.locator(".messagelist")).to_contain_text(words)


def test_by_mouse_it_is_read_and_taken_over(page: Page, note: Note) -> None:
    banner = page.get_by_role("region", name=NEWS)
    expect(banner.locator("del", has_text="two").first).to_be_visible()
    expect(banner.locator("ins", has_text="three")).to_be_visible()
    expect(banner.get_by_text("In two weeks.", exact=True)).to_be_visible()
    assert not axe.faults(page)
    press(page, "Take it over")
    said(page, "The note has the vendor's newer text now.")
    expect(page.get_by_role("region", name=NEWS)).to_have_count(0)
    expect(page.locator("#text-0")).to_have_text("Headaches for three weeks, on the left side.")
    assert first_words(note) == "Headaches for three weeks, on the left side."
    press(page, "Approve")
    said(page, "It is approved.")


def test_by_keys_it_is_read_and_set_aside(page: Page, note: Note) -> None:
    before = first_words(note)
    focused = page.locator(":focus")
    for _ in range(60):
        page.keyboard.press("Tab")
        if focused.count() and focused.inner_text() == "Keep ours":
            break
    page.keyboard.press("Enter")
    said(page, "The note stays as it is.")
    expect(page.get_by_role("region", name=NEWS)).to_have_count(0)
    assert first_words(note) == before


def test_words_that_are_not_saved_outlast_the_taking_over(page: Page, note: Note) -> None:
    page.locator("#section-0 summary", has_text="Edit").click()
    page.locator("[name=text-0]").fill(TYPED)
    press(page, "Take it over")
    said(page, "The note has the vendor's newer text now.")
    page.reload()
    page.get_by_role("link", name="see both").click()
    expect(page.locator("[name=text-0]")).to_have_value(TYPED)
    assert not axe.faults(page)
    press(page, "Save as the next version")
    said(page, "It is saved.")
    assert first_words(note) == TYPED
    assert not Draft.objects.filter(note=note).exists()


def test_beside_a_signed_note_it_is_only_seen(desks: Callable[..., Desk], clinic: Clinic, anna: User) -> None:
    note = signed_and_revised(clinic, anna)
    before = first_words(note)
    sat = signed_in(desks(), anna)
    sat.open(page_of(note))
    expect(sat.page.get_by_role("button", name="Take it over")).to_have_count(0)
    press(sat.page, "Seen")
    said(sat.page, "The note stays as it is.")
    assert first_words(note) == before


def test_a_page_that_was_open_meanwhile_decides_nothing_unread(
    desks: Callable[..., Desk], anna: User, note: Note
) -> None:
    sat = signed_in(desks(), anna)
    sat.open(page_of(note))
    write_anew(note)
    sat.page.locator("#section-0 summary", has_text="Edit").click()
    sat.page.locator("[name=text-0]").fill(TYPED)
    press(sat.page, "Save")
    said(sat.page, "It is saved.")
    expect(sat.page.get_by_role("region", name=NEWS)).to_be_visible()
    assert first_words(note) == TYPED
