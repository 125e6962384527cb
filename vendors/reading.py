"""Reading what a vendor sent: bytes to a JSON object, and its fields one by one, strictly.

Every complaint is `Unreadable` and names the place (`note.sections[3].text`), never what stood there.
"""

from __future__ import annotations

import json
import math
import re
from typing import NoReturn

import orjson

from vendors.base import Unreadable

MOST_CHARACTERS = 1_000_000
MOST_DIGITS = 300
LAST_MILLISECOND = 2**31 - 1

_UNFIT = re.compile("[\x00\ud800-\udfff]")
_NUMBERS = (int, float)
_DIGITS_ALONE = bytes(ord("0") if 48 <= byte <= 57 else ord(" ") for byte in range(256))
_LONG_NUMBER = b"0" * 19


def read_object(body: bytes) -> Fields:
    """The JSON object that `body` holds, UTF-8 with or without a byte order mark.

    Broken UTF-8, U+0000 and lone surrogates, raw or escaped, become U+FFFD. Raises Unreadable for anything that is not
    JSON, is not an object, is nested too deeply, or holds NaN, an infinity or a number of more than 300 digits.
    """
    try:
        # orjson makes floats of numbers that do not fit into 64 bits.
        value = _read(body) if _LONG_NUMBER in body.translate(_DIGITS_ALONE) else orjson.loads(body)
    except orjson.JSONDecodeError:
        value = _read(body)
    if not isinstance(value, dict):
        raise Unreadable("body: not an object")
    return Fields(value)


def _read(body: bytes) -> object:
    """Any JSON, at a fifth of orjson's pace: also what is not quite JSON, and what is wrong with the rest."""
    text = body.decode("utf-8-sig", errors="replace").replace("\x00", "\ufffd")
    try:
        # Not strict: a raw line break within a string is no reason to lose a note.
        return json.loads(
            text, strict=False, parse_int=_whole_number, parse_float=_number, parse_constant=_refuse_constant
        )
    except json.JSONDecodeError as error:
        raise Unreadable(f"body: not JSON at character {error.pos}") from None
    except RecursionError:
        raise Unreadable("body: nested too deeply") from None


class Fields:
    """One JSON object, read field by field. A field that is null counts as absent, except to `is_null`."""

    __slots__ = ("_index", "_place", "_values")

    def __init__(self, values: dict[str, object], place: str = "", index: int | None = None) -> None:
        """`place`: what complaints call it, or the list of which it is the item at `index`."""
        self._values = values
        self._place = place
        self._index = index

    def has(self, name: str) -> bool:
        return self._values.get(name) is not None

    def is_null(self, name: str) -> bool:
        return name in self._values and self._values[name] is None

    def value(self, name: str) -> object:
        """The field as it came: text not cleaned, None when absent."""
        return self._values.get(name)

    def text(self, name: str) -> str:
        """A required text, at most 1,000,000 characters. Raises Unreadable."""
        text = self.optional_text(name)
        if text is None:
            raise Unreadable(f"{self._at(name)}: missing")
        return text

    def optional_text(self, name: str, *, most: int = MOST_CHARACTERS) -> str | None:
        """A text of at most `most` characters, or None when absent. Raises Unreadable."""
        value = self._values.get(name)
        if value is None:
            return None
        if not isinstance(value, str):
            raise Unreadable(f"{self._at(name)}: not a text")
        if len(value) > most:
            raise Unreadable(f"{self._at(name)}: longer than {most:,} characters")
        # Most texts are fit, and most of these are known to be so at a glance.
        return value if value.isascii() and "\x00" not in value else _UNFIT.sub("\ufffd", value)

    def text_or_none(self, name: str, *, most: int) -> str | None:
        """A text of at most `most` characters; None when it is absent or anything else."""
        try:
            return self.optional_text(name, most=most)
        except Unreadable:
            return None

    def object(self, name: str) -> Fields | None:
        """An object, or None when absent. Raises Unreadable."""
        value = self._values.get(name)
        if value is None:
            return None
        return _fields(value, self._at(name))

    def objects(self, name: str, *, most: int) -> list[Fields] | None:
        """A list of at most `most` objects, or None when absent. Raises Unreadable."""
        value = self._values.get(name)
        if value is None:
            return None
        if not isinstance(value, list):
            raise Unreadable(f"{self._at(name)}: not a list")
        if len(value) > most:
            raise Unreadable(f"{self._at(name)}: more than {most:,} items")
        place = self._at(name)
        return [_fields(item, place, index) for index, item in enumerate(value)]

    def milliseconds(self, *names: str) -> int | None:
        """The first of `names` that is a number from 0 to 2**31 - 1, rounded to a whole one; None when none is."""
        for name in names:
            value = self._values.get(name)
            # To Python True is an int, but it is no time.
            if isinstance(value, bool) or not isinstance(value, _NUMBERS):
                continue
            if 0 <= value <= LAST_MILLISECOND:
                return round(value)
        return None

    def _at(self, name: str) -> str:
        place = _item(self._place, self._index)
        return f"{place}.{name}" if place else name


def _fields(value: object, place: str, index: int | None = None) -> Fields:
    if not isinstance(value, dict):
        raise Unreadable(f"{_item(place, index)}: not an object")
    return Fields(value, place, index)


def _item(place: str, index: int | None) -> str:
    return place if index is None else f"{place}[{index}]"


def _whole_number(digits: str) -> int:
    if len(digits) > MOST_DIGITS:
        raise Unreadable("body: a number has too many digits")
    return int(digits)


def _number(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise Unreadable("body: a number is too large")
    return number


def _refuse_constant(_name: str) -> NoReturn:
    raise Unreadable("body: NaN or an infinity is no JSON number")
