"""Numbers as they are said and written: 38.5, "thirty eight point five", "quatre-vingt-dix-sept", "one oh one"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from notes.evidence import phrasing
from notes.evidence.languages.language import Language
from notes.evidence.tokens import Token

LONGEST = 9  #: digits; more of them are a telephone's or a record's, and nobody says them as one number
MOST = 10**LONGEST
SEPARATED = re.compile(r"\d{1,3}([.,])\d\d\d(?:\1\d\d\d)*")
GLYPHS = {"½": 0.5, "¼": 0.25, "¾": 0.75, "⅓": 1 / 3, "⅔": 2 / 3}
ZEROS = frozenset({"oh", "o"})


class Number(NamedTuple):
    """`after`: the token that follows. `is_article`: "a" or "one", a number only before a unit."""

    value: float
    after: int
    is_article: bool = False
    #: "half an", "a dozen of": little words may stand before the unit.
    is_loose: bool = False


def read(tokens: Sequence[Token], at: int, language: Language) -> Number | None:
    """The number that begins at a token."""
    if not (tokens[at].is_numeral or tokens[at].text in _firsts(language)) or _is_code(tokens, at):
        return None
    if text(tokens, at) in language.articles and (said := _part(tokens, at + 1, language)):
        return said
    if text(tokens, at) in language.points:
        return _with_decimals(tokens, Number(0, at), language)
    whole = _whole(tokens, at, language)
    if whole is None:
        whole = _part(tokens, at, language) or _article(tokens, at, language)
        return whole and (half_after(tokens, whole, language) or whole)
    return _with_half(tokens, _with_decimals(tokens, whole, language) or whole, language)


def text(tokens: Sequence[Token], at: int) -> str:
    return tokens[at].text if 0 <= at < len(tokens) else ""


def plain(value: float) -> str:
    """Without zeros that say nothing."""
    return f"{value:.4f}".rstrip("0").rstrip(".")


@lru_cache(maxsize=8)
def _firsts(language: Language) -> frozenset[str]:
    parts = frozenset({*GLYPHS, *language.fractions, *language.collectives})
    return parts.union(_cardinals(language), language.multipliers, language.articles, language.points)


def _is_code(tokens: Sequence[Token], at: int) -> bool:
    """The 19 of COVID-19, the 9 of E11.9."""
    if not tokens[at].glued or not tokens[at].is_numeral:
        return False
    before = text(tokens, at - 1)
    return (before in ("-", ".") and tokens[at - 1].glued and tokens[at - 2].is_word) or before == "#"


def _article(tokens: Sequence[Token], at: int, language: Language) -> Number | None:
    if text(tokens, at) not in language.articles:
        return None
    if multiplied := _multiplied(tokens, Number(1, at + 1), language):
        return multiplied
    return Number(1, at + 1, is_article=True)


def _part(tokens: Sequence[Token], at: int, language: Language) -> Number | None:
    """Half, a dozen."""
    word = text(tokens, at)
    value = GLYPHS.get(word) or language.fractions.get(word) or language.collectives.get(word)
    return Number(value, at + 1, is_loose=True) if value else None


def _whole(tokens: Sequence[Token], at: int, language: Language) -> Number | None:
    small = _numeral(tokens, at, language) or _spoken(tokens, at, language)
    if small is None:
        multiplier = language.multipliers.get(text(tokens, at), 0)
        return _multiplied(tokens, Number(1, at), language) if multiplier and not language.says_in_pairs else None
    if text(tokens, small.after) in language.multipliers:
        return _multiplied(tokens, small, language)
    if small.value == 1 and text(tokens, at) in language.articles:
        return _in_pairs(tokens, small, language)
    return _in_pairs(tokens, small, language) or small


def _numeral(tokens: Sequence[Token], at: int, language: Language) -> Number | None:
    if not (0 <= at < len(tokens) and tokens[at].is_numeral):
        return None
    value = numeral(tokens[at].text, language)
    if value is None:
        return None
    after = at + 1
    while language.decimal_comma and value and _is_thousands(tokens, after) and len(tokens[at].text) <= 3:
        value, after = value * 1000 + int(tokens[after].text), after + 1
    return Number(value, after)


def _is_thousands(tokens: Sequence[Token], at: int) -> bool:
    """The 000 of 1 000."""
    word = text(tokens, at)
    return len(word) == 3 and word.isdecimal() and tokens[at].start == tokens[at - 1].end + 1


def numeral(digits: str, language: Language) -> float | None:
    """None for what is no number, such as a clock's time or a record's number."""
    if len(digits) > LONGEST or not digits.replace(",", "").replace(".", "").isdecimal():
        return None
    thousands = SEPARATED.fullmatch(digits)
    if thousands and digits[0] != "0" and (thousands[1] == ".") == language.decimal_comma:
        return float(digits.replace(thousands[1], ""))
    try:
        return float(digits.replace(",", "."))
    except ValueError:  # 1.2.3
        return None


def _spoken(tokens: Sequence[Token], at: int, language: Language) -> Number | None:
    """0 to 99, in as many words as they take."""
    said = phrasing.match(tokens, at, _cardinals(language))
    return Number(language.cardinals[said[0]], said[1]) if said else None


@lru_cache(maxsize=8)
def _cardinals(language: Language) -> phrasing.Phrases:
    return phrasing.by_first_word(frozenset(language.cardinals))


def _multiplied(tokens: Sequence[Token], first: Number, language: Language) -> Number | None:
    total, current, at = 0.0, first.value, first.after
    while total + current < MOST and (multiplier := language.multipliers.get(text(tokens, at))):
        total, current = (total, current * 100) if multiplier == 100 else (total + current * multiplier, 0)
        at += 1
        if more := _spoken(tokens, at + (text(tokens, at) in language.joins), language):
            current, at = current + more.value, more.after
    return Number(total + current, at) if at > first.after else None


def _in_pairs(tokens: Sequence[Token], first: Number, language: Language) -> Number | None:
    """ "One twenty", "one oh one", "nineteen eighty four"."""
    if not language.says_in_pairs or not tokens[first.after - 1].is_word:
        return None
    if not (first.value <= 4 or 10 <= first.value <= 20):
        return None
    is_zero = text(tokens, first.after) in ZEROS
    second = _spoken(tokens, first.after + is_zero, language)
    if second is None or (second.value >= 10) == is_zero or text(tokens, second.after) in language.multipliers:
        return None
    return Number(first.value * 100 + second.value, second.after)


def _with_decimals(tokens: Sequence[Token], whole: Number, language: Language) -> Number | None:
    if text(tokens, whole.after) not in language.points:
        return None
    digits, at = "", whole.after + 1
    while len(digits) < LONGEST and (said := _decimal(tokens, at, language)):
        digits, at = digits + plain(said.value), said.after
    return Number(float(f"{whole.value:.0f}.{digits}"), at) if digits.isdecimal() else None


def _decimal(tokens: Sequence[Token], at: int, language: Language) -> Number | None:
    return _numeral(tokens, at, language) or _spoken(tokens, at, language)


def _with_half(tokens: Sequence[Token], whole: Number, language: Language) -> Number:
    """ "Two and a half", 1½, "trois quarts"."""
    at = whole.after
    if text(tokens, at) in GLYPHS:
        return Number(whole.value + GLYPHS[tokens[at].text], at + 1)
    if (part := language.fractions.get(text(tokens, at))) and whole.value < 4:
        return Number(whole.value * part, at + 1, is_loose=True)
    return half_after(tokens, whole, language) or whole


def half_after(tokens: Sequence[Token], whole: Number, language: Language) -> Number | None:
    at = whole.after
    if text(tokens, at) not in language.joins:
        return None
    at += 1 + (text(tokens, at + 1) in language.articles)
    part = language.fractions.get(text(tokens, at))
    return Number(whole.value + part, at + 1) if part else None
