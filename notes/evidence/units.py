"""Units, and what equals what: 0.5 g is 500 mg, two weeks are 14 days, 38.5 °C is 101.3 °F."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from notes.evidence.languages.language import Language, named
from notes.evidence.numbers import plain, text
from notes.evidence.tokens import Token

Kind = Literal["dose", "time", "size", "count", "reading", "distance", "money"]

#: As written in every language; a language's own words lead to the same names.
WRITTEN: Mapping[str, str] = named(
    mg="mg mgs",
    mcg="mcg ug µg μg",
    g="g",
    kg="kg kgs",
    lb="lb lbs",
    ml="ml",
    cl="cl",
    dl="dl",
    l="l",
    cm="cm",
    mm="mm",
    m="m",
    km="km",
    units="iu ui u",
    meq="meq",
    mmol="mmol",
    percent="%",
    degree="°",
    mmhg="mmhg",
    rate="bpm",
    minute="min",
    hour="h",
    day="d",
    week="w",
    year="y",
    money="$ €",
)
KINDS: Mapping[str, Kind] = {
    **dict.fromkeys(("mg", "mcg", "g", "ml", "cl", "dl", "l", "units", "meq", "mmol"), "dose"),
    **dict.fromkeys(("second", "minute", "hour", "day", "week", "month", "year"), "time"),
    **dict.fromkeys(("cm", "mm", "m", "kg", "lb"), "size"),
    **dict.fromkeys(("km", "mile", "inch", "ft"), "distance"),
    **dict.fromkeys(("tablet", "puff", "drop"), "count"),
    **dict.fromkeys(("percent", "degree", "celsius", "fahrenheit", "mmhg", "rate"), "reading"),
    "money": "money",
}
#: How many of another unit one is.
MULTIPLES: Mapping[str, tuple[float, str]] = {
    "mcg": (0.001, "mg"),
    "g": (1000, "mg"),
    "cl": (10, "ml"),
    "dl": (100, "ml"),
    "l": (1000, "ml"),
    "mm": (0.1, "cm"),
    "m": (100, "cm"),
    "second": (1 / 60, "minute"),
    "hour": (60, "minute"),
    "day": (1440, "minute"),
    "week": (10080, "minute"),
    "year": (12, "month"),
}
#: The largest that holds a whole number of them is what it is called by.
LARGER = {"minute": ((1440, "day"), (60, "hour")), "month": ((12, "year"),)}
SCALES = {"celsius": "°C", "fahrenheit": "°F"}
PLURAL = frozenset({"minute", "hour", "day", "month", "year", "tablet", "puff", "drop", "mile"})
SHOWN = {"percent": "%", "rate": "/min", "mmhg": "mmHg", "meq": "mEq", "degree": "°"}


def unit_at(tokens: Sequence[Token], at: int, language: Language) -> tuple[str, int] | None:
    """The unit that stands at a token, and the token after it. "10-day" and "per cent" are taken as they are meant."""
    if text(tokens, at) == "-" and tokens[at].glued:
        at += 1
    if text(tokens, at) in ("per", "pour", "por") and text(tokens, at + 1) in ("cent", "ciento"):
        return "percent", at + 2
    unit = language.units.get(text(tokens, at)) or WRITTEN.get(text(tokens, at))
    if unit == "degree":
        return _degrees(tokens, at + 1, language)
    return (unit, at + 1) if unit else None


def _degrees(tokens: Sequence[Token], at: int, language: Language) -> tuple[str, int]:
    scale = language.units.get(text(tokens, at)) or {"c": "celsius", "f": "fahrenheit"}.get(text(tokens, at), "")
    return (scale, at + 1) if scale in SCALES else ("degree", at)


def forms(value: float, unit: str, language: Language) -> tuple[str, ...]:
    """Canonical spellings of a quantity, its own first; two are equal when they share one."""
    factor, base = MULTIPLES.get(unit, (1, unit))
    value = round(value * factor, 6)
    own = _named(value, base)
    return (own, *_equals(value, base, language))


def _named(value: float, unit: str) -> str:
    for size, larger in LARGER.get(unit, ()):
        if value and not value % size:
            value, unit = value / size, larger
            break
    if unit in ("percent", "rate"):
        return f"{plain(value)}{SHOWN[unit]}"
    return f"{plain(value)} {SCALES.get(unit) or SHOWN.get(unit, unit)}{'s' if unit in PLURAL and value != 1 else ''}"


def _equals(value: float, unit: str, language: Language) -> Iterator[str]:
    if unit == "minute":
        yield from _days(value / 1440, language)
    elif unit == "degree":
        yield from (_named(value, scale) for scale in SCALES)
    elif unit == "celsius":
        yield from _rounded(value * 1.8 + 32, "fahrenheit")
    elif unit == "fahrenheit":
        yield from _rounded((value - 32) / 1.8, "celsius")
    elif unit == "kg":
        yield from _rounded(value / 0.45359237, "lb")
    elif unit == "lb":
        yield from _rounded(value * 0.45359237, "kg")


def _days(days: float, language: Language) -> Iterator[str]:
    if days in language.days_said_for:
        yield _named(language.days_said_for[days] * 1440, "minute")
    for length in (28, 30):  # people count a month as four weeks
        if 0 < days <= 7 * length and not days % length:
            yield _named(days / length, "month")


def _rounded(value: float, unit: str) -> Iterator[str]:
    yield _named(round(value), unit)
    yield _named(round(value, 1), unit)
