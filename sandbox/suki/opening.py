"""The handshakes of both sockets: whose they are, and whether the session accepts them."""

from typing import TYPE_CHECKING

from sandbox.messages import Upgrade
from sandbox.suki import ambient
from sandbox.suki.contract import STREAM, SUBPROTOCOLS, TRANSCRIBE, Call, Refused
from sandbox.suki.faults import OF_A_SOCKET
from sandbox.suki.sessions import AMBIENT, DICTATION, Session
from sandbox.suki.streaming import Streaming
from sandbox.suki.tokens import HEADER, PROVIDER_HEADER
from sandbox.suki.transcribing import Transcribing

if TYPE_CHECKING:
    from sandbox.suki.vendor import Suki

KINDS = {STREAM: AMBIENT, TRANSCRIBE: DICTATION}


def opened(suki: "Suki", call: Call) -> Upgrade:
    """Raises Refused, whose status is then the handshake's."""
    headers = call.request.headers
    if headers.get("upgrade", "").lower() != "websocket":
        raise Refused(426, "upgrade_required")
    subprotocol, token = browser_token(headers.get("sec-websocket-protocol", ""))
    named = headers.get(PROVIDER_HEADER)
    if subprotocol and (known := suki.sessions.find(call.session_id)):
        named = named or known.provider  # A browser cannot send the header.
    provider = suki.tokens.provider(token or headers.get(HEADER), named, suki.settings)
    session = suki.session(call.session_id, KINDS[call.endpoint], provider)
    return open_stream(suki, session, subprotocol) if call.endpoint == STREAM else open_line(suki, session, subprotocol)


def browser_token(offered: str) -> tuple[str | None, str | None]:
    """(name, token) of a `Sec-WebSocket-Protocol: <name>,<token>,<session id>`."""
    parts = [part.strip() for part in offered.split(",")]
    return (parts[0], parts[1]) if len(parts) == 3 and parts[0] in SUBPROTOCOLS else (None, None)


def open_stream(suki: "Suki", session: Session, subprotocol: str | None) -> Upgrade:
    if session.ended:
        raise Refused(suki.settings.handshake_status, "FailedPrecondition: the session has ended")
    faults = suki.take(session.id, OF_A_SOCKET)
    streaming = Streaming(session, suki.settings, faults, subprotocol, lambda one: ambient.give_up(suki, one))
    return Upgrade(streaming.talk, subprotocol)


def open_line(suki: "Suki", session: Session, subprotocol: str | None) -> Upgrade:
    if not session.claim():
        raise Refused(suki.settings.handshake_status, f"FailedPrecondition: the session is {session.state.upper()}")
    faults = suki.take(session.id, OF_A_SOCKET)
    return Upgrade(Transcribing(session, suki.settings, faults, subprotocol).talk, subprotocol)
