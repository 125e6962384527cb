"""A vendor's session that is named after our id belongs to one request, also where clinics share a customer."""

from __future__ import annotations

from typing import Any

import pytest

from access import log
from access.models import Clinic
from ingest import asking, submission
from ingest.models import Submission, VendorAccount
from tests.factories import SubmissionFactory
from tests.ingest.conftest import fresh, waiting_at_exchange
from tests.ingest.scripted_vendor import Script
from vendors.base import Job, Progress, Submitted

pytestmark = pytest.mark.django_db


def queued(clinic: Clinic, name: str = "visit-1") -> Submission:
    facts = {"request__session__clinic": clinic, "request__vendor": "exchange", "request__state": "queued"}
    row: Submission = SubmissionFactory(state="queued", client_request_id=name, **facts)
    return row


@pytest.fixture
def sent(script: Script) -> list[str]:
    """What got audio. Sessions are named after our id, in small letters."""
    names = list[str]()

    def opens(job: Job, progress: Progress) -> Submitted:
        progress.opened(job.client_request_id.lower())
        names.append(job.client_request_id)
        return Submitted(job.client_request_id.lower())

    script.submits = opens
    return names


def shared() -> None:
    VendorAccount.objects.update(partner="hospital")


@pytest.mark.parametrize("name", ["visit-1", "VISIT-1"])
def test_the_session_of_another_clinic_gets_no_audio(
    sent: list[str], clinic: Clinic, other_clinic: Clinic, name: str
) -> None:
    theirs = waiting_at_exchange("visit-1", request__session__clinic=other_clinic)
    ours = queued(clinic, name)
    shared()
    submission.send(ours.pk)
    assert sent == []
    assert (fresh(ours).state, ours.vendor_request_id, ours.error_code) == ("failed", "", "session_taken")
    assert (fresh(theirs).state, fresh(theirs.request).state) == ("waiting", "waiting")


def test_a_new_try_has_a_session_of_its_own(sent: list[str], clinic: Clinic, other_clinic: Clinic) -> None:
    waiting_at_exchange("visit-1", request__session__clinic=other_clinic)
    ours = queued(clinic)
    shared()
    submission.send(ours.pk)
    again: Any = asking.retry(ours.request, log.command()).current_submission
    submission.send(again.pk)
    assert (sent, fresh(again).state) == ([again.client_request_id], "waiting")


def test_another_customers_session_may_be_called_the_same(
    sent: list[str], clinic: Clinic, other_clinic: Clinic
) -> None:
    waiting_at_exchange("visit-1", request__session__clinic=other_clinic)
    ours = queued(clinic)
    VendorAccount.objects.filter(clinic=clinic).update(partner="practice")
    submission.send(ours.pk)
    assert (sent, fresh(ours).state) == (["visit-1"], "waiting")


def test_nor_is_it_that_of_another_request_of_the_clinic(sent: list[str], clinic: Clinic) -> None:
    waiting_at_exchange("visit-1", request__session__clinic=clinic)
    ours = queued(clinic, "VISIT-1")
    submission.send(ours.pk)
    assert (sent, fresh(ours).error_code) == ([], "session_taken")


def test_whoever_goes_on_with_its_own_is_not_refused(sent: list[str], clinic: Clinic) -> None:
    ours = queued(clinic)
    Submission.objects.filter(pk=ours.pk).update(vendor_request_id="visit-1")
    submission.send(ours.pk)
    assert sent == ["visit-1"]
