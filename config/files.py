"""One stored file, whole or by Range, in constant memory: at the door, and at the desk behind config.web."""

from __future__ import annotations

import asyncio
import contextvars
import os
import tempfile
from collections.abc import Generator, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.http import HttpRequest, StreamingHttpResponse

from config import ranges
from config.bodies import Receive, Scope, Send, header

CHUNK = 256 * 1024


class Missing(Exception):
    """The row is there, the bytes are not."""


@dataclass(frozen=True, slots=True)
class Answer:
    """200, 206 or 416, and the bytes from `start` up to `stop` that go with it."""

    status: int
    headers: Mapping[str, str]
    start: int = 0
    stop: int = 0


class StoredResponse(StreamingHttpResponse):
    """Chunks of a stored file. Listeners are slow: config.web sends them itself, and Django's thread is free.

    `readers`: the threads that read them, where those of everybody else will not do.
    """

    readers: Executor | None = None


def answer(method: str | None, size: int, content_type: str, sha256: str, asked: str, if_range: str) -> Answer:
    """`asked` and `if_range`: the headers Range and If-Range, empty where there is none.

    Of anything but a GET nothing is sent, and Range is to be ignored. Source: RFC 9110, 14.2.
    """
    headers = {"Accept-Ranges": "bytes", "ETag": f'"{sha256}"', "Cache-Control": "private, no-store"}
    try:
        chosen = ranges.choose(size, asked if method == "GET" else "", if_range, headers["ETag"])
    except ranges.Unsatisfiable:
        return Answer(416, headers | {"Content-Range": f"bytes */{size}", "Content-Length": "0"})
    start, stop = chosen or (0, size)
    headers |= {"Content-Type": content_type, "Content-Length": str(stop - start)}
    if chosen:
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
    return Answer(206 if chosen else 200, headers, start, stop if method == "GET" else start)


def respond(request: HttpRequest, key: str, content_type: str, size: int, sha256: str) -> StoredResponse:
    """Answers a GET or HEAD of a view. Raises Missing."""
    if not default_storage.exists(key):
        raise Missing
    asked = (request.headers.get("Range", ""), request.headers.get("If-Range", ""))
    found = answer(request.method, size, content_type, sha256, *asked)
    return StoredResponse(read(key, found.start, found.stop), status=found.status, headers=found.headers)


async def serve(
    scope: Scope, receive: Receive, send: Send, key: str, content_type: str, size: int, sha256: str
) -> None:
    """Answers a GET or HEAD of the door. Raises Missing before anything is sent."""
    if not await asyncio.to_thread(default_storage.exists, key):
        raise Missing
    asked = (header(scope, b"range"), header(scope, b"if-range"))
    found = answer(scope["method"], size, content_type, sha256, *asked)
    headers = [(name.lower().encode(), value.encode()) for name, value in found.headers.items()]
    start = {"type": "http.response.start", "status": found.status, "headers": headers}
    with closing(read(key, found.start, found.stop)) as chunks:
        await deliver(receive, send, start, chunks)


async def deliver(
    receive: Receive,
    send: Send,
    start: Mapping[str, Any],
    chunks: Iterator[bytes],
    readers: Executor | None = None,
) -> None:
    """Sends an answer's start and then its chunks. A thread reads each of them, and waits for no receiver."""
    loop, context = asyncio.get_running_loop(), contextvars.copy_context()

    def read() -> bytes:
        return context.run(next, chunks, b"")

    # Whoever seeks leaves one range for another: the server takes what is sent after that, and says nothing.
    left = asyncio.ensure_future(leaving(receive))
    try:
        chunk = await loop.run_in_executor(readers, read)
        await send(dict(start))
        while chunk and not left.done():
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
            chunk = await loop.run_in_executor(readers, read)
        await send({"type": "http.response.body", "body": b""})
    finally:
        left.cancel()


async def leaving(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def read(key: str, start: int, stop: int) -> Generator[bytes]:
    """Opens the file when the first chunk is asked for."""
    if start == stop:
        return
    with closing(opened(key, start, stop)) as stored:
        while start < stop and (chunk := stored.read(min(CHUNK, stop - start))):
            start += len(chunk)
            yield chunk


def opened(key: str, start: int, stop: int) -> Any:
    """The file at `start`, to be read up to `stop` at least, and closed."""
    if bucket := getattr(default_storage, "bucket", None):  # its files fetch all of themselves before the first byte
        name = f"{default_storage.location}/{key}".lstrip("/")  # type: ignore[attr-defined]
        return bucket.Object(name).get(Range=f"bytes={start}-{stop - 1}")["Body"]
    stored = default_storage.open(key, "rb")
    stored.seek(start)
    return stored


@contextmanager
def at_hand(key: str, size: int) -> Iterator[Path]:
    """The file as a local one, a copy where it is stored elsewhere. Raises Missing."""
    if not default_storage.exists(key):
        raise Missing
    if path := local_path(key):
        yield path
        return
    Path(settings.UPLOAD_DIR).mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=settings.UPLOAD_DIR) as copy:
        copy.writelines(read(key, 0, size))
        copy.flush()
        yield Path(copy.name)


def local_path(key: str) -> Path | None:
    try:
        return Path(default_storage.path(key))
    except NotImplementedError:
        return None


class _Moved(File):  # type: ignore[type-arg]
    """A file that a storage on the same disk may take by renaming it."""

    def __init__(self, path: Path, handle: IO[bytes]) -> None:
        super().__init__(handle, name=path.name)
        self.path = path

    def temporary_file_path(self) -> str:
        return str(self.path)


def keep(key: str, path: Path, handle: IO[bytes]) -> None:
    """Stores a local file under its key; on the same disk it is moved there. It outlives a power cut."""
    os.fsync(handle.fileno())
    handle.seek(0)
    default_storage.save(key, _Moved(path, handle))
    with suppress(NotImplementedError):  # only files have a folder, whose new entry must outlive it too
        folder = os.open(Path(default_storage.path(key)).parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
