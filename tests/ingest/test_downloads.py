"""The access log of files that are fetched at several processes of the door."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from access.models import AccessEntry
from config.bodies import Scope
from config.door import database
from ingest import tickets
from ingest.answers import NotTaken
from ingest.connections import Connections
from ingest.downloads import Downloads
from tests.factories import AudioFactory

pytestmark = pytest.mark.django_db(transaction=True)


def fetch(ticket: str, *ranges: str) -> None:
    """Each range at a process of its own. The file itself is not in the storage."""

    async def nothing(message: Any = None) -> Any:
        return None

    async def run() -> None:
        connections = Connections(database())
        await connections.open()
        try:
            for wanted in ranges:
                headers = [(b"range", wanted.encode())]
                scope: Scope = {"type": "http", "method": "GET", "headers": headers, "client": ("192.0.2.1", 1)}
                with pytest.raises(NotTaken, match="missing"):
                    await Downloads(connections).file(scope, nothing, nothing, ticket)
        finally:
            await connections.close()

    asyncio.run(run())


def test_a_range_that_goes_on_at_another_process_has_no_entry_of_its_own(storage: Any) -> None:
    audio, other = AudioFactory(), AudioFactory()
    fetch(tickets.for_file(audio.pk, seconds=60), "bytes=0-99", "bytes=100-199", "bytes=200-")
    fetch(tickets.for_file(other.pk, seconds=60), "bytes=100-199")
    entries = AccessEntry.objects.filter(action="read")
    assert sorted(entries.values_list("object_ids", flat=True)) == sorted([[str(audio.pk)], [str(other.pk)]])
