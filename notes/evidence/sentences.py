"""Where the sentences of a text are: notes are lines, bullet points and prose, all in one."""

from __future__ import annotations

import re
from collections.abc import Iterator

from notes.evidence.languages.language import words

#: Never the last word of a sentence: a name or an example follows.
TITLES = words("dr dre drs mr mrs ms mme mlle m pr prof st ste eg ie cf vs")
#: The last word of one only when a capital follows.
SHORT = words(
    """mg mcg ml dl kg cm mm min mins hr hrs sec wk wks mo yr yrs approx etc resp tab tabs cap caps
        cp cpr gel inj env bid tid qid qd qhs qam qpm po prn iv im sc am pm no fig incl max sem ex"""
)
BREAK = re.compile(r"[\r\n\u2028\u2029•●▪]+")
BULLET = re.compile(r"[\s\-\u2013—*+>·◦]*(?:\(?(?:\d{1,2}[.)]|[A-Za-z]\))(?=\s))?\s*")
# Only where a run of points begins, and never given back: a million points are read once.
END = re.compile(r"(?<![.!?…])[.!?…]++[\"'\u2019”»)\]]*+(?=\s|$)")
LONGEST = 12  #: characters of an abbreviation


def sentences(text: str) -> Iterator[tuple[int, int]]:
    """Offsets of each, in order, without bullets and the space around it."""
    for start, end in _pieces(text):
        begun = BULLET.match(text, start, end)
        yield from _trimmed(text, begun.end() if begun else start, end)


def _pieces(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for match in BREAK.finditer(text):
        yield start, match.start()
        start = match.end()
    yield start, len(text)


def _trimmed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    for first, after in _split(text, start, end):
        sentence = text[first:after]
        first += len(sentence) - len(sentence.lstrip())
        if any(letter.isalnum() for letter in sentence):
            yield first, first + len(sentence.strip())


def _split(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    for match in END.finditer(text, start, end):
        if not _is_abbreviation(text, start, match):
            yield start, match.end()
            start = match.end()
    yield start, end


def _is_abbreviation(text: str, start: int, point: re.Match[str]) -> bool:
    if point[0] != ".":
        return False
    before = "".join(text[max(start, point.start() - LONGEST) : point.start()].split()[-1:]).lstrip("('\"")
    word = before.lower().replace(".", "")
    if word in TITLES:
        return len(word) > 1 or before == "M"
    following = text[point.end() : point.end() + 2].strip()
    return (word in SHORT or ("." in before and word.isalpha())) and not following[:1].isupper()
