"""Reviewing notes in a real browser: by keys alone, by mouse, two at once, and whatever may happen meanwhile."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from access.models import Clinic
from notes.models import Draft, Note, NoteVersion
from tests.admin.rows import page_of
from tests.browser.consultations import consulted
from tests.browser.desk import Desk
from tests.factories import PASSWORD
from tests.flows.clinic import eventually

SitDown = Callable[[str], Desk]
TYPED = "Headaches for two weeks, mornings."


@pytest.fixture
def note(clinic: Clinic) -> Note:
    return consulted(clinic)


@pytest.fixture
def reviewer(desk: SitDown) -> Desk:
    return desk("reviewer")


class Keys:
    """A keyboard that counts what is pressed besides words."""

    def __init__(self, page: Page) -> None:
        self.page, self.pressed = page, 0

    def press(self, key: str) -> None:
        self.page.wait_for_load_state()  # the keys are those of a page whose scripts have run
        self.page.keyboard.press(key)
        self.pressed += 1

    def type(self, words: str) -> None:
        self.page.keyboard.type(words)


def texts(note: Note) -> list[str]:
    """Of the first section, by version."""
    versions = NoteVersion.objects.filter(note=note).order_by("number")
    return [version.sections[0]["text"] for version in versions]


def plays(page: Page, beyond: float = 0) -> None:
    page.wait_for_function(f"() => document.querySelector('audio').currentTime > {beyond}")


def field(page: Page) -> str:
    """The words in the first section's field."""
    return page.locator("[name=text-0]").input_value()


def edit(page: Page, words: str) -> None:
    page.locator("#section-0 summary", has_text="Edit").click()
    page.locator("[name=text-0]").fill(words)


def press(page: Page, words: str) -> None:
    page.get_by_role("button", name=words, exact=True).click()


def said(page: Page, words: str) -> None:
    expect(page.locator(".messagelist")).to_contain_text(words)


# --- From the queue to a signed note
def test_by_keys_alone_with_few_of_them(note: Note, reviewer: Desk) -> None:
    page, keys = reviewer.page, Keys(reviewer.page)
    keys.press("n")
    expect(page.get_by_role("heading", name=note.title)).to_be_visible()
    keys.press("Space")
    plays(page)
    keys.press("e")
    keys.type(TYPED)
    keys.press("Escape")
    keys.press("a")
    said(page, "It is approved.")
    keys.press("s")
    expect(page.get_by_label("Your password")).to_be_focused()
    keys.type(PASSWORD)
    keys.press("Enter")
    said(page, "It is signed and locked.")
    note.refresh_from_db()
    assert note.state == "signed"
    assert TYPED in texts(note)[1]
    assert keys.pressed < 10


def test_by_mouse(note: Note, reviewer: Desk) -> None:
    page = reviewer.page
    press(page, "Next unreviewed")
    page.locator(".lp-lines").get_by_text("But my blood pressure tablets ran out").click()
    plays(page, beyond=10.2)
    edit(page, TYPED)
    press(page, "Save")
    said(page, "It is saved.")
    press(page, "Approve")
    said(page, "It is approved.")
    page.get_by_role("link", name="Sign and lock").click()
    page.get_by_label("Your password").fill(PASSWORD)
    press(page, "Sign and lock")
    said(page, "It is signed and locked.")
    expect(page.locator("textarea")).to_have_count(0)
    assert texts(note) == ["Headaches for two weeks.", TYPED]


def test_the_queue_gives_each_reviewer_another_note(note: Note, clinic: Clinic, desk: SitDown) -> None:
    later = consulted(clinic, "VISIT-2")
    for waits in (note, later):
        sat = desk("reviewer")
        sat.page.keyboard.press("n")
        expect(sat.page).to_have_url(f"{sat.url}{page_of(waits)}")


def test_a_wrong_password_signs_nothing(note: Note, reviewer: Desk) -> None:
    page = reviewer.page
    reviewer.open(page_of(note))
    press(page, "Approve")
    page.get_by_role("link", name="Sign and lock").click()
    page.get_by_label("Your password").fill("not my password")
    press(page, "Sign and lock")
    expect(page.get_by_label("Your password")).to_have_attribute("aria-invalid", "true")
    note.refresh_from_db()
    assert note.state == "approved"


# --- The note beside what was said
def test_a_sentence_shows_where_it_may_come_from(note: Note, reviewer: Desk) -> None:
    reviewer.open(page_of(note))
    reviewer.page.get_by_role("link", name="Headaches for two weeks.").click()
    expect(reviewer.page.locator(".lp-source")).to_contain_text("I have had headaches for two weeks")


def test_a_warning_leads_to_its_place_and_is_set_aside_with_a_reason(note: Note, reviewer: Desk) -> None:
    page = reviewer.page
    reviewer.open(page_of(note))
    page.get_by_role("link", name="2 warnings").click()
    expect(page.get_by_role("heading", name="Warnings")).to_be_in_viewport()
    page.get_by_label("It is no matter").first.select_option("Said in other words")
    page.get_by_role("button", name="Set aside").first.click()
    said(page, "The warning is set aside.")
    expect(page.get_by_role("link", name="1 warning")).to_be_visible()
    expect(page.get_by_text("Said in other words.")).to_be_visible()


def test_what_was_changed_is_shown_word_by_word(note: Note, reviewer: Desk) -> None:
    page = reviewer.page
    reviewer.open(page_of(note))
    edit(page, "Headaches for three weeks.")
    press(page, "Save")
    page.locator("#section-0 summary", has_text="Changed from AI").click()
    expect(page.locator("#section-0 ins")).to_have_text("three")
    expect(page.locator("#section-0 del")).to_have_text("two")


