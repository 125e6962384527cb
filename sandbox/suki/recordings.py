"""The recordings of a session, and the links to them, which are signed and expire."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from sandbox.faults import Fault
from sandbox.suki.clock import Clock
from sandbox.suki.contract import STORE, Refused
from sandbox.suki.sessions import Session

DAY_SECONDS = 86_400
KEPT_SECONDS = 7 * DAY_SECONDS
PLAYING_SECONDS = 15 * 60
BEYOND_SESSION_SECONDS = 10 * 60
SAVING_SECONDS = 60 * 60


class Presigner:
    """Signs a link for one host, path and moment of expiry. The key is new with each process."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def sign(self, origin: str, path: str, expires: float) -> str:
        query = {"X-Expires": expires, "X-Signature": self.signature(urlsplit(origin).netloc, path, str(expires))}
        return f"{origin}{path}?{urlencode(query)}"

    def signature(self, host: str, path: str, expires: str) -> str:
        return hmac.new(self._key, f"{host}\n{path}\n{expires}".encode(), "sha256").hexdigest()


def recording_id(session: Session, number: int) -> str:
    """Always the same for a chunk of a session; looks like a ULID."""
    return "01KF" + hashlib.sha256(f"{session.id} {number}".encode()).hexdigest()[:22].upper()


def check_kept(session: Session, now: float) -> None:
    """Raises Refused while the audio is in processing, and for ever when its time is over."""
    if now >= session.created + KEPT_SECONDS:
        raise Refused(410, "recording_expired: recordings are kept for 7 days")
    if not session.is_over or session.spool is None:
        raise Refused(404, "recording_not_found: it may still be in processing")


def lifetime(session: Session, download: bool) -> int:
    """Seconds that a link is good for."""
    if download:
        return SAVING_SECONDS
    length = session.duration_ms // 1000
    return length + BEYOND_SESSION_SECONDS if length > PLAYING_SECONDS else PLAYING_SECONDS


def links(
    session: Session, download: bool, store: str, presigner: Presigner, clock: Clock, faults: Mapping[str, Fault]
) -> dict[str, Any]:
    """The answer. What cannot be streamed has no links to play it by. Raises Refused."""
    check_kept(session, clock.now())
    is_streamable = "streamable" not in faults
    told, true = expiry(session, download, clock.now(), faults.get("links"))
    made = []
    for number in range(1, session.chunks + 1) if is_streamable or download else ():
        identifier = recording_id(session, number)
        url = presigner.sign(store, f"{STORE}{quote(session.id, safe='')}/{identifier}.wav", true)
        if "links" in faults:
            url = faults["links"].params.get("url", url)
        made.append({"recording_id": identifier, "presigned_url": url, "expires_at": told, "sequence_number": number})
    return {"recordings": made[::-1] if "order" in faults else made, "is_streamable": is_streamable}


def expiry(session: Session, download: bool, now: float, fault: Fault | None) -> tuple[int, float]:
    """When a link expires: as it is told, and in truth."""
    usual = int(now) + lifetime(session, download)
    if fault and fault.name == "recording_link_expired":
        return int(now) - 1, int(now) - 1
    if fault and fault.name == "recording_link_short":
        return usual, now + fault.params["seconds"]
    return usual, usual
