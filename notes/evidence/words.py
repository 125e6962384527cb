"""What a text is about: its words without endings, and what clinicians also call it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

from notes.evidence.languages.language import Language
from notes.evidence.quantities import Quantity
from notes.evidence.tokens import Token

#: Letters of a stem: "prescribed" and "prescription" share seven, "hydrocortisone" and "hydrochlorothiazide" six.
STEM = 7
SHORTEST = 4
LONGEST_PHRASE = 4

Idea = frozenset[str]  #: what one thing may be called: any of them will do
Names = dict[tuple[str, ...], Idea]


@lru_cache(maxsize=1 << 15)
def stem(word: str, language: Language) -> str:
    word = word.replace("ae", "e").replace("oe", "e")  # haemorrhage, oedema
    for ending in language.endings:
        if word.endswith(ending) and len(word) - len(ending) >= SHORTEST - (len(ending) == 1):
            word = word[: -len(ending)]
            break
    if word[-1:] == word[-2:-1]:
        word = word[:-1]
    return word[:STEM]


def stems(tokens: Sequence[Token], within: Sequence[Quantity], language: Language) -> list[str]:
    """Of the words that say what it is about, in order: not of numbers and their units."""
    return [stem(token.text, language) for token in content(tokens, within, language)]


def content(tokens: Sequence[Token], within: Sequence[Quantity], language: Language) -> Iterator[Token]:
    measured = {place for quantity in within if quantity.is_firm for place in range(quantity.start, quantity.end)}
    for token in tokens:
        if token.is_word and token.text not in language.stop_words and token.start not in measured:
            yield token


def ideas(stems: Sequence[str], language: Language) -> Iterator[Idea]:
    for _, _, idea in phrases(stems, language):
        yield idea


def phrases(stems: Sequence[str], language: Language) -> Iterator[tuple[int, int, Idea]]:
    """From where to where, and what it names: the longest that are known, else single words."""
    names, at = _names(language), 0
    while at < len(stems):
        count, idea = next(_named(stems, at, names), (1, frozenset((stems[at],))))
        yield at, at + count, idea if count > 1 else idea | {stems[at]}
        at += count


def terms(stems: Sequence[str], language: Language) -> set[str]:
    """Everything a text could be found by."""
    names, found = _names(language), set(stems)
    for at in range(len(stems)):
        for _, idea in _named(stems, at, names):
            found |= idea
    return found


def _named(stems: Sequence[str], at: int, names: Names) -> Iterator[tuple[int, Idea]]:
    for count in range(min(LONGEST_PHRASE, len(stems) - at), 0, -1):
        if idea := names.get(tuple(stems[at : at + count])):
            yield count, idea


@lru_cache(maxsize=8)
def _names(language: Language) -> Names:
    """By the stems of each phrase, the concepts that it names. A concept is called by a number, as no word is."""
    found: Names = {}
    for number, phrases in enumerate(language.synonyms):
        for phrase in phrases:
            key = tuple(stem(word, language) for word in phrase if word not in language.stop_words)
            if key:
                found[key] = found.get(key, frozenset()) | {f"#{number}"}
    return found
