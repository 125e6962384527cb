"""A webhook that clinics share is shown to operators alone until it is known which clinic it is for."""

from __future__ import annotations

import pytest
from django.test import Client

from access.models import AccessEntry
from ingest.models import Callback
from ingest.replays import able
from tests.admin.rows import list_of, page_of
from tests.factories import OrphanFactory, VendorAccountFactory

pytestmark = pytest.mark.django_db
BODY = b'{"status": "success", "session_id": "session-1"}'


@pytest.fixture
def nobodys() -> Callback:
    made: Callback = OrphanFactory(
        clinic=None, vendor="suki", proven_by="account", proven_id=VendorAccountFactory().pk, body=BODY
    )
    return made


def test_an_operator_sees_and_reads_it(operator: Client, nobodys: Callback) -> None:
    assert page_of(nobodys) in operator.get(list_of("ingest_callback")).content.decode()
    page = operator.get(page_of(nobodys)).content.decode()
    assert "for a request we do not know" in page
    assert "process_again" not in page
    assert "session-1" in operator.get(page_of(nobodys, "body")).content.decode()
    entry = AccessEntry.objects.get()
    assert (entry.clinic_id, entry.object_ids) == (None, [str(nobodys.pk)])


def test_nobody_else_does(manager: Client, colleague_elsewhere: Client, nobodys: Callback) -> None:
    for client in (manager, colleague_elsewhere):
        assert page_of(nobodys) not in client.get(list_of("ingest_callback")).content.decode()
        for name in ("change", "body"):
            assert client.get(page_of(nobodys, name)).status_code == 404


def test_it_goes_on_by_itself_and_by_nothing_else(nobodys: Callback) -> None:
    assert not Callback.objects.filter(able()).exists()
