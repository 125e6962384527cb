"""What a vendor says it wrote a section from, in a real browser."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from access.models import Clinic
from notes.models import Note
from notes.services import Origin, store_notes, store_transcripts
from sandbox.sample import sample
from tests.admin.rows import page_of
from tests.browser import axe
from tests.browser.consultations import keep, of_request, weigh
from tests.browser.desk import Desk
from vendors.base import Line, NoteText, Section


@pytest.fixture
def note(clinic: Clinic) -> Note:
    """The first section with a possible source too, which is another line."""
    request = of_request({"session__clinic": clinic, "vendor": "suki", "ready": True})
    keep(request.audio)
    origin = Origin(clinic.pk, request.session_id, request.pk, "suki", request.language, "")
    written = sample()["note"]["sections"]
    sections = tuple(Section(**one, sources=(2, 7)[: 2 - n]) for n, one in enumerate(written[:2]))
    store_transcripts([(origin, tuple(Line(**line) for line in sample()["transcript"]))])
    store_notes([(origin, NoteText("", (*sections, *(Section(**one) for one in written[2:]))))])
    note = Note.objects.get(request=request)
    weigh(note)
    return note


@pytest.fixture
def page(note: Note, desk: Callable[[str], Desk]) -> Page:
    sat = desk("reviewer")
    sat.open(page_of(note))
    return sat.page


def marked(page: Page) -> list[str]:
    """By their numbers, the lines that are marked as a source, each with what it is called."""
    lines = page.locator(".lp-source").all()
    return [f"{line.get_attribute('id')}: {line.locator('.lp-tag').inner_text()}" for line in lines]


def test_its_lines_are_marked_as_the_vendors_and_gone_to(page: Page) -> None:
    page.get_by_role("link", name="Source according to Suki for Chief complaint").click()
    assert marked(page) == ["line-2: source according to Suki", "line-7: source according to Suki"]
    expect(page.locator("#line-2")).to_be_in_viewport()
    page.wait_for_function("() => document.querySelector('audio').currentTime === 7.474")


def test_a_sentence_of_the_section_still_has_its_possible_source(page: Page) -> None:
    page.get_by_role("link", name="Source according to Suki for Chief complaint").click()
    page.get_by_role("link", name="Headaches for two weeks.").click()
    assert marked(page) == ["line-1: possible source"]


def test_by_keys_too(page: Page) -> None:
    page.get_by_role("link", name="Source according to Suki for History").focus()
    page.keyboard.press("Enter")
    assert marked(page) == ["line-2: source according to Suki"]


def test_what_was_corrected_tells_both_apart(page: Page, note: Note) -> None:
    page.locator("#section-0 summary", has_text="Edit").click()
    page.locator("[name=text-0]").fill("Headaches for two weeks. Father had a stroke.")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".messagelist")).to_contain_text("It is saved.")
    note.refresh_from_db()
    weigh(note)
    page.reload()
    page.get_by_role("button", name="Possible source of Chief complaint").click()
    assert marked(page) == ["line-1: possible source"]
    page.get_by_role("link", name="Source of Suki's own words for Chief complaint").click()
    assert marked(page)[0] == "line-2: source according to Suki"
    assert not axe.faults(page)
