"""The note by what it affirms and what it denies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from notes.evidence import words
from notes.evidence.languages.language import Language
from notes.evidence.negations import Topics, affirmed, is_generic, is_negative
from notes.evidence.reading import Sentence
from notes.evidence.unsaid import heard_in


class Note:
    """Its sections, beside what was affirmed in the lines."""

    def __init__(
        self, sections: Sequence[Sequence[Sentence]], lines: Sequence[Sequence[Sentence]], language: Language
    ) -> None:
        sentences = [sentence for section in sections for sentence in section]
        self.language = language
        self.heard = heard_in(sections).union(_rates(sentences))
        self.negative = [sentence.terms for sentence in sentences if is_negative(sentence)]
        self.positive = [sentence.terms for sentence in sentences if not is_negative(sentence)]
        self.terms = set[str]().union(*self.negative, *self.positive)
        self.terms.update(_implied(sentences, self.terms, language))
        self.affirmed = {term for line in lines for sentence in line for term in affirmed(sentence)}

    def mentions(self, topics: Topics) -> bool:
        """Whether it says anything of them: notes are shorter than talk, and part of what was asked is enough."""
        return any(not topic.isdisjoint(self.terms) for topic in topics)

    def contradicts(self, topics: Topics) -> bool:
        """Whether it affirms what was denied, and what nobody else affirmed."""
        if is_generic(topics, self.language) or _shared(topics, self.affirmed) == len(topics):
            return False
        denied = any(2 * _shared(topics, terms) >= len(topics) for terms in self.negative)
        return not denied and any(_shared(topics, terms) == len(topics) for terms in self.positive)


def _rates(sentences: Iterable[Sentence]) -> Iterator[str]:
    """The "five" that 5/day answers for."""
    for sentence in sentences:
        for quantity in sentence.quantities:
            if quantity.kind == "frequency":
                yield f"any {quantity.forms[0].partition('/')[0]}"


def _shared(topics: Topics, terms: set[str]) -> int:
    return sum(not topic.isdisjoint(terms) for topic in topics)


def _implied(sentences: Iterable[Sentence], terms: set[str], language: Language) -> Iterator[str]:
    """What a note says without naming it: a dose is of a medicine, and clear lungs have no wheeze."""
    if any(quantity.kind in ("dose", "count") for sentence in sentences for quantity in sentence.quantities):
        yield from words.terms([words.stem(word, language) for word in language.medicines], language)
    for sites, signs in language.signs.items():
        if not terms.isdisjoint(words.stem(site, language) for site in sites):
            yield from words.terms([words.stem(sign, language) for sign in signs], language)
