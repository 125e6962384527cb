"""A text as it was read: sentence by sentence, with what each is about and the quantities in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from notes.evidence import words
from notes.evidence.languages.language import Language
from notes.evidence.quantities import Quantity, quantities
from notes.evidence.sentences import sentences
from notes.evidence.tokens import Token, tokens


@dataclass(frozen=True)
class Sentence:
    """`place`: the index of the section or line that it stands in."""

    place: int
    start: int
    end: int
    tokens: tuple[Token, ...]
    quantities: tuple[Quantity, ...]
    language: Language

    @property
    def is_question(self) -> bool:
        return bool(self.tokens) and self.tokens[-1].text == "?"

    @cached_property
    def stems(self) -> list[str]:
        return words.stems(self.tokens, self.quantities, self.language)

    @cached_property
    def terms(self) -> set[str]:
        return words.terms(self.stems, self.language)

    @cached_property
    def spoken(self) -> frozenset[str]:
        return frozenset(token.text for token in self.tokens)


def read(texts: Sequence[str], language: Language) -> list[list[Sentence]]:
    """Each text's sentences."""
    return [
        [_sentence(place, text, start, end, language) for start, end in sentences(text)]
        for place, text in enumerate(texts)
    ]


def _sentence(place: int, text: str, start: int, end: int, language: Language) -> Sentence:
    said = tuple(tokens(text, start, end))
    return Sentence(place, start, end, said, tuple(quantities(said, language)), language)
