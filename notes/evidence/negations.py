"""What a sentence denies: "no fever", "je ne prends plus d'aspirine"."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

from notes.evidence import phrasing, words
from notes.evidence.languages.language import Language, Phrase, phrase
from notes.evidence.reading import Sentence
from notes.evidence.tokens import Token
from notes.evidence.words import Idea

STOPS = frozenset(",;:.!?()\n")
#: Endings of the international names of drugs.
DRUGS = phrase(
    """pril olol statin statine cillin cilline azole mycin mycine sartan dipine formin formine
        parin parine xaban oxetine pam cycline floxacin floxacine gliptin gliflozin tidine setron
        triptan profen profene prazole"""
)
REACH = 4  #: words between the two halves of a negation

Topics = tuple[Idea, ...]


def denied(sentence: Sentence) -> Iterator[Topics]:
    """Of each clause that denies something a note is about, what that is."""
    if sentence.is_question or sentence.spoken.isdisjoint(sentence.language.negations):
        return
    for clause in _clauses(sentence.tokens, sentence.language):
        if _denies(clause, sentence.language) and (found := topics(clause, sentence.language)):
            yield found


def affirmed(sentence: Sentence) -> Iterator[str]:
    """What could be found of the clauses that deny nothing: "No, I have a coil" affirms the coil."""
    language = sentence.language
    for clause in _clauses(sentence.tokens, language) if not sentence.is_question else ():
        if not any(token.text in language.negations for token in clause):
            yield from words.terms(words.stems(clause, (), language), language)


def topics(tokens: Sequence[Token], language: Language) -> Topics:
    """What it says of the patient; without the pain, where it says of what."""
    said = list(words.content(tokens, (), language))
    phrases = words.phrases(words.stems(said, (), language), language)
    found = tuple(
        idea for start, end, idea in phrases if any(is_clinical(token.text, language) for token in said[start:end])
    )
    return tuple(idea for idea in found if idea.isdisjoint(_generic(language))) or found


@lru_cache(maxsize=8)
def _generic(language: Language) -> Idea:
    return next(words.ideas([words.stem(word, language) for word in language.generic], language), frozenset())


def is_generic(topics: Topics, language: Language) -> bool:
    """Whether they are of pain, and not of where."""
    return not any(topic.isdisjoint(_generic(language)) for topic in topics)


def asked(question: Sentence) -> Topics:
    """What of the patient a question is about. What patients ask counts where they ask for leave: "Can I drive?" """
    language = question.language
    if _has(question, language.leave):
        return tuple(words.ideas(question.stems, language))
    is_of_patient = question.spoken.isdisjoint(language.own) or not question.spoken.isdisjoint(language.you)
    return topics(question.tokens, language) if is_of_patient else ()


def refuses(answer: Sentence) -> bool:
    """ "No", "None that I know of"; not "No problem"."""
    language = answer.language
    first = answer.tokens[0].text if answer.tokens else ""
    is_denial = phrasing.match(answer.tokens, 0, phrasing.by_first_word(language.denials)) is not None
    return (is_denial or first in language.no) and answer.spoken.isdisjoint(language.troubles)


def _has(sentence: Sentence, phrases: frozenset[Phrase]) -> bool:
    known = phrasing.by_first_word(phrases)
    return any(phrasing.match(sentence.tokens, at, known) for at in range(len(sentence.tokens)))


def is_clinical(word: str, language: Language) -> bool:
    return word in language.clinical_words or word.startswith(language.clinical) or word.endswith(DRUGS)


def is_negative(sentence: Sentence) -> bool:
    """Whether a sentence of a note tells of something absent, stopped or normal."""
    return not sentence.spoken.isdisjoint(sentence.language.negative)


def _clauses(tokens: Sequence[Token], language: Language) -> Iterator[list[Token]]:
    clause: list[Token] = []
    for token in tokens:
        ends = token.text in STOPS or token.text in language.turns
        if ends or (token.text in language.negations and any(one.text in language.negations for one in clause)):
            yield clause
            clause = []
        if not ends:
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
