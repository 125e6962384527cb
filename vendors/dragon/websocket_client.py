"""Dragon Copilot by WebSocket: a configuration asked for, a recording, and word that it is to be processed.

Source: Microsoft's pages on Ambient Audio Streaming 2.0; the frames and `api-version` are one client's reading.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from vendors.answers import Response
from vendors.base import Unreadable, VendorError
from vendors.dragon import wire
from vendors.dragon.access import Access
from vendors.dragon.configuration import Configuration
from vendors.dragon.content import Content
from vendors.dragon.patience import Patience
from vendors.dragon.refusals import closed, not_processed, refusal, silent, unreadable
from vendors.dragon.wire import Asked, Heard
from vendors.outbound import Outbound
from vendors.websocket import WebSocket

#: Beside the recording's own length.
SPARE_SECONDS = 900.0
CALL_SECONDS = 60.0
OPEN_SECONDS = 10.0
USUAL_VERSION = "1"


class WebSocketClient:
    """Methods raise VendorError."""

    def __init__(self, url: str, version: str, access: Access, outbound: Outbound, patience: Patience) -> None:
        """`version`: the `api-version` that is asked for; `none`, for none."""
        self._url, self._query = url, "" if version == "none" else f"?api-version={version or USUAL_VERSION}"
        self._access, self._outbound, self._patience = access, outbound, patience

    def configuration(self, asked: Asked) -> Configuration:
        name, body = "RetrieveConfiguration", wire.configuration_body(asked)
        with self._opened("/ws/retrieveConfiguration", asked, CALL_SECONDS) as line:
            message = line.ask(name, body, self._patience.configuration_seconds)
        try:
            return wire.read_configuration(message)
        except Unreadable as error:
            raise unreadable(error, line.call_id) from None

    @contextmanager
    def recording(self, asked: Asked, recording: str, content: Content) -> Iterator[WebSocketLine]:
        """A connection for one recording, not yet opened."""
        with self._opened("/ws", asked, content.seconds + SPARE_SECONDS) as line:
            line.opening = lambda offset: wire.open_body(asked, recording, content, offset)
            line.closing = wire.close_body(recording, content)
            yield line

    def start_processing(self, asked: Asked) -> str:
        """The call's id."""
        with self._opened("/ws/startProcessing", asked, CALL_SECONDS) as line:
            message = line.ask("StartProcessing", asked.ids, self._patience.quiet_seconds)
        try:
            if not wire.read_processing(message):
                raise not_processed(line.call_id)
        except Unreadable as error:
            raise unreadable(error, line.call_id) from None
        return line.call_id

    @contextmanager
    def _opened(self, path: str, asked: Asked, seconds: float) -> Iterator[WebSocketLine]:
        token = self._access.token()
        answer, call_id = self._try(path, asked, token, seconds)
        if isinstance(answer, Response) and answer.status == 401:
            self._access.renew(token)
            answer, call_id = self._try(path, asked, self._access.token(), seconds)
        if isinstance(answer, Response):
            raise refusal(answer, call_id)
        with answer:
            yield WebSocketLine(answer, call_id)

    def _try(self, path: str, asked: Asked, token: str, seconds: float) -> tuple[WebSocket | Response, str]:
        """The open line, or the refusal, and the call's id."""
        customer, call_id = asked.customer, str(uuid4())
        headers = {
            "Authorization": f"Bearer {token}",
            "customer-id": customer.customer,
            "product-id": customer.product,
            "external-user-id": customer.user,
            "x-ms-request-id": call_id,
        }
        url = f"{self._url}{path}{self._query}"
        try:
            line = self._outbound.websocket(url, headers=headers, open_timeout=OPEN_SECONDS, total_timeout=seconds)
        except VendorError as error:
            error.call_id = call_id
            raise
        return line, call_id


class WebSocketLine:
    """The `Line` of recording.py."""

    opening: Any
    closing: Mapping[str, Any]

    def __init__(self, line: WebSocket, call_id: str) -> None:
        self._line, self.call_id = line, call_id

    def open(self, starting_offset: int) -> None:
        self._tell("RecordingOpen", self.opening(starting_offset))

    def send(self, start: int, data: bytes) -> None:
        self._hand_over(wire.data_chunk(start, data))

    def close_recording(self) -> None:
        self._tell("RecordingClose", self.closing)

    def receive(self, seconds: float) -> Heard | None:
        """Messages that say nothing of what is stored are passed over."""
        until = time.monotonic() + seconds
        while (message := self._hear(max(0.0, until - time.monotonic()))) is not None:
            try:
                if heard := wire.read_heard(message):
                    return heard
            except Unreadable as error:
                raise unreadable(error, self.call_id) from None
        return None

    def ask(self, name: str, body: Mapping[str, Any], seconds: float) -> str | bytes:
        """What a question is answered with."""
        self._tell(name, body)
        message = self._hear(seconds)
        if message is None:
            raise silent(self.call_id)
        return message

    def _tell(self, name: str, body: Mapping[str, Any]) -> None:
        self._hand_over(wire.frame(name, body, self.call_id))

    def _hand_over(self, message: str | bytes) -> None:
        try:
            self._line.send(message)
        except VendorError as error:
            raise self._ended(error) from None

    def _hear(self, seconds: float) -> str | bytes | None:
        try:
            return self._line.receive(seconds)
        except VendorError as error:
            raise self._ended(error) from None

    def _ended(self, error: VendorError) -> VendorError:
        """What the other side said when it closed says more than that it did."""
        if self._line.close_reason:
            return closed(self._line.close_reason, self.call_id)
        error.call_id = self.call_id
        return error
