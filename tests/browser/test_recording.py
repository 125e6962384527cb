"""A vendor's recording is heard in the browser while there is no copy of it, also when its links have ended."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from django.utils import timezone
from playwright.sync_api import Page

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
    made = services.register(kept)
    Recording.objects.filter(pk=made.pk).update(state=Recording.State.AVAILABLE)
    return Recording.objects.get(pk=made.pk)


@pytest.fixture
def player(desks: Callable[..., Desk], clinic: Clinic, recording: Recording, tmp_path: Path) -> Iterator[Page]:
    """Its page, where it is being played."""
    with serving(tmp_path, OUTBOUND_ALLOW="127.0.0.0/8,::1/128") as url:
        desk = desks(url=url)
        desk.open("/admin/")
        desk.sign_in(MembershipFactory(clinic=clinic).user.username)
        desk.open(page_of(recording))
        desk.page.evaluate(PLAY)
        is_at(desk.page, 0.5)
        yield desk.page
        desk.page.close()  # a server that is told to stop waits for those who listen


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
