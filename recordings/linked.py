"""Links of ours, opened: without Django, since they prove themselves and what they open never changes.

What is not as usual (no such link, a storage without the file, a database that does not answer, a server in front that
sends files, a listener who has it already) is left to Django's view of the same address, which tells what is wrong.
"""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import Executor
from typing import Any
from uuid import UUID

from django.db import DatabaseError, close_old_connections

from access.log import sender
from config import files
from config.bodies import Receive, Scope, Send, header
from config.requests import HeadersMiddleware
from recordings import handing, listening, playing
from recordings.handing import Opened
from recordings.models import RecordingPart
from recordings.whole import Whole

PREFIX = "/recordings/"
TAGS = (b"if-match", b"if-none-match")
MOST = 10_000


class Linked:
    """Parts that were opened lately, and who is in the access log for it; `executor`: the threads that ask for them."""

    def __init__(self, executor: Executor) -> None:
        self.executor = executor
        self.parts: dict[UUID, RecordingPart] = {}
        self.logged: dict[tuple[str, str | None], float] = {}

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> bool:
        """Answers a link; False, before anything is sent, where Django is to answer."""
        peer = (scope.get("client") or ("",))[0]
        address = sender(peer, header(scope, b"x-forwarded-for"))
        ticket = scope["path"].removeprefix(PREFIX)
        is_usual = scope["method"] == "GET" and not playing.redirect() and not any(header(scope, name) for name in TAGS)
        opened = handing.read(ticket, address) if is_usual else None
        if opened is None:
            return False
        try:
            part = await self.part(opened.part_id)
            if part is None:
                return False
            await self.note(scope, ticket, opened, part)
            facts = (playing.CONTENT_TYPE, part.size or 0, Whole.of_part(part).etag)
            await files.serve(scope, receive, with_headers(send), part.storage_key, *facts)
        except (DatabaseError, files.Missing):
            return False
        return True

    async def part(self, part_id: UUID) -> RecordingPart | None:
        if part_id not in self.parts:
            found: RecordingPart | None = await self.asked(find, part_id)
            if found is None:
                return None
            keep(self.parts, part_id, found)
        return self.parts[part_id]

    async def note(self, scope: Scope, ticket: str, opened: Opened, part: RecordingPart) -> None:
        """One entry a listening, as Django's view would make it."""
        who, asked = (ticket, opened.by.address), header(scope, b"range")
        is_going_on = time.monotonic() - self.logged.get(who, float("-inf")) < listening.GOES_ON_SECONDS
        if is_going_on and not listening.begins(asked):
            return
        await self.asked(listening.note, asked, part.recording, opened.by, "link")
        keep(self.logged, who, time.monotonic())

    async def asked(self, work: Any, *facts: Any) -> Any:
        """What the database says. Raises DatabaseError."""
        return await asyncio.wrap_future(self.executor.submit(tidily, work, *facts))


def find(part_id: UUID) -> RecordingPart | None:
    archived = RecordingPart.objects.filter(state=RecordingPart.State.ARCHIVED).select_related("recording")
    found: RecordingPart | None = archived.filter(pk=part_id).first()
    return found


def tidily(work: Any, *facts: Any) -> Any:
    try:
        return work(*facts)
    finally:
        close_old_connections()


def keep(kept: dict[Any, Any], key: Any, value: Any) -> None:
    """As the latest; the oldest goes when there are too many."""
    kept.pop(key, None)
    kept[key] = value
    if len(kept) > MOST:
        del kept[next(iter(kept))]


def with_headers(send: Send) -> Send:
    """What every answer of the web process says to browsers."""
    always = [(name.lower().encode(), value.encode()) for name, value in HeadersMiddleware.ALWAYS.items()]

    async def sent(message: Any) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], *always]}
        await send(message)

    return sent
