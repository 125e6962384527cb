"""A hundred thousand recordings, of which five thousand are due at once."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from redis import Redis

from access.models import Clinic
from config import leases
from recordings import archive, links, rate
from recordings.models import Links, Recording
from tests.recordings.conftest import a_recording
from tests.recordings.store import Keeper

DUE = 5_000
MANY = """
INSERT INTO recordings_recording (id, created_at, clinic_id, session_id, account_id, vendor, vendor_ref, clinician_ref,
    state, available_until, sha256, part_count, error_code, error_message, attempts, next_attempt_at)
SELECT gen_random_uuid(), now(), %(clinic)s, %(session)s, %(account)s, 'suki', 'ref-' || n, '',
    CASE WHEN n <= %(due)s THEN 'available' WHEN n <= 2 * %(due)s THEN 'pending' ELSE 'archived' END,
    now() + n * interval '1 second', '', 1, '', '', 0,
    CASE WHEN n <= %(due)s THEN now() WHEN n <= 2 * %(due)s THEN now() + interval '1 hour' END
FROM generate_series(1, 100000) AS n
"""
LINKS = """
INSERT INTO recordings_links (id, created_at, clinic_id, recording_id, sealed, expires_at, is_streamable, opened_at,
    attempts, next_attempt_at)
SELECT gen_random_uuid(), now(), clinic_id, id, ''::bytea, now() + interval '2 minutes', true, now(), 0,
    CASE WHEN state = 'available' THEN now() END
FROM recordings_recording
"""


@pytest.fixture
def many(storage: Any, keeper: Keeper, clinic: Clinic) -> Recording:
    """One of them; its account is of them all."""
    recording = a_recording(clinic, next_attempt_at=None, state="archived")
    ids: dict[str, Any] = {
        "clinic": clinic.pk,
        "session": recording.session_id,
        "account": recording.account_id,
        "due": DUE,
    }
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")  # a busy machine takes its time for a hundred thousand rows
        cursor.execute(MANY, ids)
        cursor.execute("ANALYZE recordings_recording")  # or the foreign key is checked as in the empty table of before
        cursor.execute(LINKS)
        cursor.execute("ANALYZE recordings_links")
        cursor.execute("RESET statement_timeout")
    return recording


def together(works: list[Callable[[], Any]]) -> None:
    def worked(work: Callable[[], Any]) -> None:
        try:
            work()
        finally:
            connection.close()

    threads = [threading.Thread(target=worked, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


def plans(queries: CaptureQueriesContext) -> Iterator[dict[str, Any]]:
    for query in queries.captured_queries:
        if query["sql"].lstrip().split()[0] in ("SELECT", "WITH", "UPDATE"):
            with connection.cursor() as cursor:
                cursor.execute("EXPLAIN (FORMAT json) " + query["sql"].replace("%", "%%"))
                (plan,) = cursor.fetchone()
            yield (json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]


@pytest.mark.django_db
def test_what_is_due_is_found_and_claimed_by_indexes_alone(many: Recording) -> None:
    with CaptureQueriesContext(connection) as queries:
        assert archive.is_due()
        assert archive.claim()
        assert links.is_due()
        assert leases.claim(Links, lease=links.LEASE, limit=links.AT_ONCE)
        assert list(Recording.objects.expiring().filter(clinic=many.clinic)[:50])
    found = [node for plan in plans(queries) for node in nodes(plan)]
    assert len(queries) >= 5
    assert [node["Relation Name"] for node in found if node["Node Type"] == "Seq Scan"] == []
    indexes = {node["Index Name"] for node in found if "Index Name" in node}
    assert {"recording_due", "recording_urgent", "links_due"} <= indexes


@pytest.mark.django_db
def test_the_most_urgent_is_found_in_milliseconds_though_as_many_rest(many: Recording) -> None:
    Recording.objects.filter(state="pending").update(available_until=timezone.now() - timedelta(minutes=1))
    begun = time.monotonic()
    for _ in range(20):
        assert archive.claim()
    assert (time.monotonic() - begun) / 20 < 0.1


@pytest.mark.django_db(transaction=True)
def test_five_thousand_are_refreshed_in_turn_by_many_workers_and_each_once(many: Recording, keeper: Keeper) -> None:
    many.account.options = {"recordings_per_second": 1000}
    many.account.save()

    def work() -> None:
        while links.refresh_due():
            pass

    together([work] * 6)
    times = Counter(held.ref for held, _ in keeper.asked)
    assert len(times) == DUE
    assert set(times.values()) == {1}
    assert not links.is_due()


@pytest.mark.django_db(transaction=True)
def test_however_many_workers_ask_they_ask_at_the_rate(recording: Recording, keeper: Keeper) -> None:
    """Of forty at ten a second four may go at once."""
    recording.account.options = {"recordings_per_second": 10}
    recording.account.save()
    begun = time.monotonic()
    together([lambda: [links.ask(recording, download=True, patience=60.0) for _ in range(8)]] * 5)
    took = time.monotonic() - begun
    assert len(keeper.asked) == 40
    assert took > 3.4


def test_the_rate_holds_over_processes() -> None:
    """What one connection takes another one waits for: the turns are in Redis."""
    with Redis.from_url(settings.REDIS_URL) as one, Redis.from_url(settings.REDIS_URL) as other:
        key = f"{rate.PREFIX}test"
        one.delete(key)
        takes = [client.register_script(rate.TAKE) for client in (one, other)]
        waits = [int(takes[n % 2](keys=[key], args=[100_000, 10_000_000])[1]) / 1e6 for n in range(30)]
    assert waits[:4] == [0.0] * 4
    assert 2.4 < waits[-1] < 2.61
