"""Days of the year: "the 3rd of May", "3 mai" and 03/05 are one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from notes.evidence import numbers
from notes.evidence.languages.language import Language
from notes.evidence.numbers import text
from notes.evidence.tokens import Token

YEARS = range(1900, 2100)
ENDINGS = frozenset({"st", "nd", "rd", "th", "er"})


class Date(NamedTuple):
    """With a year, it is most often the day of the consultation, which nobody says."""

    forms: tuple[str, ...]
    after: int
    has_year: bool


class Day(NamedTuple):
    number: int
    after: int


def read(tokens: Sequence[Token], at: int, language: Language) -> Date | None:
    return _numeric(tokens, at, language) or _named(tokens, at, language)


def of_numbers(first: float, second: float, language: Language) -> tuple[str, ...]:
    """The days that 03/05 can be."""
    orders = ((first, second), (second, first)) if language.code == "en" else ((second, first),)
    return tuple(_form(int(month), int(day)) for month, day in orders if 1 <= month <= 12 and 1 <= day <= 31)


def _form(month: int, day: int) -> str:
    return f"{month:02}-{day:02}"


def _numeric(tokens: Sequence[Token], at: int, language: Language) -> Date | None:
    """03/05/2024, 2024-05-03."""
    signs = text(tokens, at + 1), text(tokens, at + 3)
    written = [_digits(tokens, place) for place in (at, at + 2, at + 4)]
    if signs not in (("/", "/"), ("-", "-"), (".", ".")) or None in written:
        return None
    first, second, third = (number or 0 for number in written)
    if first in YEARS:
        return Date((_form(second, third),), at + 5, has_year=True)
    is_date = third in YEARS or (third < 100 and signs[0] == "/")
    return Date(of_numbers(first, second, language), at + 5, has_year=True) if is_date else None


def _digits(tokens: Sequence[Token], at: int) -> int | None:
    written = text(tokens, at)
    return int(written) if written.isdecimal() and len(written) <= 4 else None


def _named(tokens: Sequence[Token], at: int, language: Language) -> Date | None:
    """May 3, the 3rd of May, 3 mai."""
    if month := language.months.get(text(tokens, at)):
        day = _day(tokens, at + 1 + (text(tokens, at + 1) == "the"), language)
        return _dated(tokens, month, day, day.after, language) if day else None
    day = _day(tokens, at, language)
    if day is None:
        return None
    after = day.after + (text(tokens, day.after) == "of")
    month = language.months.get(text(tokens, after))
    return _dated(tokens, month, day, after + 1, language) if month else None


def _day(tokens: Sequence[Token], at: int, language: Language) -> Day | None:
    if number := language.ordinals.get(text(tokens, at)):
        return Day(number, at + 1)
    said = numbers.read(tokens, at, language) if at < len(tokens) else None
    if said is None or said.value not in range(1, 32) or said.is_loose:
        return None
    is_ordinal = text(tokens, said.after) in ENDINGS and tokens[said.after].glued
    return Day(int(said.value), said.after + is_ordinal)


def _dated(tokens: Sequence[Token], month: int, day: Day, after: int, language: Language) -> Date:
    place = after + (text(tokens, after) == ",")
    year = numbers.read(tokens, place, language) if place < len(tokens) else None
    if year and year.value in YEARS:
        return Date((_form(month, day.number),), year.after, has_year=True)
    return Date((_form(month, day.number),), after, has_year=False)
