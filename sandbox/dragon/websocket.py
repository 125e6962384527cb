"""The three addresses of the WebSocket."""

import base64
import binascii
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from websockets.frames import CloseCode

from sandbox.dragon.checks import is_uuid
from sandbox.dragon.contract import CONFIGURATION, PROCESSING, RECORD, SOCKET_VERSION, Call, Refused
from sandbox.dragon.opening import BAD_OPENING, read_opening
from sandbox.dragon.sessions import WEBSOCKET
from sandbox.dragon.streaming import BAD_CHUNK, Take
from sandbox.dragon.talk import Ended, Why, admit, configuration, start_processing
from sandbox.messages import Upgrade
from sandbox.sockets import Closed, Quiet, Socket

if TYPE_CHECKING:
    from sandbox.dragon.vendor import Dragon

CODES: Mapping[Why, CloseCode] = {
    Why.INVALID: CloseCode.POLICY_VIOLATION,
    Why.NOT_FOUND: CloseCode.POLICY_VIOLATION,
    Why.INTERNAL: CloseCode.INTERNAL_ERROR,
    Why.TAKEN_OVER: CloseCode.GOING_AWAY,
}


def opened(dragon: "Dragon", call: Call) -> Upgrade:
    """Raises Refused, whose status is then the handshake's."""
    headers = call.request.headers
    if headers.get("upgrade", "").lower() != "websocket":
        raise Refused(426, "a WebSocket is wanted here")
    offered = [one.strip() for one in headers.get("sec-websocket-protocol", "").split(",")]
    by_subprotocol = {"authorization": f"Bearer {offered[-1]}"} if offered[-1] else {}
    user = admit(dragon, {**by_subprotocol, **headers})
    if not is_uuid(headers.get("customer-id")):
        raise Refused(403, "customer-id is required")
    if dragon.settings.demands_api_version and call.request.query.get("api-version") != SOCKET_VERSION:
        raise Refused(403, f"api-version={SOCKET_VERSION} is required")
    talk = TALKS[call.endpoint]
    return Upgrade(lambda socket: held(dragon, socket, lambda: talk(dragon, socket, user)), offered[0] or None)


def held(dragon: "Dragon", socket: Socket, talk: Callable[[], None]) -> None:
    """The whole of a connection: whatever ends the talk, this says so to the client as it is to be said."""
    try:
        with silence(dragon, socket):
            if dragon.settings.app_only_is_silent:
                raise Ended(Why.SILENT)
            talk()
            socket.close()
    except Ended as end:
        if end.why is Why.DROPPED:
            socket.drop()
        else:
            socket.close(CODES[end.why], end.reason)
    except Closed:
        socket.close(CloseCode.GOING_AWAY)


@contextmanager
def silence(dragon: "Dragon", socket: Socket) -> Iterator[None]:
    """Where silence is the answer, the client is heard and never answered, until it goes."""
    try:
        yield
    except Quiet as error:
        raise Ended(Why.TAKEN_OVER, "Nothing was sent for too long") from error
    except Ended as end:
        if end.why is not Why.SILENT:
            raise
        while True:
            try:
                socket.receive(dragon.settings.quiet_seconds)
            except Quiet:
                continue


def record(dragon: "Dragon", socket: Socket, user: str) -> None:
    name, body = read_frame(socket.receive(dragon.settings.quiet_seconds), BAD_OPENING)
    if name != "RecordingOpen":
        raise Ended(Why.INVALID, BAD_OPENING)
    take = Take(dragon, read_opening(body), WEBSOCKET, user)
    dragon.write_stream(take.session, RECORD, WEBSOCKET, name)
    while isinstance(message := socket.receive(dragon.settings.quiet_seconds), bytes):
        stored = take.add(*read_chunk(message))
        if stored is not None:
            socket.send(acknowledgement(take, stored))
    name, body = read_frame(message, BAD_CHUNK)
    if name != "RecordingClose":
        raise Ended(Why.INVALID, BAD_CHUNK)
    dragon.write_stream(take.session, RECORD, WEBSOCKET, name)
    say(socket, recordingCloses={"dataStored": take.close(body)})


def acknowledgement(take: Take, stored: int) -> str:
    fault = take.faults.get("acks")
    usual = json.dumps({"dataStored": {"dataStored": stored}}) + " " * take.padding
    return str(fault.params.get("body", usual)) if fault else usual


def retrieve_configuration(dragon: "Dragon", socket: Socket, _: str) -> None:
    say(socket, retrieveConfiguration=configuration(dragon, asked(dragon, socket, "RetrieveConfiguration")))


def process(dragon: "Dragon", socket: Socket, _: str) -> None:
    session = start_processing(dragon, asked(dragon, socket, "StartProcessing"))
    dragon.write_stream(session, PROCESSING, WEBSOCKET, "StartProcessing")
    say(socket, startProcessing={"accepted": True})


def asked(dragon: "Dragon", socket: Socket, wanted: str) -> dict[str, Any]:
    """The one frame of a short talk."""
    reason = f"Failed to convert request to {wanted}Request"
    name, body = read_frame(socket.receive(dragon.settings.quiet_seconds), reason)
    if name != wanted:
        raise Ended(Why.INVALID, reason)
    return body


TALKS: Mapping[str, Callable[["Dragon", Socket, str], None]] = {
    RECORD: record,
    CONFIGURATION: retrieve_configuration,
    PROCESSING: process,
}


def say(socket: Socket, **message: Any) -> None:
    socket.send(json.dumps(message))


def read_frame(message: str | bytes, reason: str) -> tuple[str, dict[str, Any]]:
    """(Path, the JSON object) of a text frame; raises Ended with the reason for anything else."""
    try:
        head, _, text = str(message).partition("\r\n\r\n") if isinstance(message, str) else ("", "", "")
        headers = dict(line.split("=", 1) for line in head.split("\r\n"))
        datetime.fromisoformat(headers["X-Timestamp"])
        body = json.loads(text)
        if not is_uuid(headers["X-MS-Request-Id"]) or not isinstance(body, dict):
            raise ValueError("the request's id is no UUID, or its body no object")
    except (ValueError, KeyError, RecursionError) as error:
        raise Ended(Why.INVALID, reason) from error
    return headers.get("Path", ""), body


def read_chunk(message: bytes) -> tuple[Any, bytes]:
    """(DataStart, the bytes) of a DataChunk; raises Ended."""
    try:
        body = json.loads(message)
        return body["DataStart"], base64.b64decode(body["Data"], validate=True)
    except (ValueError, KeyError, TypeError, RecursionError, binascii.Error) as error:
        raise Ended(Why.INVALID, BAD_CHUNK) from error
