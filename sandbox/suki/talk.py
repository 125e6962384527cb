"""What both kinds of socket share: frames read and counted, audio unpacked, the end written down."""

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from websockets.frames import CloseCode

from sandbox.faults import Fault
from sandbox.ledger import now
from sandbox.sockets import Closed, Quiet, Socket
from sandbox.suki.sessions import Line, Session

FRAMES_COUNTED = ("START_TIME", "AUDIO", "EVENT")
EVENTS = ("PAUSE", "RESUME", "CANCEL", "ABORT", "KEEP_ALIVE", "AUDIO_END")


class Ended(Exception):
    """The talk is over. The reason is written down; with a `code` the client is told goodbye."""

    def __init__(self, reason: str, code: int | None = None) -> None:
        super().__init__(reason)
        self.reason, self.code = reason, code


@contextmanager
def line_of(session: Session, socket: Socket, subprotocol: str | None, faults: Mapping[str, Fault]) -> Iterator[Line]:
    """The record of one socket, for as long as it is open. Ends it as the Ended inside has it."""
    line = Line(socket, subprotocol, faults=[fault.name for fault in faults.values()])
    session.lines.append(line)
    try:
        yield line
    except Ended as end:
        line.ended_by = end.reason
        if end.code is not None:
            socket.close(end.code, end.reason)
    except Closed:
        line.ended_by = socket.ended_by
        socket.close(CloseCode.GOING_AWAY)
    finally:
        line.closed, line.close_code = now(), socket.close_code


def check_still_open(session: Session) -> None:
    """Raises Ended for a session that has ended since its handshake."""
    if session.ended:
        raise Ended("the session has ended", CloseCode.GOING_AWAY)


def read_frame(session: Session, line: Line, message: str | bytes) -> dict[str, Any]:
    """The object in a text frame; an empty one where there is none. Raises Ended for a binary frame."""
    if isinstance(message, bytes):
        session.count(line, "binary")
        session.offend("binary_frame")
        raise Ended("binary frame", CloseCode.UNSUPPORTED_DATA)
    try:
        frame = json.loads(message)
    except (ValueError, RecursionError):
        frame = None
    kind = frame.get("type") if isinstance(frame, dict) else None
    if kind not in FRAMES_COUNTED:
        session.count(line, "other")
        session.offend("unknown_frame" if isinstance(frame, dict) else "not_an_object")
        return {}
    event = frame.get("event")
    session.count(line, f"EVENT {event if event in EVENTS else 'other'}" if kind == "EVENT" else kind)
    return dict(frame)


def unpack(session: Session, frame: Mapping[str, Any], name: str) -> bytes | None:
    """The samples under this name, which the other kind of socket calls otherwise; None where they are not there."""
    other = "audioData" if name == "data" else "data"
    if other in frame:
        session.offend(f"{other}_instead_of_{name}")
    try:
        return base64.b64decode(frame[name].encode("ascii"), validate=True)
    except (KeyError, AttributeError, UnicodeError, binascii.Error):
        session.offend("not_base64")
        return None


def hear(session: Session, line: Line, samples: bytes, drop: Fault | None) -> None:
    """One frame's audio; raises Ended when a fault breaks the connection off after it."""
    session.hear(line, samples)
    if drop and line.audio_bytes >= drop.params["after_bytes"]:
        line.socket.drop()
        raise Ended("dropped by a fault")


def receive(session: Session, socket: Socket, seconds: float) -> str | bytes:
    """The next message; raises Ended when nothing comes for too long."""
    try:
        return socket.receive(seconds)
    except Quiet as error:
        session.offend("silent_for_too_long")
        raise Ended("silent for too long", CloseCode.POLICY_VIOLATION) from error
