"""Dragon Copilot by REST: a session made at the Partner API, its recordings in chunks at the audio service, its end.

Source: Microsoft's pages on Ambient Audio Streaming 2.0 and the Partner API.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from vendors.answers import Response
from vendors.base import Notice, Unreadable
from vendors.dragon import exchange, wire
from vendors.dragon.access import Access
from vendors.dragon.refusals import not_there_yet, unreadable
from vendors.dragon.wire import Asked
from vendors.outbound import MIB, Kept, Outbound
from vendors.reading import read_object

AUDIO_VERSION, PARTNER_VERSION = "2025-07-15", "2"
MOST_RESULT_BYTES = 32 * MIB


class AudioService:
    """Where recordings go. Methods raise VendorError."""

    def __init__(self, base_url: str, access: Access, outbound: Outbound) -> None:
        self._base, self._access, self._outbound = f"{base_url.rstrip('/')}/audio", access, outbound

    def store(self, way: Kept, asked: Asked, recording: int, number: int, data: bytes | None, *, is_last: bool) -> None:
        """One chunk, under its number. Stored already is as good."""
        body = wire.multipart(wire.chunk_metadata(asked, recording, number, is_last=is_last), data)
        self._confirm(self._access.ask(way, "PUT", self._url("storeChunk"), body))

    def finalize(self, asked: Asked, recording: int, total_chunks: int, *, again: bool) -> str:
        """Says how many chunks a recording has. The call's id.

        `again`: it may have been said before. As we read it, what is finalized already then answers 409.
        """
        body = wire.finalize_body(asked, recording, total_chunks)
        also = (409,) if again else ()
        answer = self._access.json(self._outbound, "POST", self._url("finalizeUpload"), body, also=also)
        if answer.status != 409:
            self._confirm(answer)
        return self._access.last_call_id

    def _confirm(self, answer: Response) -> None:
        """A page of somebody's in between is no word of Dragon Copilot's that it has it."""
        try:
            if read_object(answer.body).has("error"):
                raise Unreadable("error: not null")
        except Unreadable as error:
            raise unreadable(error, self._access.last_call_id) from None

    def _url(self, name: str) -> str:
        return f"{self._base}/{name}?api-version={AUDIO_VERSION}"


class PartnerApi:
    """Where sessions are made, results fetched and subscriptions kept. Methods raise VendorError."""

    def __init__(self, base_url: str, access: Access, outbound: Outbound) -> None:
        self._base, self._access, self._outbound = base_url, access, outbound

    def make_session(self, asked: Asked) -> None:
        """By our own id: asked twice, it is one session."""
        self._put(self._url("ambient-sessions"), wire.session_body(asked), also=(409,))

    def end_session(self, correlation_id: str) -> str:
        """That it has ended, or that nobody knows it, is as good. The call's id."""
        path = f"ambient-sessions/{quote(correlation_id, safe='')}"
        self._access.json(self._outbound, "DELETE", self._url(path), also=(404, 410))
        return self._access.last_call_id

    def fetch(self, notice: Notice) -> Sequence[bytes]:
        """What is behind a link of one of its own hosts."""
        way = self._outbound.trusting(notice.link)
        answer = self._access.json(way, "GET", notice.link, also=(404,), max_bytes=MOST_RESULT_BYTES)
        if answer.status == 404:
            raise not_there_yet(self._access.last_call_id)
        try:
            return (exchange.envelope(notice, answer.body),)
        except Unreadable as error:
            raise unreadable(error, self._access.last_call_id) from None

    def subscribe(self, customer_id: str, body: dict[str, object]) -> None:
        url = f"{self._url('subscriptions')}&customerId={quote(customer_id, safe='')}"
        self._put(url, body)

    def _put(self, url: str, body: dict[str, object], *, also: tuple[int, ...] = ()) -> None:
        """What is answered is not documented; a page of somebody's in between is no answer of its own."""
        answer = self._access.json(self._outbound, "PUT", url, body, also=also)
        if answer.body.lstrip().startswith(b"<"):
            raise unreadable(Unreadable("body: a page"), self._access.last_call_id)

    def _url(self, path: str) -> str:
        return f"{self._base}/{path}?api-version={PARTNER_VERSION}"
