"""Where the presigned links lead: a store of another origin, which knows nothing of tokens. GET alone is signed."""

import hmac
import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from sandbox.faults import Fault
from sandbox.messages import Answer, Reply, Request, Silence, Stream
from sandbox.suki.clock import Clock
from sandbox.suki.contract import STORE
from sandbox.suki.recordings import KEPT_SECONDS, Presigner, recording_id
from sandbox.suki.sessions import Session
from sandbox.suki.wav import File, cut, header, wav, zeros

XML = {"Content-Type": "application/xml"}
RANGE = re.compile(r"bytes=(?=[0-9]|-[0-9])([0-9]{0,18})-([0-9]{0,18})")
A_BREATH_SECONDS = 0.1
ERRORS = {403: "AccessDenied", 404: "NoSuchKey", 405: "MethodNotAllowed", 416: "InvalidRange", 500: "InternalError"}


def error(status: int, headers: Mapping[str, str] | None = None) -> Answer:
    body = f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{ERRORS[status]}</Code></Error>'
    return Answer(status, body.encode(), {**XML, **(headers or {})})


@dataclass(frozen=True)
class Store:
    presigner: Presigner
    clock: Clock
    stopping: threading.Event

    def serve(self, request: Request, session: Session | None, faults: Mapping[str, Fault]) -> Reply:
        if "store" in faults:
            return refused(faults["store"])
        if request.method != "GET":
            return error(403 if request.method == "HEAD" else 405)
        if not self.is_signed(request):
            return error(403)
        if session is None or self.clock.now() >= session.created + KEPT_SECONDS:
            return error(404)
        file = stored(request.path, session, faults.get("file"))
        return self.deliver(request, file, faults) if file else error(404)

    def is_signed(self, request: Request) -> bool:
        """For this host and path, and until then."""
        expires, given = (request.query.get(name, "") for name in ("X-Expires", "X-Signature"))
        wanted = self.presigner.signature(request.headers.get("host", ""), request.path, expires)
        return hmac.compare_digest(given.encode(), wanted.encode()) and self.clock.now() < float(expires)

    def deliver(self, request: Request, file: File, faults: Mapping[str, Fault]) -> Reply:
        asked = "" if "range" in faults else request.headers.get("range", "")
        span = wanted_span(asked, file.size)
        if span is None:
            return error(416, {"Content-Range": f"bytes */{file.size}"})
        fault = faults.get("delivery")
        start, stop = span
        if fault and fault.name == "store_short_length":
            stop = max(start, stop - fault.params["missing_bytes"])
        headers = {"Content-Type": "audio/wav", "Accept-Ranges": "bytes"}
        is_part = RANGE.fullmatch(asked) is not None
        part = {"Content-Range": f"bytes {start}-{stop - 1}/{file.size}"} if is_part else {}
        pieces = self.paced(file.read(start, stop), fault)
        return Stream(206 if is_part else 200, stop - start, pieces, headers | part)

    def paced(self, pieces: Iterator[bytes], fault: Fault | None) -> Iterator[bytes]:
        if fault and fault.name == "store_cut":
            return first_bytes(pieces, fault.params["after_bytes"])
        return self.slowly(pieces, fault.params["bytes_per_second"]) if fault and fault.name == "store_slow" else pieces

    def slowly(self, pieces: Iterator[bytes], bytes_per_second: int) -> Iterator[bytes]:
        step = max(1, int(bytes_per_second * A_BREATH_SECONDS))
        for piece in pieces:
            for start in range(0, len(piece), step):
                yield piece[start : start + step]
                if self.stopping.wait(A_BREATH_SECONDS):
                    return


def refused(fault: Fault) -> Answer | Silence:
    if fault.name == "store_timeout":
        return Silence(fault.params["seconds"])
    if fault.name == "store_redirect":
        return Answer(302, None, {"Location": fault.params["url"]})
    return error(int(fault.name.rpartition("_")[2]))


def session_of(path: str) -> str:
    """The session's id in a link's path, whatever else is wrong with it."""
    return unquote(path.removeprefix(STORE).partition("/")[0])


def stored(path: str, session: Session, fault: Fault | None) -> File | None:
    """The chunk under that name, or what a fault has put in its place."""
    name = path.rpartition("/")[2]
    names = [f"{recording_id(session, number)}.wav" for number in range(1, session.chunks + 1)]
    if session.spool is None or name not in names:
        return None
    start, stop = cut(session.spool.size, session.chunks)[names.index(name)]
    if fault and fault.name == "store_not_wav":
        body = fault.params["body"].encode("utf-8", "surrogatepass")
        return zeros(body, len(body))
    if fault and fault.name == "store_huge":
        size = int(fault.params["gigabytes"] * 1e9)
        return zeros(header(size, session.spool.rate), 44 + size)
    claimed = fault.params["bytes"] if fault else None
    return wav(session.spool, start, stop, claimed)


def wanted_span(asked: str, size: int) -> tuple[int, int] | None:
    """(first byte, one past the last); the whole where no one range is asked for, None where the range is not there."""
    found = RANGE.fullmatch(asked)
    if not found:
        return 0, size
    first, last = found.groups()
    if not first:
        start, stop = max(0, size - int(last)), size
    else:
        start, stop = int(first), min(size, int(last) + 1 if last else size)
    return (start, stop) if start < stop else None


def first_bytes(pieces: Iterator[bytes], count: int) -> Iterator[bytes]:
    for piece in pieces:
        yield piece[:count]
        count -= len(piece)
        if count <= 0:
            return
