"""What is handed to an adapter beside its job, kept in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from vendors.base import Superseded


@dataclass
class Noted:
    """The Progress of vendors.base. After `most_ms` of audio the worker is superseded."""

    ref: str | None = None
    sent_ms: int = 0
    heard_ms: int = 0
    most_ms: int | None = None
    place: Mapping[str, int] = field(default_factory=dict)
    places: list[Mapping[str, int]] = field(default_factory=list)
    broke_at_ms: list[int] = field(default_factory=list)
    heard_texts: list[tuple[str, bool]] = field(default_factory=list)

    def opened(self, ref: str) -> None:
        self.ref = ref

    def sending(self, until_ms: int) -> None:
        if self.most_ms is not None and until_ms > self.most_ms:
            raise Superseded
        self.sent_ms = until_ms

    def reached(self, place: Mapping[str, int], until_ms: int) -> None:
        if self.most_ms is not None and until_ms > self.most_ms:
            raise Superseded
        self.place, self.sent_ms = place, until_ms
        self.places.append(place)

    def broke(self) -> None:
        self.broke_at_ms.append(self.sent_ms)

    def heard_out(self, until_ms: int) -> None:
        self.heard_ms = until_ms

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

    def drop(self, key: str, token: str) -> None:
        if self.kept.get(key) == token:
            del self.kept[key]
