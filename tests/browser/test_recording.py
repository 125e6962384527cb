"""A vendor's recording is heard in the browser while there is no copy of it, also when its links have ended."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from django.utils import timezone
from playwright.sync_api import Page, expect

from access.models import Clinic
from config.installation import ROOT, answers
from config.supervisor import Process
from recordings import services
from recordings.models import Recording
from tests.admin.rows import page_of
from tests.browser.desk import Desk
from tests.browser.web import running, serving
from tests.factories import MembershipFactory, SessionFactory, VendorAccountFactory
from tests.flows.conftest import free_port

CREDENTIALS = {
    "partner_id": "sandbox-partner",
    "partner_token": "sandbox-partner-token",
    "provider_id": "dr-browser",
}


PLAY = "() => { const audio = document.querySelector('audio'); audio.muted = true; return audio.play(); }"


@pytest.fixture
def suki(tmp_path: Path) -> Iterator[str]:
    """The sandbox's control of it."""
    port = free_port()
    command = [sys.executable, "-m", "sandbox", "--port", str(port)]
    ready = answers("127.0.0.1", port, "/control/health")
    with running(Process("sandbox", command, env={}, cwd=ROOT, ready=ready), tmp_path / "sandbox.log"):
        yield f"http://127.0.0.1:{port}/control/suki"


def tell(suki: str, path: str, **body: Any) -> Any:
    response = requests.post(f"{suki}/{path}", json=body, timeout=30)
    response.raise_for_status()
    return response.json()


@pytest.fixture
def recording(clinic: Clinic, suki: str) -> Recording:
    """Twenty minutes in two parts, too long to be fetched at once. Nobody copies it: no worker runs here."""
    tell(suki, "providers", provider_id="dr-browser")
    (ref,) = tell(suki, "sessions", provider_id="dr-browser", seconds=1200.0, chunks=2)["session_ids"]
    address = suki.replace("/control/suki", "/suki")
    account = VendorAccountFactory(clinic=clinic, vendor="suki", base_url=address, credentials=CREDENTIALS)
    facts = {"clinic_id": clinic.pk, "session_id": SessionFactory(clinic=clinic).pk, "account_id": account.pk}
    kept = services.Kept(**facts, vendor="suki", ref=ref, clinician_ref="", ended_at=timezone.now())
    return services.register(kept)


@pytest.fixture
def opened(desks: Callable[..., Desk], clinic: Clinic, recording: Recording, tmp_path: Path) -> Iterator[Desk]:
    """Its page."""
    with serving(tmp_path, OUTBOUND_ALLOW="127.0.0.0/8,::1/128") as url:
        desk = desks(url=url)
        desk.open("/admin/")
        desk.sign_in(MembershipFactory(clinic=clinic).user.username)
        desk.open(page_of(recording))
        yield desk
        desk.page.close()  # a server that is told to stop waits for those who listen


@pytest.fixture
def player(opened: Desk) -> Page:
    """The same, where it is being played."""
    opened.page.evaluate(PLAY)
    is_at(opened.page, 0.5)
    return opened.page


def is_at(page: Page, seconds: float) -> None:
    """Waits until it plays there or later."""
    page.wait_for_function(f"() => document.querySelector('audio').currentTime > {seconds}")


def test_a_seek_goes_on_where_the_link_has_ended(player: Page, suki: str) -> None:
    asked: list[str] = []
    player.on("request", lambda request: asked.append(request.url))
    assert player.evaluate("document.querySelector('audio').duration") == pytest.approx(1200, abs=0.1)
    for place in (1000, 300):  # in one part, and then in the other
        tell(suki, "clock", ahead_seconds=7200 + place)
        player.evaluate(f"document.querySelector('audio').currentTime = {place}")
        is_at(player, place + 0.5)
    assert asked
    assert not [url for url in asked if "/store/" in url]
    assert player.evaluate("document.querySelector('audio').error") is None


@pytest.mark.parametrize(
    ("facts", "status", "why"),
    [
        ({"state": "lost"}, 410, "The vendor has deleted the recording, and there is no copy of it."),
        ({"vendor_ref": "of nobody"}, 503, "The vendor may still be processing the recording, or does not answer."),
    ],
)
def test_what_does_not_play_says_why(
    opened: Desk, recording: Recording, facts: dict[str, str], status: int, why: str
) -> None:
    row = Recording.objects.filter(pk=recording.pk)
    row.update(**facts)
    opened.page.evaluate(f"({PLAY})().catch(() => null)")
    expect(opened.page.get_by_role("alert")).to_contain_text(why)
    row.update(state=recording.state, vendor_ref=recording.vendor_ref)
    opened.page.get_by_role("button", name="Try again").click()
    is_at(opened.page, 0.5)
    expect(opened.page.get_by_role("alert")).to_be_empty()
    assert {complaint.split(" ")[0] for complaint in opened.complaints} == {str(status)}
    opened.complaints.clear()
