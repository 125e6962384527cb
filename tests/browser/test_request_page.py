"""A request's page goes on without a reload, and without taking the page out of somebody's hands."""

from __future__ import annotations

from collections.abc import Callable

from django.utils import timezone
from playwright.sync_api import expect

from access.models import Clinic
from tests.admin.rows import page_of
from tests.browser.desk import Desk
from tests.factories import NoteFactory, SubmissionFactory

ASKS_TWICE = 8_000  # milliseconds


def test_news_come_by_themselves_and_end_with_the_request(desk: Callable[[str], Desk], clinic: Clinic) -> None:
    request = SubmissionFactory(request__session__clinic=clinic, request__waiting=True).request
    sat = desk("manager")
    sat.open(page_of(request))
    cancel = sat.page.get_by_role("button", name="Cancel")
    cancel.focus()
    sat.page.evaluate("window.isTheSamePage = true")

    request.submissions.update(state="queued", attempts=2, error_message="The vendor is busy.")
    request.state = "queued"
    request.save(update_fields=["state"])
    expect(sat.page.get_by_role("status").first).to_contain_text("It was tried 2 times", timeout=ASKS_TWICE)
    expect(sat.page.get_by_role("button", name="Retry")).to_be_visible()
    expect(cancel).to_be_focused()

    note = NoteFactory(request=request)
    type(request).objects.filter(pk=request.pk).update(state="ready", finished_at=timezone.now())
    expect(sat.page.get_by_role("heading", level=1)).to_contain_text("ready", timeout=ASKS_TWICE)
    expect(cancel).to_have_count(0)
    asked_again: list[str] = []
    sat.page.on("request", lambda sent: asked_again.append(sent.url))
    sat.page.wait_for_timeout(3_500)
    assert [url for url in asked_again if "/live/" in url] == []
    sat.page.get_by_role("link", name="Read the note").click()
    sat.page.wait_for_url(f"**{page_of(note)}")


def test_what_has_not_changed_is_left_as_it_stands(desk: Callable[[str], Desk], clinic: Clinic) -> None:
    request = SubmissionFactory(request__session__clinic=clinic, request__waiting=True).request
    sat = desk("viewer")
    sat.open(page_of(request))
    with sat.page.expect_response("**/live/"):
        pass
    sat.page.evaluate("document.getElementById('going').isTheSame = true")
    with sat.page.expect_response("**/live/"):
        pass
    with sat.page.expect_response("**/live/"):
        pass
    assert sat.page.evaluate("document.getElementById('going').isTheSame") is True
