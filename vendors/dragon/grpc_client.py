"""Dragon Copilot by gRPC: the same three operations as by WebSocket.

A channel is made for each call's sake and closed with it, in the thread that uses it: nothing of gRPC is there when a
worker forks, and no channel is shared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from queue import Empty, Full, Queue
from threading import Thread
from typing import Any
from uuid import uuid4

import grpc

from vendors.base import VendorError
from vendors.dragon import ambient_audio_streaming_pb2 as pb
from vendors.dragon import grpc_wire, wire
from vendors.dragon.access import Access
from vendors.dragon.configuration import Configuration
from vendors.dragon.content import Content
from vendors.dragon.patience import Patience
from vendors.dragon.refusals import closed, not_processed, of_grpc, silent
from vendors.dragon.wire import Asked, Heard
from vendors.outbound import Outbound

#: Beside the recording's own length.
SPARE_SECONDS = 900.0
#: Messages that wait for the connection to take them.
MOST_WAITING = 4
SEND_SECONDS = 20


class GrpcClient:
    """Methods raise VendorError."""

    def __init__(self, url: str, access: Access, outbound: Outbound, patience: Patience) -> None:
        self._url, self._access, self._outbound, self._patience = url, access, outbound, patience
        self._has_renewed = False

    def configuration(self, asked: Asked) -> Configuration:
        request = pb.RetrieveConfigurationRequest(
            partner_id=asked.customer.partner, customer_id=asked.customer.customer
        )
        answer, _ = self._ask(
            "RetrieveConfiguration",
            asked,
            request,
            pb.RetrieveConfigurationResponse,
            self._patience.configuration_seconds,
        )
        return grpc_wire.configuration(answer)

    @contextmanager
    def recording(self, asked: Asked, recording: str, content: Content) -> Iterator[GrpcLine]:
        """A connection for one recording, not yet opened."""
        with self._outbound.channel(self._url) as channel:
            method = channel.stream_stream(
                f"{grpc_wire.SERVICE}/RecordAmbient",
                request_serializer=pb.RecordAmbientRequest.SerializeToString,
                response_deserializer=pb.RecordAmbientResponse.FromString,
            )
            call_id, token = str(uuid4()), self._access.token()
            line = GrpcLine(call_id)
            line.opening = lambda offset: wire.open_body(asked, recording, content, offset)
            line.closing = wire.close_body(recording, content)
            try:
                with line.begun(method, _metadata(asked, token, call_id), content.seconds + SPARE_SECONDS):
                    yield line
            except VendorError as error:
                if error.code == "unauthorized" and (line.has_heard or not self._has_renewed):
                    self._access.renew(token)
                    self._has_renewed = True
                    error.permanent = False  # with a new one it may be taken
                raise

    def start_processing(self, asked: Asked) -> str:
        """The call's id."""
        request = grpc_wire.processing(asked.ids)
        answer, call_id = self._ask(
            "StartProcessing", asked, request, pb.StartProcessingResponse, self._patience.quiet_seconds
        )
        if not answer.accepted:
            raise not_processed(call_id)
        return call_id

    def _ask(self, name: str, asked: Asked, request: Any, answer: Any, seconds: float) -> tuple[Any, str]:
        """The answer and the call's id. A token that is not accepted is renewed once."""
        token = self._access.token()
        try:
            return self._once(name, asked, request, answer, seconds, token)
        except VendorError as error:
            if error.code != "unauthorized":
                raise
            self._access.renew(token)
        return self._once(name, asked, request, answer, seconds, self._access.token())

    def _once(self, name: str, asked: Asked, request: Any, answer: Any, seconds: float, token: str) -> tuple[Any, str]:
        call_id = str(uuid4())
        with self._outbound.channel(self._url) as channel:
            method = channel.unary_unary(
                f"{grpc_wire.SERVICE}/{name}",
                request_serializer=type(request).SerializeToString,
                response_deserializer=answer.FromString,
            )
            try:
                return method(request, timeout=seconds, metadata=_metadata(asked, token, call_id)), call_id
            except grpc.RpcError as error:
                failure = of_grpc(error, call_id)
        # Raised out here, so that it does not carry the original along: that one's text holds what the vendor wrote.
        raise failure


def _metadata(asked: Asked, token: str, call_id: str) -> tuple[tuple[str, str], ...]:
    return (
        ("authorization", f"Bearer {token}"),
        ("external-user-id", asked.customer.user),
        ("customer-id", asked.customer.customer),
        ("x-ms-request-id", call_id),
    )


class GrpcLine:
    """The `Line` of recording.py. gRPC pulls what is sent from a queue, and another thread puts answers into one."""

    opening: Callable[[int], dict[str, Any]]
    closing: dict[str, Any]

    def __init__(self, call_id: str) -> None:
        self.call_id = call_id
        self._out: Queue[pb.RecordAmbientRequest | None] = Queue(MOST_WAITING)
        self._in: Queue[Heard | VendorError] = Queue()
        self._over: VendorError | None = None
        self.has_heard = False

    @contextmanager
    def begun(self, method: Any, metadata: Any, seconds: float) -> Iterator[None]:
        call = method(iter(self._out.get, None), timeout=seconds, metadata=metadata)
        listening = Thread(target=self._listen, args=(call,), daemon=True)
        listening.start()
        try:
            yield
        finally:
            call.cancel()
            with suppress(Full):
                self._out.put_nowait(None)
            listening.join()

    def open(self, starting_offset: int) -> None:
        self._put(grpc_wire.opening(self.opening(starting_offset)))

    def send(self, start: int, data: bytes) -> None:
        self._put(grpc_wire.chunk(start, data))

    def close_recording(self) -> None:
        self._put(grpc_wire.closing(self.closing))
        self._put(None)

    def receive(self, seconds: float) -> Heard | None:
        if self._over:
            raise self._over
        try:
            said = self._in.get(timeout=seconds) if seconds > 0 else self._in.get_nowait()
        except Empty:
            return None
        if isinstance(said, VendorError):
            self._over = said
            raise said
        return said

    def _put(self, message: pb.RecordAmbientRequest | None) -> None:
        """Waits while the connection takes no more. Raises what the call came to."""
        for _ in range(SEND_SECONDS):
            try:
                return self._out.put(message, timeout=1.0)
            except Full:
                self._raise_if_over()
        raise silent(self.call_id)

    def _raise_if_over(self) -> None:
        """An error is behind whatever was said before it."""
        last = self._in.queue[-1] if self._in.queue else None
        if isinstance(last, VendorError):
            raise last

    def _listen(self, call: Any) -> None:
        try:
            for message in call:
                if said := grpc_wire.heard(message):
                    self.has_heard = True
                    self._in.put(said)
            self._in.put(closed("", self.call_id))
        except grpc.RpcError as error:
            self._in.put(of_grpc(error, self.call_id))
