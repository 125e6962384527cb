"""Links of ours as the web process opens them: logged once a listening, and Django's where something is wrong."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from access.log import Actor
from access.models import AccessEntry, ApiKey
from recordings import archive, handing
from recordings.linked import PREFIX, Linked
from recordings.models import Recording
from tests.factories import ApiKeyFactory
from tests.recordings.store import Store

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def threads() -> Iterator[Executor]:
    with ThreadPoolExecutor(1) as threads:
        yield threads
        threads.submit(lambda: connection.close()).result()


@pytest.fixture
def linked(threads: Executor) -> Linked:
    return Linked(threads)


@pytest.fixture
def ticket(recording: Recording) -> str:
    assert archive.archive_due()
    key: ApiKey = ApiKeyFactory(clinic=recording.clinic)
    return a_ticket(recording, key)


def a_ticket(recording: Recording, key: ApiKey, seconds: int = 60) -> str:
    return handing.ticket(recording.parts.get().pk, int(time.time()) + seconds, Actor("api_key", str(key.pk)))


def ask(linked: Linked, ticket: str, method: str = "GET", **headers: str) -> tuple[bool, int, dict[str, str], bytes]:
    """Whether it was answered, and how."""
    sent: list[Any] = []
    given = [(name.replace("_", "-").lower().encode(), value.encode()) for name, value in headers.items()]
    scope = {"method": method, "path": PREFIX + ticket, "headers": given, "client": ("192.0.2.7", 1)}

    async def run() -> bool:
        leaves = asyncio.Event()

        async def receive() -> Any:
            await leaves.wait()

        async def send(message: Any) -> None:
            sent.append(message)

        return await linked.serve(scope, receive, send)

    is_answered = asyncio.run(run())
    if not sent:
        return is_answered, 0, {}, b""
    found = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return is_answered, sent[0]["status"], found, b"".join(message.get("body", b"") for message in sent[1:])


def entries() -> list[AccessEntry]:
    return list(AccessEntry.objects.filter(action="listened"))


def test_a_range_is_sent_and_whoever_listens_is_logged_once(linked: Linked, ticket: str, store: Store) -> None:
    for start in (0, 100, 2000):
        answered, status, headers, body = ask(linked, ticket, Range=f"bytes={start}-{start + 99}")
        assert (answered, status, body) == (True, 206, store.files["one"][start : start + 100])
        assert headers["content-type"] == "audio/wav"
        assert headers["x-content-type-options"] == "nosniff"
    (entry,) = entries()
    assert (entry.actor_kind, entry.actor_id, entry.address) == ("api_key", str(ApiKey.objects.get().pk), "192.0.2.7")
    assert (entry.object_type, entry.mode) == ("recording", "link")


def test_what_goes_on_asks_the_database_nothing(linked: Linked, ticket: str, threads: Executor) -> None:
    ask(linked, ticket, Range="bytes=0-99")
    linked.executor = None  # type: ignore[assignment]  # whatever would ask fails
    assert ask(linked, ticket, Range="bytes=100-199")[1] == 206


def test_another_process_knows_that_it_is_logged(linked: Linked, ticket: str, threads: Executor) -> None:
    ask(linked, ticket)
    assert ask(Linked(threads), ticket, Range="bytes=100-")[1] == 206
    assert len(entries()) == 1


def test_its_etag_is_that_of_djangos_view(linked: Linked, ticket: str, client: Any) -> None:
    assert ask(linked, ticket)[2]["etag"] == client.get(f"{PREFIX}{ticket}")["ETag"]


def test_whoever_has_it_is_left_to_django_and_has_not_listened(linked: Linked, ticket: str, client: Any) -> None:
    etag = client.head(f"{PREFIX}{ticket}")["ETag"]
    for name, given, status in (("If-None-Match", f"W/{etag}", 304), ("If-Match", '"another"', 412)):
        assert ask(linked, ticket, **{name: given}) == (False, 0, {}, b"")
        assert client.get(f"{PREFIX}{ticket}", headers={name: given}).status_code == status
    assert entries() == []


def test_what_is_wrong_is_left_to_django(linked: Linked, ticket: str, recording: Recording, storage: Path) -> None:
    past = a_ticket(recording, ApiKey.objects.get(), seconds=-1)
    for other in (past, ticket[:-1], "", "x" * 200):
        assert ask(linked, other) == (False, 0, {}, b"")
    assert ask(linked, ticket, method="HEAD")[0] is False
    (storage / recording.parts.get().storage_key).unlink()
    assert ask(linked, ticket)[0] is False


def test_where_nginx_sends_files_django_says_so(linked: Linked, ticket: str, settings: Any) -> None:
    settings.PLAYBACK_REDIRECT = "x-accel:/internal/"
    assert ask(linked, ticket)[0] is False
    assert entries() == []


def set_read_only(how: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET default_transaction_read_only = {how}")


def test_where_listening_cannot_be_logged_nothing_is_sent(
    linked: Linked, ticket: str, recording: Recording, threads: Executor
) -> None:
    ask(linked, ticket)
    other = a_ticket(recording, ApiKeyFactory(clinic=recording.clinic))
    for read_only, is_answered in (("on", False), ("off", True)):
        threads.submit(set_read_only, read_only).result()
        assert ask(linked, other, Range="bytes=100-")[0] is is_answered
        assert len(entries()) == 1 + is_answered