# --- Nothing that was typed is lost
def test_two_at_once_see_both_versions_and_lose_none(note: Note, desk: SitDown) -> None:
    one, other = desk("reviewer"), desk("reviewer")
    for sat in (one, other):
        sat.open(page_of(note))
    edit(one.page, "Headaches for three weeks.")
    edit(other.page, TYPED)
    press(one.page, "Save")
    press(other.page, "Save")
    said(other.page, "has it now")
    press(other.page, "Take over")
    other.page.get_by_role("link", name="see both").click()
    expect(other.page.locator(".lp-changed del")).to_have_text("three")
    assert field(other.page) == TYPED
    other.page.locator("[name=text-0]").fill("Headaches for three weeks, mornings.")
    press(other.page, "Save as the next version")
    said(other.page, "It is saved.")
    assert texts(note)[1:] == ["Headaches for three weeks.", "Headaches for three weeks, mornings."]
    assert not Draft.objects.filter(note=note).exists()


def test_what_was_typed_survives_the_closing_of_its_tab(note: Note, reviewer: Desk) -> None:
    page = reviewer.tab(page_of(note))
    edit(page, TYPED)
    page.close(run_before_unload=True)
    eventually(lambda: Draft.objects.filter(note=note).exists(), what="a draft is kept")
    reviewer.open(page_of(note))
    assert field(reviewer.page) == TYPED
    expect(reviewer.page.get_by_text("You have words here that are not saved")).to_be_visible()
    assert len(texts(note)) == 1


def test_a_pause_in_typing_keeps_a_draft_and_says_so(note: Note, reviewer: Desk) -> None:
    reviewer.open(page_of(note))
    edit(reviewer.page, TYPED)
    expect(reviewer.page.get_by_role("status").filter(has_text="Draft kept")).to_be_visible()
    assert Draft.objects.get(note=note).texts[0] == TYPED


def test_of_two_tabs_the_second_says_that_it_is_not_kept_and_loses_nothing(note: Note, reviewer: Desk) -> None:
    one, other = reviewer.tab(page_of(note)), reviewer.tab(page_of(note))
    edit(one, "Headaches for three weeks.")
    expect(one.locator("#kept")).to_contain_text("Draft kept")
    edit(other, TYPED)
    expect(other.locator("#kept")).to_contain_text("in another tab as well")
    assert reviewer.complaints == [f"409 POST {page_of(note, 'draft')}"]
    assert field(other) == TYPED
    one.locator("[name=text-0]").fill("Headaches for four weeks.")
    expect(one.locator("#kept")).to_contain_text("Draft kept")
    assert Draft.objects.get(note=note).texts[0] == "Headaches for four weeks."
    press(other, "Save")
    said(other, "It is saved.")
    assert texts(note)[1:] == [TYPED]
    assert field(other) == "Headaches for four weeks.", "which the other tab had kept"
    other.get_by_role("link", name="see both").click()
    expect(other.locator(".lp-changed ins").first).to_be_visible()
    reviewer.complaints.clear()


def test_who_leaves_words_that_are_not_kept_is_asked(note: Note, reviewer: Desk) -> None:
    one, other = reviewer.tab(page_of(note)), reviewer.tab(page_of(note))
    edit(one, "Headaches for three weeks.")
    expect(one.locator("#kept")).to_contain_text("Draft kept")
    edit(other, TYPED)
    expect(other.locator("#kept")).to_contain_text("in another tab as well")
    with other.expect_event("dialog") as asked:
        other.close(run_before_unload=True)
    asked.value.dismiss()
    assert field(other) == TYPED
    with one.expect_event("close"):
        one.close(run_before_unload=True)
    reviewer.complaints.clear()


# --- What else it comes to
def test_a_note_is_rejected_with_a_reason_that_everybody_sees(note: Note, desk: SitDown) -> None:
    one = desk("reviewer")
    one.open(page_of(note))
    press(one.page, "Reject")
    one.page.get_by_label("Reason").fill("The recording is of a test.")
    press(one.page, "Reject")
    viewer = desk("viewer")
    viewer.open(page_of(note))
    expect(viewer.page.get_by_text("The recording is of a test.")).to_be_visible()


def test_an_addendum_stands_on_the_page_and_on_paper(note: Note, reviewer: Desk) -> None:
    page = reviewer.page
    signed(reviewer, note)
    page.keyboard.press("s")
    page.get_by_label("Text").fill("Her father was 61.")
    press(page, "Add an addendum")
    expect(page.get_by_role("heading", name="Addenda")).to_be_visible()
    page.get_by_role("link", name="Print", exact=True).click()
    page.emulate_media(media="print")
    expect(page.get_by_text("Her father was 61.")).to_be_visible()
    expect(page.get_by_role("heading", name=note.title)).to_be_visible()
    expect(page.get_by_role("button")).to_have_count(0)


def signed(sat: Desk, note: Note) -> None:
    sat.open(page_of(note))
    press(sat.page, "Approve")
    said(sat.page, "It is approved.")
    sat.page.get_by_role("link", name="Sign and lock").click()
    sat.page.get_by_label("Your password").fill(PASSWORD)
    press(sat.page, "Sign and lock")
    said(sat.page, "It is signed and locked.")


def test_keys_rest_while_somebody_types(note: Note, reviewer: Desk) -> None:
    reviewer.open(page_of(note))
    edit(reviewer.page, "")
    reviewer.page.keyboard.type("nase c")
    assert field(reviewer.page) == "nase c"
    assert reviewer.path_of(reviewer.page.url) == page_of(note)
