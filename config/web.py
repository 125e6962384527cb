"""The web process: `granian --interface asgi config.web:application`. Django behind a front that gathers bodies, and
sends stored files.

A thread of Django's serves a request only once its body is whole, in memory or (from 1 MiB on) in an unnamed temporary
file: slow senders occupy no thread, chunked bodies have a length, and a body that breaks off never reaches a view.
docs/decisions/0001-bodies-before-django.md says what was measured, 0011-listening.md what slow listeners would cost.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO
from urllib.parse import quote
from uuid import uuid4

from a2wsgi import WSGIMiddleware
from django.conf import settings
from django.db import DatabaseError, close_old_connections

from config import files, problems
from config.bodies import Gone, Message, Receive, Scope, Send, TooLarge, TooSlow, gather, header
from config.requests import request_id
from config.wsgi import application as wsgi

# isort: split
from access import limits  # once Django is set up
from feed import waiting
from recordings import linked

log = logging.getLogger(__name__)

IN_MEMORY = 1024 * 1024
MOST_BYTES = 10 * 1024 * 1024
MOST_SECONDS = 30
IDLE_SECONDS = 30
UPLOAD = re.compile(r"/api/v1/sessions/[^/]+/audio")


async def refuse(send: Send, status: int, detail: str) -> None:
    """For a request that never reaches Django: the problem document that it would have got there."""
    request_id.set(str(uuid4()))
    body = json.dumps(problems.document(status, detail)).encode()
    headers = [(b"content-type", problems.CONTENT_TYPE.encode()), (b"content-length", str(len(body)).encode())]
    headers += [(b"x-request-id", request_id.get().encode()), (b"connection", b"close")]
    headers += [(b"x-content-type-options", b"nosniff")]
    headers += [(b"retry-after", b"5")] if status == 503 else []
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class Web:
    def __init__(self) -> None:
        self.django = WSGIMiddleware(wsgi, workers=settings.WEB_THREADS)  # type: ignore[arg-type]
        self.linked = linked.Linked(self.django.executor)
        self.waiting = waiting.Waiting(self.django.executor)
        self.folder = Path(settings.UPLOAD_DIR)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            self.waiting.stop_when_told()
        if scope["type"] != "http":
            return await self.django(scope, receive, send)  # type: ignore[arg-type]
        try:
            if scope["path"].startswith(linked.PREFIX) and await self.linked.serve(scope, receive, send):
                return None
            return await self.answer(scope, receive, send)
        except Exception:  # the server would print it whole, and an error's text can quote a row
            log.exception("the web process failed")
            with suppress(Exception):  # an answer may have begun
                await refuse(send, 500, problems.ServerError.default_detail)

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY, dir=str(self.folder)) as body:
            try:
                length = await self.read(scope, receive, body)
            except TooLarge:
                return await refuse(send, 413, "The body is larger than this address takes.")
            except TooSlow:
                return await refuse(send, 408, "The body did not come in time.")
            except Gone:
                return await refuse(send, 400, "The body broke off.")
            except DatabaseError:
                return await refuse(send, 503, "The database does not answer. Try again in a few seconds.")
            body.seek(0)
            return await self.serve(scope, receive, send, (body, str(length)))

    async def read(self, scope: Scope, receive: Receive, body: IO[bytes]) -> int:
        """Gathers the body and returns its length."""
        if not (scope["method"] == "PUT" and UPLOAD.fullmatch(scope["path"])):
            return await gather(scope, receive, body, limit=MOST_BYTES, seconds=MOST_SECONDS)
        # Only a key that may upload gets the room an audio needs. Anybody else goes on with no body, to Django's no.
        may = self.django.executor.submit(may_upload, header(scope, b"authorization"))
        if not await asyncio.wrap_future(may):
            return 0
        limit, seconds = settings.AUDIO_MAX_BYTES, settings.AUDIO_UPLOAD_SECONDS
        return await gather(scope, receive, body, limit=limit, seconds=seconds, idle_seconds=IDLE_SECONDS)

    async def serve(self, scope: Scope, receive: Receive, send: Send, body: tuple[IO[bytes], str]) -> None:
        """Hands a whole request to Django, on one of its threads."""
        # WSGI spells X_Request_ID and X-Request-ID alike: the first is nobody's real header, and may be a forged one.
        headers = [(name, value) for name, value in scope["headers"] if b"_" not in name]
        # a2wsgi reads the query as ASCII; a raw byte above that is what a percent-encoded one would be.
        query = quote(scope["query_string"], safe="%/?:@!$&'()*+,;=-._~[]").encode()
        prepared = {**scope, "headers": headers, "query_string": query, "listenpost.body": body}

        async def again() -> waiting.Answer:
            fresh: list[Message] = []

            async def keep(message: Message) -> None:
                fresh.append(message)

            body[0].seek(0)
            return await self.pass_on({**prepared, limits.AGAIN: True}, receive, keep) or waiting.Answer(None, fresh)

        if held_back := await self.pass_on({**prepared}, receive, send):
            await self.waiting.answer(held_back, again, receive, send)

    async def pass_on(self, prepared: Scope, receive: Receive, send: Send) -> waiting.Answer | None:
        """Sends what Django answers, or gives it back, for a reader of the feed to wait with.

        A stored file, which may take hours, is sent once its thread is free again.
        """
        start: Message = {}
        held_back: list[Message] = []

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)  # held back until it is known who sends the body
            elif waiting.HELD in prepared:
                held_back.extend([message] if held_back else [dict(start), message])
            elif "listenpost.response" not in prepared:
                if start:
                    await send(dict(start))
                    start.clear()
                await send(message)

        await self.django(prepared, receive, sent)  # type: ignore[arg-type]
        if response := prepared.get("listenpost.response"):
            try:
                await files.deliver(receive, send, start, iter(response), response.readers)
            finally:
                await asyncio.to_thread(response.close)
        return waiting.Answer(prepared[waiting.HELD], held_back) if held_back else None


def may_upload(authorization: str) -> bool:
    """Whether the header proves a program that may write. The view asks again, and knows whose session it is."""
    from access.authentication import identify
    from access.issuers import Unreachable
    from access.models import Scope
    from access.programs import Refused, may

    try:
        return may(identify(authorization), Scope.SESSIONS_WRITE)
    except (Refused, Unreachable):
        return False
    finally:
        close_old_connections()


application = Web()
