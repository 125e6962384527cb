"""How often, and how long, before a try at a recording is given up: whoever follows goes on where it stopped."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Patience:
    """`tries` at one chunk, or at a stream that makes no headway, with pauses that double.

    `quiet_seconds`: how long a stream's other side may say nothing while something is due from it.
    `configuration_seconds`: the same of a configuration, without which a recording goes on.
    """

    tries: int = 6
    first_seconds: float = 0.5
    longest_seconds: float = 8.0
    quiet_seconds: float = 20.0
    configuration_seconds: float = 5.0

    def pause(self, tries: int, retry_after: float | None = None) -> float:
        usual = min(self.first_seconds * 2.0 ** (tries - 1), self.longest_seconds)
        return min(max(usual, retry_after or 0.0), self.longest_seconds)

    def allows(self, tries: int, retry_after: float | None) -> bool:
        """Whether there may be another try now: not where the vendor asks for more time than is waited here."""
        return tries < self.tries and (retry_after or 0.0) <= self.longest_seconds
