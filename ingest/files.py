"""Handing out one stored audio file over ASGI, whole or by Range, in constant memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from django.core.files.storage import default_storage

from config import ranges
from config.bodies import Scope, Send, header

CHUNK = 256 * 1024


class Missing(Exception):
    """The row is there, the bytes are not."""


async def serve(scope: Scope, send: Send, key: str, content_type: str, size: int, sha256: str) -> None:
    """Answers 200, 206 or 416. Raises Missing before anything is sent."""
    etag = f'"{sha256}"'
    headers = [(b"accept-ranges", b"bytes"), (b"etag", etag.encode()), (b"cache-control", b"private, no-store")]
    try:
        chosen = ranges.choose(size, header(scope, b"range"), header(scope, b"if-range"), etag)
    except ranges.Unsatisfiable:
        headers += [(b"content-range", f"bytes */{size}".encode()), (b"content-length", b"0")]
        await send({"type": "http.response.start", "status": 416, "headers": headers})
        return await send({"type": "http.response.body", "body": b""})
    start, stop = chosen or (0, size)
    if chosen:
        headers.append((b"content-range", f"bytes {start}-{stop - 1}/{size}".encode()))
    headers += [(b"content-type", content_type.encode()), (b"content-length", str(stop - start).encode())]
    try:
        stored = await asyncio.to_thread(default_storage.open, key, "rb")
    except FileNotFoundError:
        raise Missing from None
    try:
        await send({"type": "http.response.start", "status": 206 if chosen else 200, "headers": headers})
        if scope["method"] != "HEAD":
            async for chunk in chunks(stored, start, stop):
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        return await send({"type": "http.response.body", "body": b""})
    finally:
        await asyncio.to_thread(stored.close)


async def chunks(stored: Any, start: int, stop: int) -> AsyncIterator[bytes]:
    await asyncio.to_thread(stored.seek, start)
    while start < stop:
        chunk: bytes = await asyncio.to_thread(stored.read, min(CHUNK, stop - start))
        if not chunk:
            return
        start += len(chunk)
        yield chunk
