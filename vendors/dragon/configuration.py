"""What Dragon Copilot takes of a partner and customer, as it tells when it is asked; its fields are our reading."""

from __future__ import annotations

import re
from dataclasses import dataclass

from vendors.base import VendorError

PCM, WEBM_OPUS = "pcm", "webm_opus"
#: A byte stream of which nothing else is said; and what is nothing that we can send.
ANY_FILE, OTHER = "any_file", "other"
#: What was stored, and what Dragon Copilot calls it where that is not its content type.
NAMES = {"audio/webm": WEBM_OPUS}
#: So many of the vendor's names are repeated to staff, and only such as are a language's. Source: RFC 5646.
MOST_TOLD = 10
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")


def pcm(rate: int, bits: int, channels: int) -> str:
    """The name of raw samples, of which 0 says nothing: PCM, in which we can send them, at a rate that is named."""
    if bits not in (0, 16) or channels not in (0, 1):
        return OTHER
    return f"{PCM} {rate}" if rate else PCM


@dataclass(frozen=True, slots=True)
class Configuration:
    """Empty, or 0: nothing is said about it. `formats`: content types, and the names above.

    `languages`: of recordings; `report_languages`: of what is written of them.
    """

    formats: frozenset[str] = frozenset()
    languages: frozenset[str] = frozenset()
    report_languages: frozenset[str] = frozenset()
    shortest_seconds: float = 0.0
    longest_seconds: float = 0.0

    def takes(self, content_type: str) -> bool:
        name = NAMES.get(content_type, content_type)
        return name in self.formats or (name == content_type and ANY_FILE in self.formats)

    def takes_pcm(self, rate: int) -> bool:
        return not self.formats.isdisjoint({PCM, f"{PCM} {rate}"})

    def obey(self, language: str, duration_ms: int) -> None:
        """Raises VendorError for a recording that would be refused, or cut."""
        if not all(_has(named, language) for named in (self.languages, self.report_languages) if named):
            raise VendorError(self._other_languages(), permanent=True, code="language_refused")
        seconds = duration_ms / 1000
        if self.longest_seconds and seconds > self.longest_seconds:
            message = (
                f"The recording lasts {seconds / 60:.0f} minutes, and Dragon Copilot takes "
                f"{self.longest_seconds / 60:.0f}. Send it in parts."
            )
            raise VendorError(message, permanent=True, code="too_long")
        if seconds < self.shortest_seconds:
            message = f"The recording is too short: Dragon Copilot takes {self.shortest_seconds:g} seconds at least."
            raise VendorError(message, permanent=True, code="too_short")

    def _other_languages(self) -> str:
        both = [one for one in self.languages or self.report_languages if _has(self.report_languages or {one}, one)]
        told = sorted(filter(_LANGUAGE.fullmatch, both))
        named = f", such as {', '.join(told[:MOST_TOLD])}" if told else ""
        return (
            "Dragon Copilot does not take this session's language for this customer. Ask again in one that it "
            f"takes{named}."
        )


UNKNOWN = Configuration()


def _has(named: frozenset[str] | set[str], language: str) -> bool:
    return language.lower() in {one.lower() for one in named}
