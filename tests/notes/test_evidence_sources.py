"""The lines that a sentence may come from."""

from __future__ import annotations

import pytest

from notes.evidence import Passage, Source, weigh
from tests.notes.weighed import FR, sources

TALK = (
    "Good morning. What brings you in today?",
    "I have had headaches for two weeks, mostly in the morning.",
    "Any chest pain or shortness of breath?",
    "No, none of that.",
    "Do you take anything regularly?",
    "Lisinopril, ten milligrams once a day. And penicillin gives me a rash.",
    "Your blood pressure is one forty over ninety. Your knee clicks when you bend it.",
    "My father had a stroke at 60.",
    "Any allergies to food?",
    "No.",
    "I will prescribe you something for the stomach. See me in six weeks.",
    "All right. Thank you, doctor.",
)
PAROLES = (
    "Bonjour. Qu'est-ce qui vous amène ?",
    "J'ai mal à la tête depuis quinze jours.",
    "Vous avez de la fièvre ?",
    "Non, pas du tout.",
    "Vous prenez un traitement ?",
    "De l'amlodipine, cinq milligrammes le matin. Je tousse un peu.",
    "La tension est à treize huit.",
    "On se revoit dans un mois. Je vous prescris une radio du genou.",
)


@pytest.mark.parametrize(
    ("sentence", "line"),
    [
        ("Headaches for 14 days.", 1),
        ("Cephalalgia for a fortnight.", 1),
        ("Penicillin: exanthem.", 5),
        ("BP 140/90 mmHg.", 6),
        ("Clicking of the knee.", 6),
        ("Father: CVA at age 60.", 7),
        ("Prescription for abdominal complaints.", 10),
        ("Return in 6 weeks.", 10),
    ],
)
def test_a_sentence_has_the_line_that_says_it_in_other_words(sentence: str, line: int) -> None:
    assert sources(sentence, *TALK)[sentence][0] == line


@pytest.mark.parametrize(
    ("sentence", "line"),
    [
        ("Céphalées depuis 2 semaines.", 1),
        ("Amlodipine 5 mg le matin.", 5),
        ("Toux légère.", 5),
        ("TA 130/80 mmHg.", 6),
        ("Radiographie du genou prescrite.", 7),
        ("Contrôle dans 1 mois.", 7),
    ],
)
def test_a_sentence_has_the_line_that_says_it_in_other_words_in_french(sentence: str, line: int) -> None:
    assert sources(sentence, *PAROLES, language=FR)[sentence][0] == line


@pytest.mark.parametrize(
    ("sentence", "lines"), [("Denies chest pain and dyspnea.", (2, 3)), ("No known food allergies.", (8, 9))]
)
def test_a_question_and_its_no_are_the_source_of_a_denial(sentence: str, lines: tuple[int, ...]) -> None:
    assert sources(sentence, *TALK) == {sentence: lines}


def test_a_question_and_its_no_are_the_source_of_a_denial_in_french() -> None:
    assert sources("Apyrétique, pas de fièvre.", *PAROLES, language=FR) == {"Apyrétique, pas de fièvre.": (2, 3)}


def test_an_answer_that_was_no_is_not_the_source_of_what_it_denies() -> None:
    talk = ("Any itching of the skin?", "No.", "And the scalp?", "The itching is all over the scalp.")
    assert sources("Itching of the scalp.", *talk)["Itching of the scalp."][0] in (2, 3)


@pytest.mark.parametrize(
    "sentence",
    ["Well appearing, in no acute distress.", "Hypothyroidism.", "Immunizations current.", "Patient.", "Plan:", "6."],
)
def test_what_nobody_said_has_no_source(sentence: str) -> None:
    assert sources(sentence, *TALK) == {}


def test_a_sentence_of_several_lines_has_them_all_but_no_more_than_three() -> None:
    talk = (
        "Fever since Monday.",
        "Hello.",
        "A rash on the belly.",
        "Yes.",
        "Diarrhea at night.",
        "Ok.",
        "Blood in it.",
    )
    found = sources("Fever since Monday, rash of the abdomen, nocturnal diarrhea and blood.", *talk)
    (lines,) = found.values()
    assert len(lines) == 3
    assert set(lines) <= {0, 2, 4, 6}


def test_words_that_every_line_has_lead_nowhere() -> None:
    assert sources("Pain.", *["The pain again."] * 40) == {}


def test_passages_are_offsets_in_their_section() -> None:
    found = weigh(["", "- Rest.\n- BP 140/90."], TALK, "en").sources
    assert found == (Source(Passage(section=1, start=10, end=20), (6,)),)


@pytest.mark.parametrize("language", ["es-MX", "de-DE", ""])
def test_other_languages_are_matched_by_their_rare_words(language: str) -> None:
    talk = ("Buenos días.", "Tomo ibuprofeno para la espalda.", "Bien.", "Soy alérgico a la penicilina.")
    assert sources("Alergia: penicilina.", *talk, language=language)["Alergia: penicilina."][0] == 3
