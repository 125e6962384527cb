"""What Dragon Copilot takes of a partner and customer, as it tells when it is asked; its fields are our reading."""

from __future__ import annotations

from dataclasses import dataclass

from vendors.base import VendorError

PCM, WEBM_OPUS = "pcm", "webm_opus"
#: What was stored, and what Dragon Copilot calls it where that is not its content type.
NAMES = {"audio/webm": WEBM_OPUS}


@dataclass(frozen=True, slots=True)
class Configuration:
    """Empty, or 0: nothing is said about it. `formats`: content types, `pcm` and `webm_opus`."""

    formats: frozenset[str] = frozenset()
    languages: frozenset[str] = frozenset()
    shortest_seconds: float = 0.0
    longest_seconds: float = 0.0

    def takes(self, content_type: str) -> bool:
        return NAMES.get(content_type, content_type) in self.formats

    def obey(self, language: str, duration_ms: int) -> None:
        """Raises VendorError for a recording that would be refused, or cut."""
        if self.languages and language.lower() not in {one.lower() for one in self.languages}:
            message = (
                "Dragon Copilot does not take this session's language for this customer. Ask again in one that it "
                f"takes: {', '.join(sorted(self.languages))}."
            )
            raise VendorError(message, permanent=True, code="language_refused")
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


UNKNOWN = Configuration()
