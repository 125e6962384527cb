"""What passes between the server and a vendor: a request in; an answer, a stream, a WebSocket or silence out."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from sandbox.sockets import Socket


@dataclass(frozen=True)
class Request:
    """One HTTP request. Header names are lower case; the path has no query, and `query` of a repeated name the last."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    query: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def payload(self) -> bytes:
        """The body as JSON, or as it is when it is bytes already."""
        if isinstance(self.body, bytes):
            return self.body
        return b"" if self.body is None else json.dumps(self.body, ensure_ascii=False).encode()


@dataclass(frozen=True)
class Silence:
    """No answer at all: the connection is held for so many seconds, then closed."""

    seconds: float


@dataclass(frozen=True)
class Stream:
    """An answer that memory need not hold. Pieces that are not as long as announced end the connection."""

    status: int
    length: int
    pieces: Iterable[bytes]
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Raw:
    """Bytes as they are, the head among them, each piece sent at once; then the connection is closed."""

    pieces: Iterable[bytes]


@dataclass(frozen=True)
class Upgrade:
    """The connection becomes a WebSocket, which is `talk`'s until that returns; `subprotocol` is the one agreed on."""

    talk: Callable[[Socket], None]
    subprotocol: str | None = None


Reply = Answer | Silence | Stream | Raw | Upgrade


class Vendor(Protocol):
    """All that the server and the control API know of a vendor. `control` gets the path behind /control/<name>/."""

    name: str

    def handle(self, request: Request) -> Reply: ...

    def control(self, request: Request, path: str) -> Answer: ...

    def reset(self) -> None: ...


class NotJson(ValueError):
    pass


def read_object(body: bytes) -> dict[str, Any]:
    """The JSON object in a body; raises NotJson for anything else."""
    try:
        read = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise NotJson("the body is not JSON") from error
    if not isinstance(read, dict):
        raise NotJson("the body is not a JSON object")
    return read
