"""Audio files at the door: a vendor fetches one, by its ticket, and the access log says so before a byte leaves."""

from __future__ import annotations

import logging
import time
from typing import LiteralString
from uuid import UUID

from django.utils import timezone

from access import log
from access.log import Actor, Kind
from config import files
from config.bodies import Receive, Scope, Send, header
from config.ids import first_id
from ingest import tickets
from ingest.answers import RETRY, NotTaken
from ingest.connections import Connections, Unavailable
from ingest.gate import sender, unproven

logger = logging.getLogger(__name__)

#: A vendor that cannot fetch the audio gives the job up: better that it waits while PostgreSQL is started again.
PATIENCE_SECONDS = 20.0
AUDIO = """
SELECT clinic_id, storage_key AS key, content_type, size, sha256 FROM ingest_audio WHERE id = %s
"""
# The ids are in the order of their making: the log's index leads to those of the last minutes.
LOGGED: LiteralString = """
SELECT 1 FROM access_accessentry WHERE clinic_id = %s AND id > %s AND action = 'read' AND mode = 'file'
    AND object_ids = ARRAY[%s]::varchar[] AND address IS NOT DISTINCT FROM %s::inet LIMIT 1
"""
NO_FILE = "no such file"


class Downloads:
    """Those that are in the access log since some minutes: a file that is fetched in many ranges is fetched once.

    What this process has not seen begin may have begun at another of the door's: then the log itself is asked.
    """

    SECONDS, MOST = 600.0, 10_000

    def __init__(self, connections: Connections) -> None:
        self.connections = connections
        self._begun: dict[tuple[str, str | None], float] = {}

    async def file(self, scope: Scope, receive: Receive, send: Send, ticket: str) -> None:
        """GET /files/<ticket>"""
        audio_id = tickets.read_file(ticket)
        if audio_id is None:
            raise unproven(scope, "ticket")
        try:
            found = await self.connections.rows(AUDIO, audio_id, seconds=PATIENCE_SECONDS)
            if found:
                await self._note(scope, ticket, audio_id, found[0].pop("clinic_id"))
        except Unavailable:
            raise NotTaken(503, "try again", "unavailable", RETRY) from None
        if not found:
            raise NotTaken(404, NO_FILE, "unknown")
        try:
            await files.serve(scope, receive, send, **found[0])
        except files.Missing:
            logger.error("audio %s is not in the storage", audio_id)
            raise NotTaken(404, NO_FILE, "missing") from None

    async def _note(self, scope: Scope, ticket: str, audio_id: UUID, clinic_id: UUID) -> None:
        """One entry a download: a range that goes on with one that is in the log has none of its own.

        Raises Unavailable.
        """
        if scope["method"] != "GET":
            return
        vendor = Actor(Kind.VENDOR, address=sender(scope))
        if not begins(scope) and (
            self._holds(ticket, vendor.address) or await self._is_logged(clinic_id, audio_id, vendor.address)
        ):
            return
        entry = log.row(vendor, "read", clinic_id, "audio", [str(audio_id)], mode="file")
        await self.connections.rows(log.INSERT, *entry)
        self._add(ticket, vendor.address)

    def _holds(self, ticket: str, address: str | None) -> bool:
        return time.monotonic() - self._begun.get((ticket, address), float("-inf")) < self.SECONDS

    async def _is_logged(self, clinic_id: UUID, audio_id: UUID, address: str | None) -> bool:
        since = first_id(timezone.now(), seconds=-self.SECONDS)
        return bool(await self.connections.rows(LOGGED, clinic_id, since, str(audio_id), address))

    def _add(self, ticket: str, address: str | None) -> None:
        self._begun.pop((ticket, address), None)
        self._begun[ticket, address] = time.monotonic()
        if len(self._begun) > self.MOST:
            del self._begun[next(iter(self._begun))]


def begins(scope: Scope) -> bool:
    asked = header(scope, b"range").replace(" ", "")
    return not asked.startswith("bytes=") or asked.startswith("bytes=0-")
