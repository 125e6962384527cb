"""Lines that no section reflects."""

from __future__ import annotations

import pytest

from tests.notes.weighed import FR, omitted

NUMBER, NEGATION = [(0, "number")], [(0, "negation")]


@pytest.mark.parametrize(
    "line",
    [
        "Take ibuprofen, four hundred milligrams.",
        "The blood pressure is one forty over ninety.",
        "I have had this cough for three weeks.",
        "My temperature was 38.5.",
        "The pulse is seventy eight.",
        "It hurts, about seven out of ten.",
        "I smoke ten cigarettes three times a day.",
        "Come back in two weeks.",
        "Creatinine of one point four.",
        "Oxygen is ninety eight percent.",
        "I had the surgery when I was 45 years old.",
    ],
)
def test_a_number_of_medicine_that_the_note_leaves_out(line: str) -> None:
    assert omitted("The patient is well.", line) == NUMBER


@pytest.mark.parametrize(
    "line",
    [
        "Prenez de l'ibuprofène, quatre cents milligrammes.",
        "La tension est à treize huit.",
        "Je tousse depuis trois semaines.",
        "J'avais 38,5 hier soir.",
        "On se revoit dans quinze jours.",
    ],
)
def test_a_number_of_medicine_that_the_note_leaves_out_in_french(line: str) -> None:
    assert omitted("Le patient va bien.", line, language=FR) == NUMBER


@pytest.mark.parametrize(
    "line",
    [
        "Give me one second.",
        "I will be back in five minutes.",
        "The number two bus was late.",
        "That is 40 dollars.",
        "I have been a teacher for twenty years.",
        "One of them hurts.",
        "Did you take 400 milligrams for the pain?",
        "First of all, sit down.",
        "We are in room 12.",
    ],
)
def test_a_number_of_something_else_is_no_omission(line: str) -> None:
    assert omitted("The patient is well.", line) == []


def test_a_number_answers_a_question_about_the_patient() -> None:
    assert omitted("Well.", "How long have you had the fever?", "Three days.") == [(1, "number")]


@pytest.mark.parametrize(
    ("note", "line"),
    [
        ("Ibuprofen 400 mg.", "Take ibuprofen, four hundred milligrams."),
        ("Cough for 21 days.", "I have had this cough for three weeks."),
        ("Cough for 3 weeks.", "The cough began three weeks ago, twice a day it was bad."),
        ("BP 140/90.", "The blood pressure is one forty over ninety."),
    ],
)
def test_a_number_that_the_note_has_is_no_omission(note: str, line: str) -> None:
    assert omitted(note, line) == []


def test_a_dose_that_is_left_out_is_not_made_good_by_another_number() -> None:
    assert omitted("Cough for 3 days.", "A cough for three days, I took 400 milligrams of ibuprofen.") == NUMBER


@pytest.mark.parametrize(
    "line",
    [
        "No fever.",
        "I haven't had any chest pain.",
        "I'm not taking the lisinopril any more.",
        "I never smoked.",
        "He denies any allergies.",
        "I stopped the metformin in March.",
        "I sleep without pain.",
        "Nothing is numb.",
    ],
)
def test_a_negation_that_the_note_leaves_out(line: str) -> None:
    assert omitted("Seen today.", line) == NEGATION


@pytest.mark.parametrize(
    "line",
    [
        "Pas de fièvre.",
        "Je ne prends plus d'aspirine.",
        "Je n'ai jamais fumé.",
        "Aucune allergie.",
        "J'ai arrêté le traitement.",
        "Je n'ai ni toux ni vertiges.",
    ],
)
def test_a_negation_that_the_note_leaves_out_in_french(line: str) -> None:
    assert omitted("Vu ce jour.", line, language=FR) == NEGATION


@pytest.mark.parametrize(
    "line",
    [
        "No problem.",
        "Not at all.",
        "I don't know about the pain.",
        "No worries.",
        "I'm not sure.",
        "Don't worry about the headache.",
        "No more than that for the pain.",
        "We don't have a car.",
        "No fever?",
        "You don't have any pain?",
        "If the pain doesn't go away, call us.",
        "No.",
    ],
)
def test_pleasantries_questions_and_conditions_deny_nothing(line: str) -> None:
    assert omitted("Seen today.", line) == []


@pytest.mark.parametrize(
    "line",
    [
        "Pas de souci.",
        "Pas du tout.",
        "Je ne sais pas pour la douleur.",
        "Ne vous inquiétez pas pour la toux.",
        "Vous n'avez pas de fièvre ?",
        "Si la douleur ne passe pas, revenez.",
        "J'ai plus mal le soir.",
        "Non.",
    ],
)
def test_pleasantries_questions_and_conditions_deny_nothing_in_french(line: str) -> None:
    assert omitted("Vu ce jour.", line, language=FR) == []


@pytest.mark.parametrize(
    ("note", "line"),
    [
        ("Denies fever.", "No fever."),
        ("Afebrile.", "I had no fever."),
        ("Non-smoker.", "I never smoked."),
        ("Former smoker.", "I stopped smoking in 2010."),
        ("NKDA.", "I have no allergies."),
        ("Lisinopril discontinued.", "I'm not taking the lisinopril any more."),
        ("No dyspnea.", "I'm not short of breath."),
        ("Fever: none.", "No fever, no."),
        ("Reduced appetite.", "He isn't hungry."),
    ],
)
def test_a_negation_that_the_note_has_in_its_own_words_is_no_omission(note: str, line: str) -> None:
    assert omitted(note, line) == []


@pytest.mark.parametrize(
    ("note", "line"),
    [
        ("Pas de fièvre.", "Je n'ai pas de fièvre."),
        ("Apyrétique.", "Aucune fièvre."),
        ("Non-fumeuse.", "Je n'ai jamais fumé."),
        ("Tabac sevré.", "J'ai arrêté de fumer."),
        ("AINS contre-indiqués.", "Pas d'anti-inflammatoires pour vous."),
    ],
)
def test_a_negation_that_the_note_has_in_its_own_words_is_no_omission_in_french(note: str, line: str) -> None:
    assert omitted(note, line, language=FR) == []


def test_a_denial_that_the_note_affirms_is_not_reflected() -> None:
    assert omitted("Chest pain.", "No chest pain.") == NEGATION


def test_what_one_denial_of_a_line_has_does_not_cover_what_the_note_affirms() -> None:
    assert omitted("No fever. Chest pain.", "No fever, no chest pain.") == NEGATION


def test_a_no_to_what_the_note_affirms_is_not_reflected() -> None:
    assert omitted("Chest pain.", "Any chest pain?", "No.") == [(1, "negation")]
    assert omitted("Douleur à la poitrine.", "Mal à la poitrine ?", "Non.", language=FR) == [(1, "negation")]


def test_a_hesitation_is_no_no() -> None:
    assert omitted("Drinks alcohol.", "Do you drink?", "Not really, now and then.") == []


def test_a_yes_to_what_the_note_affirms_is_reflected() -> None:
    assert omitted("Chest pain.", "Any chest pain?", "Yes.") == []


def test_a_line_can_be_left_out_for_both() -> None:
    line = "No fever, but I took 400 milligrams of ibuprofen."
    assert omitted("Seen today.", line) == [(0, "number"), (0, "negation")]
