"""What every talk shares, over a WebSocket or by gRPC: who may begin it, how it ends, and the two short ones."""

from collections.abc import Mapping
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from sandbox.dragon.checks import OWNERS, is_uuid
from sandbox.dragon.contract import AUDIO_AUDIENCE, Refused
from sandbox.dragon.sessions import Session

if TYPE_CHECKING:
    from sandbox.dragon.vendor import Dragon


class Why(Enum):
    INVALID = auto()
    NOT_FOUND = auto()
    INTERNAL = auto()
    TAKEN_OVER = auto()
    DROPPED = auto()
    SILENT = auto()


class Ended(Exception):
    """The talk is over, and this is what the client is told."""

    def __init__(self, why: Why, reason: str = "") -> None:
        super().__init__(reason)
        self.why, self.reason = why, reason


def admit(dragon: "Dragon", headers: Mapping[str, str]) -> str:
    """The clinician for whom the caller streams; raises Refused."""
    if dragon.take(None, "handshake"):
        raise Refused(500, "Internal server error")
    dragon.authorize(headers.get("authorization"), AUDIO_AUDIENCE, None)
    user = headers.get("user-guid") or headers.get("external-user-id")
    if not user:
        raise Refused(403, "user-guid or external-user-id is required")
    return user


def configuration(dragon: "Dragon", body: Mapping[str, Any]) -> dict[str, Any]:
    """Raises Ended."""
    fault = dragon.take(None, "configuration_talk")
    name = fault.name if fault else ""
    if name == "configuration_silent":
        raise Ended(Why.SILENT)
    if name == "configuration_refused" or not all(is_uuid(body.get(one)) for one in ("partnerId", "customerId")):
        raise Ended(Why.INVALID, "Failed to convert request to RetrieveConfigurationRequest")
    if name == "configuration_empty":
        return {}
    usual = dragon.settings.configuration()
    return usual | ({"recordingLocales": ["x" * fault.params["bytes"]]} if fault else {})


def start_processing(dragon: "Dragon", body: Mapping[str, Any]) -> Session:
    """A repeated one changes nothing. Raises Ended."""
    fault = dragon.take(str(body.get("correlationId")), "processing_talk")
    if fault and fault.name == "processing_silent":
        raise Ended(Why.SILENT)
    if fault or not all(is_uuid(body.get(name)) for name in OWNERS):
        raise Ended(Why.INVALID, "Failed to convert request to StartProcessingRequest")
    session = dragon.sessions.find(body.get("correlationId"))
    if session is None:
        raise Ended(Why.NOT_FOUND, "Session not found")
    if not session.is_whole:
        session.offend("processed_incomplete")
    dragon.work_on(session)
    return session
