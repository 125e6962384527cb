"""Results that came before their request are found again, whatever was missed."""

from __future__ import annotations

from typing import Any

import pytest

from access.models import Clinic
from ingest import orphans, sweeps
from tests.factories import OrphanFactory, SessionFactory, SubmissionFactory

pytestmark = pytest.mark.django_db


def orphan(clinic: Clinic, name: str, vendor: str = "nabla") -> Any:
    return OrphanFactory(clinic=clinic, named_request=name, vendor=vendor)


def a_try(clinic: Clinic, name: str) -> Any:
    return SubmissionFactory(request__session=SessionFactory(clinic=clinic), client_request_id=name, state="waiting")


def test_the_vendors_own_id_may_be_ours(clinic: Clinic) -> None:
    """Of a session that the vendor made under our name, while we did not hear of it."""
    row = a_try(clinic, "visit-1")
    account = row.request.account_id
    names = [orphans.Name(clinic.pk, account, "nabla", None, ref) for ref in ("visit-1", "VISIT-1", "visit-2")]
    found = orphans.addressees(names)
    assert [one.submission_id if one else None for one in found] == [row.pk, None, None]


def test_the_sweep_finds_an_orphan_whose_request_is_there(clinic: Clinic, other_clinic: Clinic) -> None:
    a_try(clinic, "visit-1")
    found = orphan(clinic, "visit-1")
    others = [
        orphan(other_clinic, "visit-1"),
        orphan(clinic, "visit-2"),
        orphan(clinic, ""),
        orphan(clinic, "visit-1", "suki"),
    ]
    sweeps.sweep()
    found.refresh_from_db()
    assert (found.state, found.attempts, found.next_attempt_at is None) == ("stored", 0, False)
    for row in others:
        row.refresh_from_db()
        assert (row.state, row.next_attempt_at) == ("orphan", None)
