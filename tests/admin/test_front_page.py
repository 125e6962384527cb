from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from access.desk import counts
from access.models import Clinic
from ingest.models import AsyncRequest
from tests.admin.conftest import signed_in
from tests.factories import CallbackFactory, MembershipFactory, NoteFactory, RecordingFactory, SubmissionFactory

COUNT = re.compile(r'<a href="([^"]+)"><strong>([^<]+)</strong> <span>([^<]+)</span>')


def shown(desk: Client) -> dict[str, tuple[str, str]]:
    page = desk.get("/admin/")
    assert page.status_code == 200
    return {label: (number, address) for address, number, label in COUNT.findall(page.content.decode())}


@pytest.fixture
def work(clinic: Clinic) -> None:
    for _ in range(2):
        NoteFactory(request__session__clinic=clinic)
    NoteFactory(request__session__clinic=clinic, state="approved")
    overdue = SubmissionFactory(request__session__clinic=clinic, request__waiting=True).request
    AsyncRequest.objects.filter(pk=overdue.pk).update(waiting_since=timezone.now() - timedelta(hours=3))
    SubmissionFactory(request__session__clinic=clinic, request__failed=True)
    CallbackFactory(submission__request__session__clinic=clinic, submission__request__ready=True, state="junk")
    CallbackFactory(submission__request__session__clinic=clinic, submission__request__ready=True, state="failed")
    for hours in (5, 50):
        RecordingFactory(
            session__clinic=clinic, state="available", available_until=timezone.now() + timedelta(hours=hours)
        )
    for days in (6, 8):
        RecordingFactory(session__clinic=clinic, state="lost", lost_at=timezone.now() - timedelta(days=days))


def test_it_counts_what_waits_and_leads_to_it(viewer: Client, operator: Client, work: None) -> None:
    for desk in (viewer, operator):
        found = shown(desk)
        numbers = {label: number for label, (number, _) in found.items()}
        numbers.pop("webhooks in trouble", None)  # for managers: tests/admin/test_webhooks.py
        assert numbers == {
            "notes need review": "2",
            "claimed by you": "0",
            "have a newer text from the vendor": "0",
            "waiting too long": "1",
            "failed requests": "1",
            "failed callbacks": "1",
            "callbacks with a problem": "2",
            "recordings about to expire": "1",
            "recordings lost in the last week": "1",
        }
        for number, address in found.values():
            listed = desk.get(address).content.decode()
            assert len(re.findall(r'<th class="field-', listed)) == int(number)


def test_what_somebody_has_claimed_is_theirs_alone(viewer: Client, clinic: Clinic) -> None:
    person = MembershipFactory(clinic=clinic).user
    NoteFactory(request__session__clinic=clinic, state="in_review", holder=person)
    NoteFactory(request__session__clinic=clinic, state="in_review")
    number, address = shown(desk := signed_in(person))["claimed by you"]
    assert number == "1"
    assert len(re.findall(r'<th class="field-', desk.get(address).content.decode())) == 1


def test_the_next_note_is_one_key_away_for_who_may_review(viewer: Client, reviewer: Client, operator: Client) -> None:
    is_there = [b'data-key="n"' in desk.get("/admin/").content for desk in (viewer, reviewer, operator)]
    assert is_there == [False, True, False]


def test_another_clinic_counts_its_own(colleague_elsewhere: Client, work: None) -> None:
    assert {number for number, _ in shown(colleague_elsewhere).values()} == {"0"}


def test_it_stops_counting(viewer: Client, work: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counts, "MOST", 1)
    assert shown(viewer)["notes need review"][0] == "1+"


def test_the_sign_in_page_counts_nothing(client: Client, work: None) -> None:
    page = client.get("/admin/login/").content.decode()
    assert "Listenpost" in page
    assert not COUNT.findall(page)
