"""The vendor's clock, which can be put ahead: tokens and links expire by it, and recordings vanish by it."""

import time
from datetime import UTC, datetime


class Clock:
    def __init__(self) -> None:
        self.ahead_seconds = 0.0

    def now(self) -> float:
        """Unix seconds."""
        return time.time() + self.ahead_seconds

    def shown(self) -> dict[str, float | str]:
        return {"ahead_seconds": self.ahead_seconds, "now": rfc3339(self.now())}


def rfc3339(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
