"""How often: "twice a day", BID, 2x/j and "every twelve hours" are one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from notes.evidence import numbers, phrasing, units
from notes.evidence.languages.language import Language, Phrase
from notes.evidence.numbers import Number, plain, text
from notes.evidence.tokens import Token

CODE = re.compile(r"q(\d{1,2})([hdw])")
PERIODS = frozenset({"day", "week", "month", "year"})
DAY_HOURS = 24


class Often(NamedTuple):
    forms: tuple[str, ...]
    after: int
    is_firm: bool = True


def is_code(word: str) -> bool:
    """q8h"""
    return word[0] == "q" and bool(CODE.fullmatch(word))


def read(tokens: Sequence[Token], at: int, language: Language) -> Often | None:
    return _code(tokens, at, language) or _times(tokens, at, language) or _phrase(tokens, at, language)


def _code(tokens: Sequence[Token], at: int, language: Language) -> Often | None:
    if not (written := CODE.fullmatch(tokens[at].text)):
        return None
    unit = {"h": "hour", "d": "day", "w": "week"}[written[2]]
    return Often(_every(int(written[1]), unit, language), at + 1)


def _phrase(tokens: Sequence[Token], at: int, language: Language) -> Often | None:
    """Daily; every eight hours; and what only hints at it."""
    spelled = phrasing.match(tokens, at, _spelled(language))
    interval = _interval(tokens, at, language)
    if interval and (spelled is None or interval.after >= spelled[1]):
        return interval
    if spelled is None:
        return None
    phrase, after = spelled
    if phrase in language.frequencies:
        canonical = language.frequencies[phrase]
        return Often((canonical,), after, is_firm=canonical != "1/day")  # "daily" goes without saying, "twice" does not
    if lasts(tokens, at, after, language):
        return None
    return Often((language.hints[phrase],), after, is_firm=False)


def lasts(tokens: Sequence[Token], at: int, after: int, language: Language) -> bool:
    """Whether "a week" is how long, and not how often."""
    return text(tokens, at - 1) in language.lasting or text(tokens, after) == "ago"


@lru_cache(maxsize=8)
def _spelled(language: Language) -> phrasing.Phrases:
    return phrasing.by_first_word(frozenset[Phrase]({*language.frequencies, *language.hints}))


def _interval(tokens: Sequence[Token], at: int, language: Language) -> Often | None:
    every = phrasing.match(tokens, at, phrasing.by_first_word(language.every))
    number = numbers.read(tokens, every[1], language) if every and every[1] < len(tokens) else None
    if number is None or number.is_article:
        return None
    last = _last_of_range(tokens, number, language)
    unit = units.unit_at(tokens, last.after, language)
    if unit is None or units.KINDS[unit[0]] != "time":
        return None
    shortest = _every(number.value, unit[0], language)
    return Often(shortest if last is number else (*shortest, *_every(last.value, unit[0], language)), unit[1])


def _last_of_range(tokens: Sequence[Token], number: Number, language: Language) -> Number:
    at = number.after + 1
    is_range = text(tokens, number.after) in (*language.ranges, "-") and at < len(tokens)
    return (numbers.read(tokens, at, language) if is_range else None) or number


def _every(count: float, unit: str, language: Language) -> tuple[str, ...]:
    if unit == "hour" and count and not DAY_HOURS % count:
        return (f"{plain(DAY_HOURS / count)}/day",)
    if unit == "day" and count in (1, 2):
        return ("1/day" if count == 1 else "1/2 days",)
    forms = units.forms(count, unit, language)
    return tuple(f"every {form}" for form in forms) + forms


def _times(tokens: Sequence[Token], at: int, language: Language) -> Often | None:
    """Twice a day, 3x/week, 2-3 times daily."""
    counts, after = _counts(tokens, at, language)
    if not counts:
        return None
    period = _period(tokens, after, language)
    if period:
        return Often(tuple(f"{plain(count)}/{period[0]}" for count in counts), period[1])
    is_times = after > at + 1 and text(tokens, after - 1) in (*language.times, "x")
    return Often(tuple(f"{plain(count)} times" for count in counts), after, is_firm=False) if is_times else None


def _counts(tokens: Sequence[Token], at: int, language: Language) -> tuple[list[float], int]:
    """The numbers of "2 to 3 times", and the token after "times"; none where it is not said how often."""
    if multiple := language.multiples.get(tokens[at].text):
        return [multiple], at + 1
    number = numbers.read(tokens, at, language)
    if number is None:
        return [], at
    last = _last_of_range(tokens, number, language)
    after = last.after
    if text(tokens, after) in (*language.times, "x"):
        after += 1
    elif text(tokens, after) != "/":
        return [], at
    return [number.value] if last is number else [number.value, last.value], after


def _period(tokens: Sequence[Token], at: int, language: Language) -> tuple[str, int] | None:
    """Day, of "a day", "/j", "par jour", "daily"."""
    if at >= len(tokens):
        return None
    spelled = phrasing.match(tokens, at, _spelled(language))
    if spelled:
        canonical = language.frequencies.get(spelled[0]) or language.hints[spelled[0]]
        unit = canonical.removeprefix("1/")
        return (unit, spelled[1]) if unit in PERIODS else None
    at += text(tokens, at) in ("/", *language.per)
    measured = units.unit_at(tokens, at, language)
    return measured if measured and measured[0] in PERIODS else None
