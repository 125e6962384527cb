"""What the tests of ingest share."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from ingest import processing
from ingest.models import Callback, Submission
from tests.factories import CallbackFactory, SubmissionFactory
from tests.ingest.scripted_vendor import ExchangeVendor, Script, ScriptedVendor
from vendors import VENDORS


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Script:
    """What the vendors `scripted` and `exchange` do."""
    monkeypatch.setitem(VENDORS, "scripted", ScriptedVendor)
    monkeypatch.setitem(VENDORS, "exchange", ExchangeVendor)
    monkeypatch.setattr(ScriptedVendor, "script", Script())
    return ScriptedVendor.script


def fresh(row: Any) -> Any:
    row.refresh_from_db()
    return row


def waiting_at_exchange(ref: str = "session-1", **facts: Any) -> Submission:
    """A try that the vendor `exchange` has."""
    at = {"state": "waiting", "submitted_at": timezone.now(), "vendor_request_id": ref}
    row: Submission = SubmissionFactory(**{"request__vendor": "exchange", "request__waiting": True, **at, **facts})
    return row


def from_account(row: Submission, body: bytes, **more: Any) -> Callback:
    """A webhook that came to the address of the clinic's account."""
    proof = {"proven_by": "account", "proven_id": row.request.account_id, "submission": None, "request": None}
    facts = {"clinic": row.clinic, "vendor": row.request.vendor, "body": body, **proof, **more}
    made: Callback = CallbackFactory(**facts)
    return made


def came(row: Submission, body: bytes) -> Callback:
    """A fetched answer, processed."""
    made: Callback = CallbackFactory(submission=row, proven_by="polled", body=body)
    processing.process_due()
    made.refresh_from_db()
    return made
