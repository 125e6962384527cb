"""The web process: `granian --interface asgi config.web:application`. Django behind a front that gathers bodies.

A thread of Django's serves a request only once its body is whole, in memory or (from 1 MiB on) in an unnamed temporary
file: slow senders occupy no thread, chunked bodies have a length, and a body that breaks off never reaches a view.
docs/decisions/0001-bodies-before-django.md says what was measured.
"""

from __future__ import annotations

import asyncio
import json
import re
import tempfile
from pathlib import Path
from typing import IO
from urllib.parse import quote
from uuid import uuid4

from a2wsgi import WSGIMiddleware
from django.conf import settings

from config import problems
from config.bodies import Gone, Receive, Scope, Send, TooLarge, TooSlow, gather, header
from config.requests import request_id
from config.wsgi import application as wsgi

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
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class Web:
    def __init__(self) -> None:
        self.django = WSGIMiddleware(wsgi, workers=settings.WEB_THREADS)  # type: ignore[arg-type]
        self.folder = Path(settings.UPLOAD_DIR)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.django(scope, receive, send)  # type: ignore[arg-type]
        with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY, dir=str(self.folder)) as body:
            try:
                length = await self.read(scope, receive, body)
            except TooLarge:
                return await refuse(send, 413, "The body is larger than this address takes.")
            except TooSlow:
                return await refuse(send, 408, "The body did not come in time.")
            except Gone:
                return await refuse(send, 400, "The body broke off.")
            body.seek(0)
            # a2wsgi reads the query as ASCII; a raw byte above that is what a percent-encoded one would be.
            query = quote(scope["query_string"], safe="%/?:@!$&'()*+,;=-._~[]").encode()
            prepared = {**scope, "query_string": query, "listenpost.body": (body, str(length))}
            return await self.django(prepared, receive, send)  # type: ignore[arg-type]

    async def read(self, scope: Scope, receive: Receive, body: IO[bytes]) -> int:
        if not (scope["method"] == "PUT" and UPLOAD.fullmatch(scope["path"])):
            return await gather(scope, receive, body, limit=MOST_BYTES, seconds=MOST_SECONDS)
        # Only a key that may write gets the room an audio needs. Anybody else goes on with no body, to Django's 401.
        if not await asyncio.get_running_loop().run_in_executor(
            self.django.executor, may_upload, header(scope, b"authorization")
        ):
            return 0
        return await gather(
            scope,
            receive,
            body,
            limit=settings.AUDIO_MAX_BYTES,
            seconds=settings.AUDIO_UPLOAD_SECONDS,
            idle_seconds=IDLE_SECONDS,
        )


def may_upload(authorization: str) -> bool:
    """Whether the header names a live key. What the key may do is the view's to judge."""
    from django.db import DatabaseError, close_old_connections

    from access import keys

    scheme, _, token = authorization.partition(" ")
    try:
        return scheme.lower() == "bearer" and keys.find(token.strip()) is not None
    except DatabaseError:
        return False  # the view will meet the same trouble and say so
    finally:
        close_old_connections()


application = Web()
