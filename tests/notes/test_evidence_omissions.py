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
        "My father had both knees replaced at sixty-five.",
        "I was off work for three weeks.",
        "I lost nine pounds over the summer.",
        "I was in hospital in 2019.",
        "Two bottles of wine at the weekend.",
        "He shouldn't go swimming for 2 weeks.",
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
        "Mon père a fait un infarctus à cinquante-deux ans.",
        "J'ai été arrêté trois semaines.",
        "J'ai perdu quatre kilos.",
        "Deux verres de vin tous les soirs.",
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
        "If it is no better in 72 hours, call me.",
        "Fifty percent of people would say so.",
        "My mother lives at 65 Elm Street, and I moved house two weeks ago.",
        "At 8:30 I get up.",
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
        ("Smokes 5/day.", "I smoke five cigarettes, I'm afraid."),
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


@pytest.mark.parametrize(
    ("note", "line"),
    [
        ("Lisinopril 400 mg.", "Take lisinopril, forty milligrams."),
        ("Amoxicillin 500 mg for 7 days.", "Amoxicillin, 250 milligrams, for five days."),
        ("Pulse 82/min.", "Your pulse is seventy-two."),
    ],
)
def test_a_number_that_the_note_has_wrong_is_not_also_left_out(note: str, line: str) -> None:
    assert omitted(note, line) == []


def test_a_wrong_number_excuses_its_own_kind_alone() -> None:
    assert omitted("Arrêt de 14 jours.", "J'ai eu ça en 2019, arrêté 3 semaines.", language=FR) == NUMBER
    assert omitted("Pulse 82, cough.", "Pulse seventy-two.", "Paracetamol, one gram.") == [(1, "number")]


def test_of_an_event_that_the_note_has_the_year_may_go_unmentioned() -> None:
    assert omitted("Previous pneumonia.", "I had pneumonia in 2019.") == []


ANSWER = [(1, "negation")]


@pytest.mark.parametrize(
    ("question", "answer", "language"),
    [
        ("Any cough?", "No.", "en"),
        ("Are you allergic to anything?", "Not that I know of.", "en"),
        ("Are you coughing up blood?", "God no.", "en"),
        ("Is he allergic?", "No medicines.", "en"),
        ("Can I fly on Thursday?", "I wouldn't, no.", "en"),
        ("Vous êtes allergique ?", "Pas que je sache.", "fr"),
        ("Du sang dans les selles ?", "Non.", "fr"),
        ("Je peux conduire ?", "Pas avant lundi.", "fr"),
    ],
)
def test_a_no_to_what_the_note_never_mentions(question: str, answer: str, language: str) -> None:
    assert omitted("Well.", question, answer, language=language) == ANSWER


@pytest.mark.parametrize(
    ("note", "question", "answer"),
    [
        ("No neck stiffness.", "Any trouble with a stiff neck?", "No."),
        ("No paraesthesia.", "Any pins and needles in the hand?", "No, nothing like that."),
        ("Neck supple.", "Any stiffness in the neck?", "No."),
        ("Lungs clear.", "Any wheeze?", "No."),
        ("Ramipril 5 mg.", "Are you taking any other tablets?", "No."),
        ("Well.", "Any trouble with your stomach?", "No, no problem at all."),
        ("Well.", "Have you missed any?", "No."),
        ("Well.", "Will I have a scar?", "No."),
        ("Well.", "Should I avoid grapefruit?", "Not with these."),
    ],
)
def test_a_no_that_needs_no_words_of_its_own(note: str, question: str, answer: str) -> None:
    assert omitted(note, question, answer) == []


@pytest.mark.parametrize(
    ("note", "line"),
    [
        ("Hearing aid left.", "I can't hear on the left."),
        ("Heart sounds normal.", "I hear no murmur."),
        ("Afebrile.", "There's no fever."),
        ("Complete rest from exercise.", "No exercise."),
    ],
)
def test_findings_and_complaints_that_the_note_has_without_a_no(note: str, line: str) -> None:
    assert omitted(note, line) == []


def test_what_somebody_affirmed_the_note_may_affirm() -> None:
    lines = ("I have a headache.", "Did you take anything for the headache?", "No.")
    assert omitted("Headache.", *lines) == []
