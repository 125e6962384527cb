"""How often, and how long, before a try at a recording is given up: whoever follows goes on where it stopped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from vendors.base import VendorError

Answer = TypeVar("Answer")


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

    def insist(self, send: Callable[[], Answer], rest: Callable[[float], object]) -> Answer:
        """Until it is taken, or will not be, or a `rest` between two tries says that it is over. Raises VendorError."""
        tries = 0
        while True:
            try:
                return send()
            except VendorError as error:
                tries += 1
                if error.permanent or not self.allows(tries, error.retry_after):
                    raise
                if rest(self.pause(tries, error.retry_after)):
                    raise

    def pause(self, tries: int, retry_after: float | None = None) -> float:
        usual = min(self.first_seconds * 2.0 ** (tries - 1), self.longest_seconds)
        return min(max(usual, retry_after or 0.0), self.longest_seconds)

    def allows(self, tries: int, retry_after: float | None) -> bool:
        """Whether there may be another try now: not where the vendor asks for more time than is waited here."""
        return tries < self.tries and (retry_after or 0.0) <= self.longest_seconds
