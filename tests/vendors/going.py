"""What is handed to an adapter beside its job, kept in memory."""

from __future__ import annotations

from dataclasses import dataclass, field

from vendors.base import Superseded


@dataclass
class Noted:
    """The Progress of vendors.base. After `most_ms` of audio the worker is superseded."""

    ref: str | None = None
    sent_ms: int = 0
    most_ms: int | None = None
    heard_texts: list[tuple[str, bool]] = field(default_factory=list)

    def opened(self, ref: str) -> None:
        self.ref = ref

    def sending(self, until_ms: int) -> None:
        if self.most_ms is not None and until_ms > self.most_ms:
            raise Superseded
        self.sent_ms = until_ms

    def heard(self, text: str, *, is_final: bool) -> None:
        self.heard_texts.append((text, is_final))

    def finals(self) -> list[str]:
        return [text for text, is_final in self.heard_texts if is_final]


@dataclass
class OwnTokens:
    """The Tokens of vendors.base, for one process. `seconds`: how long each was to be kept."""

    kept: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def get(self, key: str) -> str | None:
        return self.kept.get(key)

    def put(self, key: str, token: str, seconds: float) -> None:
        self.kept[key], self.seconds[key] = token, seconds

    def drop(self, key: str) -> None:
        self.kept.pop(key, None)
