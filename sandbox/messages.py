"""What passes between the server and a vendor: a request in, an answer (or silence) out."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True)
class Request:
    """One HTTP request. Header names are lower case; the path has no query."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


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


class Vendor(Protocol):
    """All that the server and the control API know of a vendor. `control` gets the path behind /control/<name>/."""

    name: str

    def handle(self, request: Request) -> Answer | Silence: ...

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
