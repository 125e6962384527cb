"""What was changed between two texts, word by word."""

from __future__ import annotations

import pytest

from notes.diffs import MOST, changes


def marked(before: str, after: str) -> str:
    signs = {"same": "{}", "removed": "[-{}]", "added": "[+{}]"}
    return "".join(signs[piece.kind].format(piece.text) for piece in changes(before, after))


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        ("", "", ""),
        ("The knee.", "The knee.", "The knee."),
        ("", "New.", "[+New.]"),
        ("Old.", "", "[-Old.]"),
        ("The left knee.", "The right knee.", "The [-left][+right] knee."),
        ("for three weeks.", "for a month.", "for [-three weeks][+a month]."),
        ("one two", "one and two", "one [+and ]two"),
        ("40 mg", "400 mg", "[-40][+400] mg"),
        ("One.\nTwo.", "One.\nThree.", "One.\n[-Two][+Three]."),
        ("Fièvre à 38,5", "Fièvre à 39,5", "Fièvre à [-38][+39],5"),
    ],
)
def test_words_that_differ_are_marked(before: str, after: str, shown: str) -> None:
    assert marked(before, after) == shown


def test_texts_without_a_word_in_common_are_not_compared_sign_by_sign() -> None:
    before, after = ("".join(f"{letter}{n}, " for n in range(600)) for letter in "ab")
    assert [piece.kind for piece in changes(before, after)] == ["removed", "added", "same"]


@pytest.mark.parametrize("word", ["word ", "x", "a b\n", ". "])
def test_both_texts_are_in_it_whole_whatever_their_length(word: str) -> None:
    before, after = word * 3 * MOST, f"{word * MOST}other {word * 2 * MOST}end"
    pieces = changes(before, after)
    assert "".join(piece.text for piece in pieces if piece.kind != "added") == before
    assert "".join(piece.text for piece in pieces if piece.kind != "removed") == after
