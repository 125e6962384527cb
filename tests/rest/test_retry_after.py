"""When to ask again for what is not finished: with every 202, and on the request itself."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from access.models import Clinic
from ingest.models import AsyncRequest, Submission
from tests.factories import AsyncRequestFactory, AudioFactory, SessionFactory, SubmissionFactory, VendorAccountFactory
from tests.rest.api import Api


def ago(seconds: float) -> Any:
    return timezone.now() - timedelta(seconds=seconds)


def test_every_202_says_where_and_when_to_ask(api: Api, clinic: Clinic) -> None:
    VendorAccountFactory(clinic=clinic)
    VendorAccountFactory(clinic=clinic, vendor="suki")
    session = AudioFactory(session=SessionFactory(clinic=clinic)).session
    asked = accepted(api, f"sessions/{session.pk}/requests", {"vendor": "nabla", "output_objects": ["note"]})
    accepted(api, f"requests/{asked}/retry")
    accepted(api, "recordings", {"session": str(session.pk), "vendor": "suki", "ambient_session_id": "x"})


def accepted(api: Api, path: str, body: Any = None) -> Any:
    response = api.post(path, body)
    assert (response.status_code, response["Retry-After"]) == (202, "5")
    assert response["ETag"] == api.get(response["Location"])["ETag"]
    return response.json()["id"]


@pytest.mark.parametrize(
    ("waited", "due", "seconds"),
    [(None, -1, 5), (None, 20, 20), (None, 4000, 60), (10, None, 5), (300, None, 31), (9000, None, 60)],
)
def test_the_longer_it_takes_the_longer_apart(
    api: Api, clinic: Clinic, waited: int | None, due: int | None, seconds: int
) -> None:
    facts = {"waiting": True, "waiting_since": ago(waited)} if waited else {}
    request = SubmissionFactory(request=AsyncRequestFactory(session__clinic=clinic, **facts)).request
    if due:
        Submission.objects.update(next_attempt_at=ago(-due))
    assert int(api.get(f"requests/{request.pk}")["Retry-After"]) == seconds


@pytest.mark.parametrize("how", ["ready", "failed", "cancelled"])
def test_what_is_finished_need_not_be_asked_for_again(api: Api, clinic: Clinic, how: str) -> None:
    request = SubmissionFactory(request=AsyncRequestFactory(session__clinic=clinic, **{how: True})).request
    assert not api.get(f"requests/{request.pk}").has_header("Retry-After")


def test_a_304_says_it_too(api: Api, clinic: Clinic) -> None:
    address = f"requests/{SubmissionFactory(request=AsyncRequestFactory(session__clinic=clinic)).request.pk}"
    same = api.get(address, headers={"If-None-Match": api.get(address)["ETag"]})
    assert (same.status_code, same["Retry-After"]) == (304, "5")
    assert AsyncRequest.objects.count() == 1
