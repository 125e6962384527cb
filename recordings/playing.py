"""A recording, or one part of it, in answer to a request: whole or by Range, from our copy or from the vendor's."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from urllib.parse import quote

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import connection
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect

from config import conditional, files
from config.files import StoredResponse
from recordings import links, services
from recordings.afar import Afar
from recordings.models import Recording, RecordingPart
from recordings.whole import Whole
from vendors.base import VendorError

log = logging.getLogger(__name__)

CONTENT_TYPE = "audio/wav"
X_ACCEL, S3 = "x-accel:", "s3"
LINK_SECONDS = 15 * 60
#: Who read for listeners of recordings that vendors still hold: a slow vendor keeps no other listener waiting.
READERS = 16
# Until an answer begins a thread of Django's waits for the vendor: others stay free for the rest of the desk.
beginnings = threading.BoundedSemaphore(max(settings.WEB_THREADS // 2, 1))
RETRY_SECONDS = 5.0


class NoSuchPart(Exception):
    """The recording has no part of this number."""


class ProxiedResponse(StoredResponse):
    """Pieces that a vendor sends."""

    readers = ThreadPoolExecutor(READERS, thread_name_prefix="proxied")


def respond(
    request: HttpRequest, recording: Recording, number: int | None = None, *, may_lead_away: bool = False
) -> HttpResponseBase:
    """Answers a GET or HEAD. `number`: of a part, instead of the whole. `may_lead_away`: to a signed link elsewhere.

    Raises VendorError, whole.Apart, NoSuchPart and files.Missing.
    """
    try:
        return _respond(request, recording, number, may_lead_away)
    except VendorError:
        recording.refresh_from_db(fields=["state"])
        if not recording.is_ours:
            raise
        return _respond(request, recording, number, may_lead_away)  # it was copied meanwhile


def _respond(request: HttpRequest, recording: Recording, number: int | None, may_lead_away: bool) -> HttpResponseBase:
    if parts := here(recording, number):
        playing = whole_of(parts, number)
        return sent_by_others(playing, may_lead_away) or answered(request, playing, None)
    with beginning():
        afar = Afar(recording)
        answer = answered(request, whole_of(afar.parts(number), number), afar)
        afar.begins_until = None
        return answer


@contextmanager
def beginning() -> Iterator[None]:
    """Raises VendorError where as many threads as may wait for vendors already."""
    if not beginnings.acquire(blocking=False):
        message = "Too many begin to listen to what is not copied yet. Try again in some seconds."
        raise VendorError(message, permanent=False, code="vendor_busy", retry_after=RETRY_SECONDS)
    try:
        yield
    finally:
        beginnings.release()


def whole_of(parts: list[RecordingPart], number: int | None) -> Whole:
    return Whole.of(parts) if number is None else Whole.of_part(numbered(parts, number))


def answered(request: HttpRequest, playing: Whole, afar: Afar | None) -> HttpResponse | StoredResponse:
    """With the first piece at hand; without any for who has it already, or takes it to be another one."""
    asked = (request.headers.get("Range", ""), request.headers.get("If-Range", ""))
    found = files.answer(request.method, playing.size, CONTENT_TYPE, playing.etag, *asked)
    if unmet := conditional.unmet(request, found.headers):
        return unmet
    chunks = begun(read(playing, found.start, found.stop, afar))
    kind = ProxiedResponse if afar else StoredResponse
    return kind(chunks, status=found.status, headers=found.headers)


def here(recording: Recording, number: int | None) -> list[RecordingPart]:
    """What is to be played, where there is a copy of all of that; else nothing.

    Raises VendorError and NoSuchPart where there will be none.
    """
    wanted = [part for part in recording.told_parts() if number in (None, part.number)]
    copied = [part for part in wanted if part.is_ours]
    if recording.is_lost and (number is None or not copied):
        raise VendorError(services.GONE, permanent=True, code=links.GONE)
    if recording.is_ours and not copied:
        raise NoSuchPart
    return copied if len(copied) == len(wanted) or not recording.is_uncopied else []


def numbered(parts: list[RecordingPart], number: int) -> RecordingPart:
    for part in parts:
        if part.number == number:
            return part
    raise NoSuchPart


def read(playing: Whole, start: int, stop: int, afar: Afar | None) -> Iterator[bytes]:
    for piece in playing.cut(start, stop):
        if isinstance(piece, bytes):
            yield piece
            continue
        part, first, last = piece
        if part.is_ours or afar is None:
            if not default_storage.exists(part.storage_key):
                raise files.Missing
            yield from files.read(part.storage_key, first, last)
        else:
            yield from afar.read(part, first, last)


def begun(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The chunks, of which the first is there: what cannot be had at all is known before the answer begins."""
    first = next(chunks, b"")
    return gone_on(first, chunks)


def gone_on(first: bytes, chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Ends early where the vendor fails in the middle: the listener's player asks again from there."""
    with closing(chunks):  # type: ignore[type-var]
        yield first
        try:
            yield from chunks
        except VendorError as error:
            log.warning("a recording breaks off: %s", error.code)
        finally:
            if not connection.in_atomic_block:  # a reader's own, which nobody else would close
                connection.close()


# --- Sent by others
def redirect() -> str:
    return str(settings.PLAYBACK_REDIRECT)


def sent_by_others(playing: Whole, may_lead_away: bool) -> HttpResponse | None:
    """Where one stored file is all of it, and the operator wishes so: the web server in front sends it, or S3 does."""
    key = stored_as(playing)
    if key and redirect().startswith(X_ACCEL):
        answer = HttpResponse(headers={"Cache-Control": "private, no-store"}, content_type=CONTENT_TYPE)
        answer["X-Accel-Redirect"] = redirect().removeprefix(X_ACCEL) + quote(key)
        return answer
    if key and may_lead_away and redirect() == S3:
        return HttpResponseRedirect(signed(key, LINK_SECONDS), headers={"Cache-Control": "no-store"})
    return None


def stored_as(playing: Whole) -> str:
    """The key of the one file that is all of it; empty where it is made of several, or at the vendor."""
    if playing.head or len(playing.spans) != 1 or not playing.spans[0][0].is_ours:
        return ""
    return playing.spans[0][0].storage_key


def signed(key: str, seconds: int) -> str:
    """A link of the S3 storage itself."""
    url: str = default_storage.url(key, parameters={"ResponseContentType": CONTENT_TYPE}, expire=seconds)  # type: ignore[call-arg]
    return url
