"""Parts of one answer, and newer texts, at the hands of several workers at once."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection

from config import leases
from feed.models import Event
from ingest import asking, inquiries, processing
from ingest.models import AsyncRequest, Callback, Inquiry, Submission
from notes.models import Note, NoteVersion, Transcript
from tests.factories import CallbackFactory
from tests.ingest.conftest import came, fresh, from_account, waiting_at_exchange
from tests.ingest.scripted_vendor import Script, notice, part, said

pytestmark = pytest.mark.django_db(transaction=True)
LINK = "https://exchange.example/data/4711"


def at_once(*does: Any) -> None:
    ready = Barrier(len(does))

    def run(do: Any) -> None:
        ready.wait()
        try:
            do()
        finally:
            connection.close()

    threads = [Thread(target=run, args=[do]) for do in does]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def worker(callback: Callback) -> None:
    """One that has claimed it alone."""
    processing.process(leases.claim(Callback, lease=processing.LEASE, ids=[callback.pk]))


def fetched(row: Submission, body: bytes) -> Callback:
    made: Callback = CallbackFactory(submission=row, proven_by="polled", body=body)
    return made


@pytest.mark.parametrize("_", range(5))
def test_both_parts_at_once_are_the_whole_and_it_is_told_once(script: Script, _: int) -> None:
    row = waiting_at_exchange()
    parts = [fetched(row, part(transcript="My knee hurts.")), fetched(row, part(note="Rest."))]
    at_once(*(partial(worker, one) for one in parts))
    processing.process_due()
    assert {fresh(one).state for one in parts} == {"applied"}
    assert (fresh(row.request).state, fresh(row).state) == ("ready", "answered")
    assert Event.objects.filter(kind="request.ready").count() == 1
    assert (Transcript.objects.count(), Note.objects.count()) == (1, 1)


@pytest.mark.parametrize("_", range(3))
def test_many_workers_leave_nothing_and_do_nothing_twice(script: Script, _: int) -> None:
    rows = [waiting_at_exchange(f"session-{number}") for number in range(8)]
    for row in rows:
        for body in (part(row.vendor_request_id, note="Rest."), part(row.vendor_request_id, transcript="My knee.")):
            fetched(row, body)
        fetched(row, part(row.vendor_request_id, note="Rest and ice."))
    at_once(*[processing.process_due] * 4)
    processing.process_due()
    assert set(Callback.objects.values_list("state", flat=True)) == {"applied"}
    assert set(AsyncRequest.objects.values_list("state", flat=True)) == {"ready"}
    assert Event.objects.filter(kind="request.ready").count() == 8
    assert NoteVersion.objects.count() == 16


@pytest.mark.parametrize("_", range(5))
def test_what_is_cancelled_while_a_part_of_it_comes_has_all_of_that_or_nothing(script: Script, _: int) -> None:
    row = waiting_at_exchange()
    came(row, part(transcript="My knee hurts."))
    last = fetched(row, part(note="Rest."))

    def cancel() -> None:
        with suppress(asking.NotNow):
            asking.cancel(row.request)

    at_once(cancel, partial(worker, last))
    processing.process_due()
    ended = (fresh(last).state, fresh(row.request).state, Note.objects.count())
    assert ended in {("applied", "ready", 1), ("not_applied", "cancelled", 0)}
    assert Event.objects.filter(kind__in=["request.ready", "request.cancelled"]).count() == 1


@pytest.mark.parametrize("_", range(3))
def test_one_notice_is_fetched_by_one_worker(script: Script, _: int) -> None:
    row = waiting_at_exchange()
    script.answers = [(said("The knee."),)]
    from_account(row, notice(link=LINK))
    at_once(*[processing.process_due] * 3)
    at_once(*[inquiries.inquire_due] * 3)
    assert (Inquiry.objects.count(), len(script.fetched)) == (1, 1)
    processing.process_due()
    assert fresh(row.request).state == "ready"
