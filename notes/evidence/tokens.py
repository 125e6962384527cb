"""Text as tokens: words, numerals and the signs that mean something between them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

# One pass, and no part of it can match the same text in two ways: its time grows with the text alone.
TOKEN = re.compile(
    r"""
      (?:[^\W\d_]\.){2,}                                # p.o., b.i.d.
    | \d{1,2}[h:]\d\d(?![\w:])                          # 14:30, 14h30
    | \d+(?:[.,]\d+)*                                   # 1,000 or 38.5
    | [½¼¾⅓⅔]
    | [x\u00d7](?=\d)                                        # x3
    | [^\W\d_](?:[^\W\d_]|[\u0300-\u036f])*+(?:['\u2019]t\b|\d\w*)?    # fever, don't, HbA1c
    | (?<![^\W\d_])[-\u2013]|[-\u2013](?![^\W\d_])                # not within twenty-five
    | ([/%°.,;:?!()+~&\#$€\n•*=<>"])\1*
    """,
    re.VERBOSE,
)
#: No word and no number is longer; what is, is not read to its end.
LONGEST = 40
PLAIN = str.maketrans("\u2019\u2013\u00d7", "'-x")


class Token(NamedTuple):
    """`text` is folded: small letters without accents. `glued`: nothing stands between it and the one before."""

    text: str
    start: int
    end: int
    glued: bool

    @property
    def is_numeral(self) -> bool:
        return self.text[0].isdecimal()

    @property
    def is_word(self) -> bool:
        return self.text[0].isalpha()


def tokens(text: str, start: int, end: int) -> Iterator[Token]:
    before = -1
    for match in TOKEN.finditer(text, start, end):
        first, after = match.span()
        yield Token(fold(text[first : min(after, first + LONGEST)]), first, after, first == before)
        before = after


@lru_cache(maxsize=1 << 15)
def fold(word: str) -> str:
    """Small letters, no accents; the points of an abbreviation are gone."""
    letters = unicodedata.normalize("NFD", word.casefold().translate(PLAIN))
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter)).replace("œ", "oe")
    bare = plain.replace(".", "") if plain[:1].isalpha() else plain
    return bare or word
