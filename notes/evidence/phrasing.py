"""Finding a language's phrases among tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from notes.evidence.languages.language import Phrase
from notes.evidence.tokens import Token

Phrases = Mapping[str, Sequence[Phrase]]


@lru_cache(maxsize=64)
def by_first_word(phrases: frozenset[Phrase]) -> Phrases:
    """Each first word's phrases, the longest first."""
    found: dict[str, list[Phrase]] = {}
    for phrase in sorted(phrases, key=len, reverse=True):
        found.setdefault(phrase[0], []).append(phrase)
    return found


def match(tokens: Sequence[Token], at: int, phrases: Phrases) -> tuple[Phrase, int] | None:
    """The longest phrase that begins at a token, and the token after it."""
    if at >= len(tokens):
        return None
    for phrase in phrases.get(tokens[at].text, ()):
        if len(phrase) == 1 or phrase == tuple(token.text for token in tokens[at : at + len(phrase)]):
            return phrase, at + len(phrase)
    return None
