"""Times of the day: 20:00, 8 pm, 20h and what may be said for them: "eight in the evening", "huit heures du soir"."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from notes.evidence import units
from notes.evidence.languages.language import Language
from notes.evidence.numbers import plain, text
from notes.evidence.tokens import Token

NOON, MIDNIGHT = 12, 24
HALVES = {"am": 0, "pm": NOON}


class Time(NamedTuple):
    forms: tuple[str, ...]
    after: int


def read(tokens: Sequence[Token], at: int, language: Language) -> Time | None:
    hour, sign, minute = text(tokens, at).replace("h", ":").partition(":")
    half = text(tokens, at + 1)
    if sign and hour.isdecimal() and minute.isdecimal():
        return Time((_form(_afternoon(int(hour), HALVES.get(half, 0)), minute),), at + 1 + (half in HALVES))
    if not hour.isdecimal() or len(hour) > 2:
        return None
    if half in HALVES:
        return Time((_form(_afternoon(int(hour), HALVES[half]), "00"),), at + 2)
    return _hour(tokens, at, int(hour), language)


def _form(hour: int, minute: str) -> str:
    return f"{hour:02}:{minute}"


def _afternoon(hour: int, later: int) -> int:
    return hour % NOON + later if later or hour == NOON else hour


def _hour(tokens: Sequence[Token], at: int, hour: int, language: Language) -> Time | None:
    """20 h, which is also as long as that."""
    unit = units.unit_at(tokens, at + 1, language)
    if text(tokens, at - 1) not in language.clock or unit is None or unit[0] != "hour" or hour > MIDNIGHT:
        return None
    return Time((_form(hour, "00"), *units.forms(hour, "hour", language)), unit[1])


def spoken(written: str, language: Language) -> Iterator[str]:
    """What answers for 20:30: "eight thirty", "half past eight", "vingt heures trente"."""
    hour, minute = (int(part) for part in written.split(":"))
    for said in {hour, hour % NOON or NOON}:
        yield f"{said:02}:{minute:02}"
        yield from units.forms(said, "hour", language)[:1]
        yield from units.forms(said + minute / 60, "hour", language)[:1]
        yield f"bare {plain(said * 100 + minute if minute else said)}"
        if minute:
            yield f"bare {plain(said)}"
