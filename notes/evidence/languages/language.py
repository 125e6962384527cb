"""The words that one language brings to the reading of numbers, of negations and of what a sentence is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from notes.evidence.tokens import tokens

Phrase = tuple[str, ...]


def words(text: str) -> frozenset[str]:
    return frozenset(phrase(text))


def phrases(text: str) -> frozenset[Phrase]:
    """Of "no worries | not at all": each as its tokens."""
    return frozenset(phrase(one) for one in text.split("|"))


def groups(text: str) -> tuple[frozenset[Phrase], ...]:
    """Of a line for each group of phrases; a deeper line goes on with the one before."""
    return tuple(phrases(line) for line in text.replace("\n    ", " ").strip().splitlines())


def phrase(text: str) -> Phrase:
    return tuple(token.text for token in tokens(text, 0, len(text)) if token.text != "\n")


def named(**names: str) -> dict[str, str]:
    """From "day: day days d" to each word's name."""
    return {word: name for name, spelled in names.items() for word in phrase(spelled)}


def signs(text: str) -> dict[Phrase, Phrase]:
    """Of a line "lung chest: wheeze crackle" for each, the signs by the sites."""
    lines = (line.partition(":") for line in text.strip().splitlines())
    return {phrase(sites): phrase(found) for sites, _, found in lines}


def spelled(table: Mapping[str, str]) -> dict[Phrase, str]:
    """Of {"1/day": "daily | every day"}, by each phrase what it means."""
    return {one: meaning for meaning, line in table.items() for one in phrases(line)}


@dataclass(frozen=True, eq=False)
class Language:
    """Everything is folded, as tokens are: small letters without accents."""

    code: str
    #: Words that say nothing about what a sentence is about.
    stop_words: frozenset[str] = frozenset()
    #: Endings that a stem goes without, the longest first.
    endings: tuple[str, ...] = ()
    #: Each set of phrases means one thing to a clinician.
    synonyms: tuple[frozenset[Phrase], ...] = ()

    # --- Numbers
    #: 0 to 99 as spoken.
    cardinals: Mapping[Phrase, int] = field(default_factory=dict)
    #: "hundred": 100, "mille": 1000.
    multipliers: Mapping[str, int] = field(default_factory=dict)
    #: "half": 0.5
    fractions: Mapping[str, float] = field(default_factory=dict)
    #: "dozen": 12; an article before them is no number.
    collectives: Mapping[str, float] = field(default_factory=dict)
    #: "one" of "one and a half", and "a" of "a week".
    articles: frozenset[str] = frozenset()
    joins: frozenset[str] = frozenset()
    points: frozenset[str] = frozenset({"point"})
    #: "one twenty" is 120, "nineteen eighty four" 1984.
    says_in_pairs: bool = False
    #: 38,5 and 1 000, not 38.5 and 1,000.
    decimal_comma: bool = True
    #: Words after which a number is a name: "type 2", "room 4".
    labels: frozenset[str] = frozenset()

    # --- Quantities
    units: Mapping[str, str] = field(default_factory=dict)
    #: "fortnight": 14 days.
    idioms: Mapping[str, int] = field(default_factory=dict)
    #: Days that also mean others: "quinze jours" are two weeks.
    days_said_for: Mapping[float, int] = field(default_factory=dict)
    months: Mapping[str, int] = field(default_factory=dict)
    ordinals: Mapping[str, int] = field(default_factory=dict)
    ranges: frozenset[str] = frozenset()
    over: frozenset[Phrase] = frozenset()
    #: Before an age: "aged 45".
    ages: frozenset[str] = frozenset()
    #: "a week" is a duration after these.
    lasting: frozenset[str] = frozenset()
    #: "fois" of "trois fois", and "twice" for two of them.
    times: frozenset[str] = frozenset()
    #: An hour after these is one of the clock: "à 20 h".
    clock: frozenset[str] = frozenset()
    multiples: Mapping[str, int] = field(default_factory=dict)
    every: frozenset[Phrase] = frozenset()
    per: frozenset[str] = frozenset()
    #: "daily": "1/day"; the longest phrase is read.
    frequencies: Mapping[Phrase, str] = field(default_factory=dict)
    #: The same, but too loose to be asked for: "in the evening".
    hints: Mapping[Phrase, str] = field(default_factory=dict)
    #: 12/8 is 120/80 mmHg, and "douze huit" says it.
    cuff_in_centimetres: bool = False
    #: "Deux milligrammes cinq" are 2.5 mg.
    decimals_follow_unit: bool = False

    # --- Negations
    negations: frozenset[str] = frozenset()
    #: Words that deny only soon after another: "plus" after "ne".
    halves: Mapping[str, frozenset[str]] = field(default_factory=dict)
    #: Words that make of a sentence of the note a negative one, in whatever form.
    negative: frozenset[str] = frozenset()
    #: Phrases with a negation that deny nothing.
    pleasantries: frozenset[Phrase] = frozenset()
    #: A denial with one of these is a complaint, which a note has without it: "can't hear", "doesn't help".
    complaints: frozenset[str] = frozenset()
    #: After these words another clause begins.
    turns: frozenset[str] = frozenset()
    #: A clause with one of these only supposes: "if it does not get better".
    conditions: frozenset[str] = frozenset()
    #: Beginnings of words that a note is about, and whole words where the beginning would be of others.
    clinical: tuple[str, ...] = ()
    clinical_words: frozenset[str] = frozenset()
    #: "In two weeks" is an appointment.
    ahead: frozenset[str] = frozenset()
    #: Words that say little about what is denied: "no chest pain" is about the chest.
    generic: tuple[str, ...] = ()
    #: What a number in the same sentence is a reading of.
    measures: frozenset[str] = frozenset()
    #: Before the age at which something happened.
    at_age: frozenset[str] = frozenset()
    #: Those whose illnesses are the patient's history.
    family: frozenset[str] = frozenset()
    #: Near these words a number matters: weight that was lost, weeks off work.
    weighty: frozenset[str] = frozenset()
    #: How much of these is worth a number without a unit, too.
    habits: frozenset[str] = frozenset()
    #: What is only supposed has no number to write down: "if it is no better in 72 hours".
    suppositions: frozenset[str] = frozenset()
    #: Words for any medicine: a note with a dose in it speaks of one.
    medicines: tuple[str, ...] = ()
    #: Of what a note calls normal, what is not there then: where the lungs are clear there is no wheeze.
    signs: Mapping[Phrase, Phrase] = field(default_factory=dict)

    # --- Answers
    #: Beginnings of answers that deny, beside the words of `no`.
    denials: frozenset[Phrase] = frozenset()
    #: Words that make of a denial a pleasantry: "no problem".
    troubles: frozenset[str] = frozenset()
    #: Words of a patient's question, unless it has one of `you`; and of one for leave to do something.
    own: frozenset[str] = frozenset()
    you: frozenset[str] = frozenset()
    leave: frozenset[Phrase] = frozenset()
    yes: frozenset[str] = frozenset()
    no: frozenset[str] = frozenset()
