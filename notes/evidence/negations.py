"""What a sentence denies: "no fever", "je ne prends plus d'aspirine"."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from notes.evidence import phrasing, words
from notes.evidence.languages.language import Language
from notes.evidence.reading import Sentence
from notes.evidence.tokens import Token
from notes.evidence.words import Idea

STOPS = frozenset(",;:.!?()\n")
#: Endings of the international names of drugs.
DRUGS = tuple(
    "pril olol statin statine cillin cilline azole mycin mycine sartan dipine formin formine parin parine xaban oxetine "
    "pam cycline floxacin floxacine gliptin gliflozin tidine setron triptan profen profene prazole".split()
)
REACH = 4  #: words between the two halves of a negation

Topics = tuple[Idea, ...]


def denied(sentence: Sentence) -> Iterator[Topics]:
    """Of each clause that denies something a note is about, what that is."""
    if sentence.is_question:
        return
    for clause in _clauses(sentence.tokens, sentence.language):
        if _denies(clause, sentence.language) and (found := topics(clause, sentence.language)):
            yield found


def topics(tokens: Sequence[Token], language: Language) -> Topics:
    """What it says of the patient; without the pain, where it says of what."""
    clinical = [token for token in tokens if is_clinical(token.text, language)]
    found = tuple(words.ideas(words.stems(clinical, (), language), language))
    pain = next(words.ideas([words.stem(word, language) for word in language.generic], language), frozenset())
    return tuple(idea for idea in found if idea.isdisjoint(pain)) or found


def is_clinical(word: str, language: Language) -> bool:
    return word.startswith(language.clinical) or word.endswith(DRUGS)


def is_negative(sentence: Sentence) -> bool:
    """Whether a sentence of a note tells of something absent, stopped or normal."""
    return not sentence.spoken.isdisjoint(sentence.language.negative)


def _clauses(tokens: Sequence[Token], language: Language) -> Iterator[list[Token]]:
    clause: list[Token] = []
    for token in tokens:
        if token.text in STOPS or token.text in language.turns:
            yield clause
            clause = []
        else:
            clause.append(token)
    yield clause


def _denies(clause: Sequence[Token], language: Language) -> bool:
    if any(token.text in language.conditions for token in clause):
        return False
    idle = _idle(clause, language)
    return any(
        token.text in language.negations and at not in idle and _is_whole(clause, at, language)
        for at, token in enumerate(clause)
    )


def _idle(clause: Sequence[Token], language: Language) -> set[int]:
    """Places of phrases with a negation that deny nothing: "no problem"."""
    idle: set[int] = set()
    phrases = phrasing.by_first_word(language.pleasantries)
    for at in range(len(clause)):
        if found := phrasing.match(clause, at, phrases):
            idle.update(range(at, found[1]))
    return idle


def _is_whole(clause: Sequence[Token], at: int, language: Language) -> bool:
    firsts = language.halves.get(clause[at].text)
    return firsts is None or any(token.text in firsts for token in clause[max(0, at - REACH) : at])


def opens_with(sentence: Sentence, words_of_answers: frozenset[str]) -> bool:
    """ "No, none of that.", "No, I stopped it in March." """
    first = next(_clauses(sentence.tokens, sentence.language))
    return bool(first) and first[0].text in words_of_answers and not words.stems(first, (), sentence.language)
