"""Whatever a transcript or a note holds, evidence comes of it, and soon: a part that grows with a square would hang."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from notes.evidence import Evidence, sentences, weigh

MILLION = 1_000_000
HOSTILE = {
    "digits": "9" * MILLION,
    "decimals": "1." * (MILLION // 2),
    "thousands": "1,000" * (MILLION // 5),
    "letters": "a" * MILLION,
    "initials": "a." * (MILLION // 2),
    "points": "." * MILLION + "x",
    "points and quotes": '."' * 20_000 + "x",
    "spaces": " " * MILLION + "x",
    "bullets": "- " * (MILLION // 2),
    "lines": "\n" * MILLION,
    "slashes": "1/" * 20_000,
    "number words": "one hundred " * 5_000,
    "half": "and a half " * 5_000,
    "point": "point five " * 5_000,
    "hyphens": "-" * MILLION,
    "marks": "e" + "\u0301" * MILLION,
    "negations": "no " * 10_000,
    "ranges": "5 to " * 10_000,
    "every": "every " * 10_000,
    "questions": "pain? " * 5_000,
}
ODD = [
    *(
        "",
        " ",
        "\x00",
        "\ud800",
        "\u0663 mg",
        "x\u00b2",
        "½",
        "½½",
        "\u00b2",
        "\u2460",
        "1/0",
        "0/0",
        "\uff11\uff10 mg",
    ),
    *("🤒", "\u202e", "-", "1.2.3", "of", "a", "the 32 of May", "99h99", "q0h", "q99h", "every 0 hours", "0/10", "NaN"),
]
PIECES = [
    *(
        "one",
        "two",
        "twenty",
        "hundred",
        "and",
        "a",
        "half",
        "point",
        "over",
        "to",
        "every",
        "day",
        "mg",
        "no",
        "never",
    ),
    *("?", ".", ",", "/", "-", "5", "120", "deux", "cent", "fever", "fièvre", "pas", "May", "x", "of"),
]


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_great_deal_of_anything_is_weighed(name: str, language: str) -> None:
    text = HOSTILE[name]
    assert isinstance(weigh([text], [text], language), Evidence)


@pytest.mark.parametrize("language", ["en-US", "fr-FR", "es-MX", "zh", "", "--", "\u017f"])
def test_odd_text_is_weighed(language: str) -> None:
    assert isinstance(weigh(ODD, ODD, language), Evidence)


@pytest.mark.parametrize(("sections", "lines"), [((), ()), (("Fever.",), ()), ((), ("Fever.",)), (("",), ("", ""))])
def test_nothing_is_found_in_nothing(sections: tuple[str, ...], lines: tuple[str, ...]) -> None:
    assert weigh(sections, lines, "en") == Evidence()


@pytest.mark.parametrize("language", ["en", "fr", "es"])
def test_chance_is_weighed_and_points_into_what_was_given(language: str) -> None:
    chance = random.Random(language)  # noqa: S311
    texts = [" ".join(chance.choices(ODD + PIECES, k=chance.randrange(30))) for _ in range(400)]
    found = weigh(texts[:200], texts[200:], language)
    assert all(0 <= one.start < one.end <= len(texts[one.section]) for one in found.unsaid)
    assert all(0 <= line < 200 for source in found.sources for line in source.lines)
    assert all(1 <= len(set(source.lines)) == len(source.lines) <= 3 for source in found.sources)


def test_sentences_cover_every_letter_once() -> None:
    chance = random.Random(7)  # noqa: S311
    text = "".join(chance.choices("ab1.?! \n-•,", k=5_000))
    spans = list(sentences(text))
    assert all(end <= start for (_, end), (start, _) in pairwise(spans))
    assert sum(letter in "ab" for start, end in spans for letter in text[start:end]) == sum(map(text.count, "ab"))


def test_a_long_consultation_is_weighed_line_by_line() -> None:
    lines = [f"The pain number {place} began {place} weeks ago with word{place}." for place in range(3_000)]
    note = [f"Word{place}, {place} weeks." for place in range(0, 3_000, 50)]
    found = weigh(note, lines, "en").sources
    assert [source.lines[0] for source in found] == list(range(0, 3_000, 50))
