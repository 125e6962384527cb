"""Quantities in a text: doses, readings, durations, frequencies, dates and numbers without a unit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from notes.evidence import clock, dates, frequencies, numbers, phrasing, units
from notes.evidence.frequencies import lasts
from notes.evidence.languages.language import Language
from notes.evidence.numbers import Number, plain, text
from notes.evidence.tokens import Token

Kind = units.Kind | Literal["bare", "counted", "ratio", "frequency", "date", "clock"]


@dataclass(frozen=True, slots=True)
class Quantity:
    """`forms`: canonical spellings, its own first; `value`: without its unit. `start`, `end`: characters of the text.

    `is_firm`: a reader would check it; others ("a day", "in the morning") only answer for one that is.
    """

    start: int
    end: int
    kind: Kind
    forms: tuple[str, ...]
    value: str = ""
    is_firm: bool = True
    #: What else, if another text says it, answers for it.
    spoken: tuple[str, ...] = ()

    @property
    def is_days(self) -> bool:
        """Whether it is a time of days at least."""
        return self.kind == "time" and not self.forms[0].endswith(("minutes", "minute", "hours", "hour"))

    @property
    def own(self) -> str:
        """What is found by it before what only equals it: eight weeks are two months, but two months are more so."""
        return f"= {self.forms[0]}"

    def said(self) -> Iterator[str]:
        """What a text that holds it says."""
        yield from self.forms
        if self.value:
            yield f"any {self.value}"
        if self.kind == "bare":
            yield f"bare {self.value}"

    def asked(self) -> Iterator[str]:
        """What of it, if another text says it, answers for it: the unit may be left out, but not be another."""
        yield from self.forms
        yield from self.spoken
        if self.value:
            yield f"any {self.value}" if self.kind in ("bare", "counted") else f"bare {self.value}"


LOOSE = frozenset({"a", "an", "of", "de", "d"})  #: of half an hour, a couple of days
FRACTIONS = frozenset({(1, 2), (1, 4), (3, 4)})
FEVERS = range(35, 43)
Found = tuple[list[Quantity], int]


def quantities(tokens: Sequence[Token], language: Language) -> Iterator[Quantity]:
    """In the order of the text; none within another."""
    begins, at = _openers(language), 0
    while at < len(tokens):
        if tokens[at].is_numeral or tokens[at].text in begins or frequencies.is_code(tokens[at].text):
            found, after = _read(tokens, at, language)
            yield from found
            at = max(after, at + 1)
        else:
            at += 1


@lru_cache(maxsize=8)
def _openers(language: Language) -> frozenset[str]:
    firsts = {phrase[0] for phrase in (*language.cardinals, *language.frequencies, *language.hints, *language.every)}
    return frozenset(
        firsts.union(
            language.multipliers, language.fractions, language.collectives, language.articles, language.points,
            language.months, language.ordinals, language.idioms, language.multiples, language.ages, numbers.GLYPHS,
        )
    )  # fmt: skip


def _read(tokens: Sequence[Token], at: int, language: Language) -> Found:
    if date := dates.read(tokens, at, language):
        return [_quantity(tokens, at, date.after, "date", date.forms, is_firm=not date.has_year)], date.after
    if time := clock.read(tokens, at, language):
        spoken = tuple(clock.spoken(time.forms[0], language))
        return [replace(_quantity(tokens, at, time.after, "clock", time.forms), spoken=spoken)], time.after
    if often := frequencies.read(tokens, at, language):
        return [_often(tokens, at, often)], often.after
    if said := _idiom(tokens, at, language):
        return said
    return _measure(tokens, at, language)


def _quantity(
    tokens: Sequence[Token],
    at: int,
    after: int,
    kind: Kind,
    forms: tuple[str, ...],
    value: float | None = None,
    is_firm: bool = True,
) -> Quantity:
    digits = "" if value is None else plain(value)
    return Quantity(tokens[at].start, tokens[after - 1].end, kind, forms, digits, is_firm)


def _often(tokens: Sequence[Token], at: int, often: frequencies.Often) -> Quantity:
    return _quantity(tokens, at, often.after, "frequency", often.forms, is_firm=often.is_firm)


def _idiom(tokens: Sequence[Token], at: int, language: Language) -> Found | None:
    days = language.idioms.get(tokens[at].text)
    if days is None:
        return None
    return [_quantity(tokens, at, at + 1, "time", units.forms(days, "day", language), days)], at + 1


def _measure(tokens: Sequence[Token], at: int, language: Language) -> Found:
    """A number with its unit, or two: "120 over 80", "5 to 7 days"."""
    is_age = tokens[at].text in language.ages
    first = numbers.read(tokens, at + is_age, language) if at + is_age < len(tokens) else None
    if first is None or text(tokens, at - 1) in language.labels:
        return [], at + 1
    at += is_age
    if ratio := _ratio(tokens, at, first, language):
        return ratio
    if pair := _pair(tokens, at, first, language):
        return pair
    between = _range(tokens, first, language)
    second = numbers.read(tokens, between, language) if between else None
    if second and _unit(tokens, second, language):
        end, last = _one(tokens, between, second, language)
        return [*_part_of(tokens, at, first, second, language), *end], last
    if second and not second.is_article:  # "one or two"
        first = first._replace(is_article=False)
    return _one(tokens, at, first, language, is_age)


def _range(tokens: Sequence[Token], first: Number, language: Language) -> int:
    """Where the second number of "5 to 7 days" may begin."""
    word = text(tokens, first.after)
    return first.after + 1 if (word in language.ranges or word == "-") and first.after + 1 < len(tokens) else 0


def _part_of(tokens: Sequence[Token], at: int, first: Number, second: Number, language: Language) -> list[Quantity]:
    """The first number of a range, in the unit of the second."""
    unit, _ = _unit(tokens, second, language) or ("", 0)
    forms = units.forms(first.value, unit, language)
    return [_quantity(tokens, at, first.after, units.KINDS[unit], forms, first.value)]


def _unit(tokens: Sequence[Token], number: Number, language: Language) -> tuple[str, int] | None:
    at = number.after
    while number.is_loose and text(tokens, at) in LOOSE:
        at += 1
    if text(tokens, at) == "/" and text(tokens, at + 1) in ("min", "minute", "mn"):
        return "rate", at + 2
    return units.unit_at(tokens, at, language)


def _one(tokens: Sequence[Token], at: int, number: Number, language: Language, is_age: bool = False) -> Found:
    measured = _unit(tokens, number, language)
    if measured is None and is_age:
        measured = "year", number.after
    if measured is None:
        return _bare(tokens, at, number, language), number.after
    unit, after = measured
    value, after = _completed(tokens, number.value, after, unit, language)
    is_firm = value != 1 or not number.is_article or units.KINDS[unit] != "time" or lasts(tokens, at, after, language)
    forms = units.forms(value, unit, language)
    return [_quantity(tokens, at, after, units.KINDS[unit], forms, value, is_firm)], after


def _completed(tokens: Sequence[Token], value: float, after: int, unit: str, language: Language) -> tuple[float, int]:
    """ "An hour and a half", "un mètre 75", "deux milligrammes cinq"."""
    if half := numbers.half_after(tokens, Number(value, after), language):
        return half.value, half.after
    if not language.decimals_follow_unit or units.KINDS[unit] not in ("dose", "size") or after >= len(tokens):
        return value, after
    more = numbers.read(tokens, after, language)
    if more is None or more.value not in range(1, 100) or value % 1 or not _stands_alone(tokens, more, language):
        return value, after
    return float(f"{value:.0f}.{more.value:.0f}"), more.after


def _stands_alone(tokens: Sequence[Token], number: Number, language: Language) -> bool:
    following = text(tokens, number.after)
    is_counting = following[:1].isalpha() and following not in language.stop_words
    goes_on = following in ("x", "/", "-", *language.times, *language.ranges)
    return not (number.is_article or is_counting or goes_on or _unit(tokens, number, language))


def _bare(tokens: Sequence[Token], at: int, number: Number, language: Language) -> list[Quantity]:
    """A number alone; one that counts things ("three kids") does not answer for a dose."""
    place = number.after + (number.is_loose and text(tokens, number.after) in LOOSE)
    following = tokens[place] if place < len(tokens) else None
    is_tally = text(tokens, at - 1) == "x" and tokens[at].glued  # alert and oriented x3
    if number.is_article or is_tally or (following and _is_name(following, text(tokens, place + 1))):
        return []
    is_counting = following and following.is_word and following.text not in language.stop_words
    forms = (plain(number.value),)
    return [_quantity(tokens, at, number.after, "counted" if is_counting else "bare", forms, number.value)]


def _is_name(following: Token, second: str) -> bool:
    """12-lead, 50s, 3rd."""
    return following.glued and (following.is_word or (following.text == "-" and second[:1].isalpha()))


def _ratio(tokens: Sequence[Token], at: int, first: Number, language: Language) -> Found | None:
    """120/80, "five out of ten"."""
    over = phrasing.match(tokens, first.after, phrasing.by_first_word(language.over))
    between = over[1] if over else first.after + 1 if text(tokens, first.after) == "/" else 0
    second = numbers.read(tokens, between, language) if 0 < between < len(tokens) else None
    if second is None or (first.is_article and not over):
        return None
    unit = units.unit_at(tokens, second.after, language)
    if not over and (first.value, second.value) in FRACTIONS:
        return _one(tokens, at, Number(first.value / second.value, second.after, is_loose=True), language)
    after = unit[1] if unit and unit[0] == "mmhg" else second.after
    forms = _ratio_forms(first.value, second.value, language)
    dated = () if over else dates.of_numbers(first.value, second.value, language)
    scored = first.value if second.value == 10 else None
    return [_quantity(tokens, at, after, "ratio", (*forms, *dated), scored)], after


def _ratio_forms(first: float, second: float, language: Language) -> tuple[str, ...]:
    written = f"{plain(first)}/{plain(second)}"
    if language.cuff_in_centimetres and _is_cuff(first, second):
        return f"{plain(first * 10)}/{plain(second * 10)}", written
    return (written,)


def _is_cuff(first: float, second: float) -> bool:
    return 7 <= first <= 25 and 4 <= second <= 15 and first > second


def _is_only_article(token: Token, language: Language) -> bool:
    """The "a" of "five a day", which is no 1."""
    return token.text in language.articles and (token.text,) not in language.cardinals


def _pair(tokens: Sequence[Token], at: int, first: Number, language: Language) -> Found | None:
    """ "Douze huit" is a blood pressure, "thirty eight five" a temperature, "seven two" a percentage."""
    second = numbers.read(tokens, first.after, language) if first.after < len(tokens) else None
    if second is None or first.is_article or first.is_loose or _is_only_article(tokens[first.after], language):
        return None
    if language.cuff_in_centimetres and _is_cuff(first.value, second.value) and not _unit(tokens, second, language):
        forms = _ratio_forms(first.value, second.value, language)
        return [_quantity(tokens, at, second.after, "ratio", forms)], second.after
    if not first.value and second.value in range(10, 100):  # "zéro quatre-vingt-neuf"
        return _one(tokens, at, Number(second.value / 100, second.after), language)
    if first.value not in range(4, 43) or second.value not in range(1, 10):
        return None
    whole, after = _one(tokens, at, Number(first.value + second.value / 10, second.after), language)
    if first.value in FEVERS:
        return whole, after
    return [*(replace(quantity, is_firm=False) for quantity in whole), *_bare(tokens, at, first, language)], after
