"""Numbers of a note against what was said: equal things said differently are equal."""

from __future__ import annotations

import pytest

from notes.evidence import weigh
from tests.notes.weighed import FR, missing

SAME_EN = [
    ("Cough for 14 days.", "I have been coughing for two weeks."),
    ("Cough for 2 weeks.", "For a fortnight now."),
    ("Cough for 1 week.", "I have had it for a week."),
    ("Cough for 7 days.", "It began a week ago."),
    ("Review in 1 month.", "Come back in four weeks."),
    ("Smoked for 18 months.", "For a year and a half."),
    ("Slept 30 minutes.", "I slept half an hour."),
    ("Slept 90 min.", "An hour and a half, I would say."),
    ("Take 0.5 tablet.", "Take half a tablet."),
    ("Take ½ tablet.", "Take half a tablet."),
    ("Take 1/2 tablet.", "Half a tablet is enough."),
    ("Take 1.5 tablets.", "One and a half tablets."),
    ("Take 1½ tablets.", "One and a half tablets."),
    ("BP 120/80 mmHg.", "One twenty over eighty."),
    ("BP 120/80.", "It is 120 over 80."),
    ("BP 101/60.", "One oh one over sixty."),
    ("BP 135/85.", "One hundred and thirty five over eighty five."),
    ("BP 120/80.", "The systolic was 120, the diastolic 80."),
    ("Temperature 38.5 °C.", "Thirty eight point five."),
    ("Temperature 38.5 °C.", "Thirty eight five this morning."),
    ("Temperature 38.5 °C.", "It was 101.3 Fahrenheit."),
    ("Temperature 101.3 °F.", "38.5 degrees."),
    ("HbA1c 7.2%.", "It came back at seven two."),
    ("HbA1c 7.2%.", "Seven point two percent."),
    ("Amoxicillin 250 mg.", "Two hundred and fifty milligrams."),
    ("Amoxicillin 500 mg.", "Half a gram."),
    ("Amoxicillin 500mg.", "0.5 g of it."),
    ("Amoxicillin 1000 mg.", "One gram."),
    ("Paracetamol 7.5 ml.", "Seven and a half mils."),
    ("Levothyroxine 75 µg.", "Seventy five micrograms."),
    ("Levothyroxine 75 mcg.", "0.075 milligrams."),
    ("Vitamin D 1,000 IU.", "A thousand units."),
    ("Vitamin D 1400 units.", "Fourteen hundred units."),
    ("Take BID.", "Twice a day."),
    ("Take b.i.d.", "Two times a day."),
    ("Take 2x/day.", "Every twelve hours."),
    ("Take twice daily.", "One in the morning and one at night."),
    ("Take TID.", "Every eight hours."),
    ("Take q8h.", "Three times a day."),
    ("Take once daily.", "One every morning."),
    ("Take every other day.", "Every second day."),
    ("Runs 3 times per week.", "Three times a week."),
    ("Last Pap 1984.", "In nineteen eighty four."),
    ("Surgery in 2019.", "In twenty nineteen."),
    ("Surgery in 2005.", "Two thousand and five."),
    ("Seen on May 3.", "On the third of May."),
    ("Seen on 05/03.", "On May 3rd."),
    ("Drinks 12 beers.", "A dozen beers."),
    ("Cough for 2 days.", "A couple of days."),
    ("Pain 5/10.", "A five out of ten."),
    ("Pain 5/10.", "Maybe a five."),
    ("SpO2 97%.", "Ninety-seven percent."),
    ("SpO2 97%.", "And ninety seven on the oxygen."),
    ("5-7 days.", "Five to seven days."),
    ("A 45-year-old man.", "I am forty five."),
    ("Stroke at age 60.", "He had a stroke at 60."),
    ("Weight 82 kg.", "I weigh 180 pounds."),
    ("Pulse 78/min.", "78 beats per minute."),
    ("Pulse 78 bpm.", "The pulse is 78."),
    ("Call at 14:30.", "At 14:30, please."),
    ("Given at 20:00 and 04:00.", "At 8 in the evening and again at 4 in the morning."),
    ("Call at 8 pm.", "At 20:00."),
    ("Woke at 02:30.", "At half past two, or two thirty."),
    ("Salbutamol up to 8/day.", "Up to eight a day."),
    ("Smokes 5/day.", "Down to five a day."),
    ("Alcohol: 1-2 drinks.", "Maybe one or two."),
    ("Omeprazole 20 mg.", "I take twenty once a day."),
]
SAME_FR = [
    ("Toux depuis 14 jours.", "Depuis deux semaines."),
    ("Toux depuis 2 semaines.", "Ça fait quinze jours."),
    ("Toux depuis 15 jours.", "Ça fait quinze jours."),
    ("Toux depuis 1 semaine.", "Depuis huit jours."),
    ("Toux depuis 10 jours.", "Une dizaine de jours."),
    ("Toux depuis 18 mois.", "Depuis un an et demi."),
    ("Marche 30 min.", "Une demi-heure."),
    ("Marche 45 min.", "Trois quarts d'heure."),
    ("Prendre 0,5 comprimé.", "Un demi-comprimé."),
    ("TA 120/80.", "Douze huit."),
    ("TA 120/80 mmHg.", "12 8"),
    ("TA 12/8.", "Cent vingt sur quatre-vingts."),
    ("TA 135/90.", "Treize et demi sur neuf."),
    ("Température 38,5 °C.", "Trente-huit cinq."),
    ("Température 38.5 °C.", "Trente-huit virgule cinq."),
    ("Température 38,5.", "38.5 hier soir."),
    ("Paracétamol 1 000 mg.", "Un gramme."),
    ("Paracétamol 500 mg.", "Cinq cents milligrammes."),
    ("Lévothyroxine 75 µg.", "Soixante-quinze microgrammes."),
    ("2x/j.", "Deux fois par jour."),
    ("2 fois par jour.", "Matin et soir."),
    ("3/j.", "Matin, midi et soir."),
    ("3 fois par jour.", "Toutes les huit heures."),
    ("1 cp par jour.", "Un comprimé le matin."),
    ("SpO2 97 %.", "Quatre-vingt-dix-sept pour cent."),
    ("Âge 97 ans.", "Nonante-sept ans."),
    ("Poids 72 kg.", "Septante-deux kilos."),
    ("Poids 81 kg.", "Huitante et un kilos."),
    ("Née en 1984.", "Mille neuf cent quatre-vingt-quatre."),
    ("Opéré en 2019.", "En deux mille dix-neuf."),
    ("Vu le 3 mai.", "Le trois mai."),
    ("Vu le 03/05.", "Le 3 mai."),
    ("Vu le 1er juin.", "Le premier juin."),
    ("EVA 5/10.", "Cinq sur dix."),
    ("5 à 7 jours.", "De cinq à sept jours."),
    ("Dose à 20h.", "À vingt heures."),
    ("Dose à 20 h.", "À huit heures du soir."),
    ("Réveil à 20h30.", "Vers vingt heures trente."),
    ("Maximum 6/j.", "Pas plus de six par jour."),
    ("Glycémie 0,89 g/L.", "À zéro quatre-vingt-neuf."),
    ("Taille 175 cm.", "Un mètre 75."),
    ("Bisoprolol 2,5 mg.", "Deux milligrammes cinq, le matin."),
    ("LDL 1,45 g/L.", "Un gramme quarante-cinq."),
    ("Paracétamol 1 g 3 fois par jour.", "Un gramme trois fois par jour."),
]


@pytest.mark.parametrize(("note", "line"), SAME_EN)
def test_what_was_said_in_other_words_is_said(note: str, line: str) -> None:
    assert missing(note, line) == []


@pytest.mark.parametrize(("note", "line"), SAME_FR)
def test_what_was_said_in_other_words_is_said_in_french(note: str, line: str) -> None:
    assert missing(note, line, language=FR) == []


@pytest.mark.parametrize(
    ("note", "line", "language", "said"),
    [
        ("Lisinopril 400 mg.", "Take 40 milligrams. Your bill is 400 dollars.", "en", "400 mg"),
        ("Lisinopril 40 mg.", "Forty micrograms.", "en", "40 mg"),
        ("Amoxicillin 0.5 g.", "Two hundred and fifty milligrams.", "en", "500 mg"),
        ("BP 120/80.", "One thirty over eighty.", "en", "120/80"),
        ("Cough for 2 weeks.", "For two months.", "en", "14 days"),
        ("Cough for a week.", "For two weeks.", "en", "7 days"),
        ("Take TID.", "Twice a day.", "en", "3/day"),
        ("Take twice daily.", "Once a day.", "en", "2/day"),
        ("Walks three times a day.", "Three times a week.", "en", "3/day"),
        ("Take 3 tablets.", "For three weeks.", "en", "3 tablets"),
        ("Take 3 tablets.", "I have three kids.", "en", "3 tablets"),
        ("Temperature 38.5 °C.", "38.1 degrees.", "en", "38.5 °C"),
        ("SpO2 92%.", "Ninety eight percent.", "en", "92%"),
        ("Pain 8/10.", "Five out of ten.", "en", "8/10"),
        ("Seen on May 3.", "On the 4th of May.", "en", "05-03"),
        ("A 54-year-old man.", "I am 45 years old.", "en", "54 years"),
        ("Pulse 87.", "The pulse is 78.", "en", "87"),
        ("Paracétamol 1 g.", "Cinq cents milligrammes.", "fr", "1000 mg"),
        ("TA 13/8.", "Douze huit.", "fr", "130/80"),
        ("Toux depuis 3 semaines.", "Depuis quinze jours.", "fr", "21 days"),
        ("3 fois par jour.", "Deux fois par jour.", "fr", "3/day"),
        ("Température 39,5 °C.", "Trente-huit cinq.", "fr", "39.5 °C"),
    ],
)
def test_another_value_or_another_unit_is_not_what_was_said(note: str, line: str, language: str, said: str) -> None:
    assert missing(note, line, language=language) == [said]


@pytest.mark.parametrize(
    "note",
    [
        "1. Rest\n2. Fluids\n3) Sleep",
        "Vitamin B12, HbA1c, H1N1, COVID-19, L4-L5, T2-weighted, CA-125, E11.9.",
        "12-lead ECG. Type 2 diabetes. Stage 3.",
        "Alert and oriented x3. In his 50s.",
        "One of them is no one. One should rest.",
        "A few days. Several weeks.",
        "Third trimester, second toe.",
        "Visit of 05/03/2024. Signed 2024-05-03, May 3, 2024.",
        "Call 911. Room 4. #12.",
        "Takes it daily, in the morning.",
    ],
)
def test_what_is_no_quantity_is_not_asked_for(note: str) -> None:
    assert missing(note, "Hello.") == []


@pytest.mark.parametrize(
    "note",
    ["Une douleur, un patient.", "Aucun ne tousse, pas un seul.", "Un jour, l'une d'elles.", "Diabète de type 2."],
)
def test_french_articles_are_no_numbers(note: str) -> None:
    assert missing(note, "Bonjour.", language=FR) == []


@pytest.mark.parametrize(
    "line", ["No one came.", "One of them hurts.", "A few of them.", "B12 and COVID-19.", "Type 2."]
)
def test_what_is_no_quantity_answers_for_none(line: str) -> None:
    assert missing("Takes 1 tablet for 19 or 12 weeks, 2 mg.", line) == ["1 tablet", "133 days", "84 days", "2 mg"]


COLD = "He has had a cold for a week."
TALK = ("Any vomiting?", "He was sick once.", "A rash?", "None.")


@pytest.mark.parametrize(
    ("note", "line", "said"),
    [
        ("Amoxicillin 500 mg for 7 days.", "Amoxicillin, 500 milligrams, for five days.", ["7 days"]),
        ("Amoxicillin 500 mg for 5 days.", "Amoxicillin, 500 milligrams, for five days.", []),
        ("Cold for 7 days, amoxicillin 500 mg.", "Amoxicillin, 500 milligrams.", []),
        ("Ill for 7 days.", "Amoxicillin, 500 milligrams, for five days.", []),
    ],
)
def test_how_long_a_drug_is_taken_is_said_near_its_name(note: str, line: str, said: list[str]) -> None:
    assert missing(note, COLD, *TALK, line) == said


def test_it_is_found_where_it_stands() -> None:
    note = ["Well.", "Lisinopril 40 mg daily."]
    (found,) = weigh(note, ["Lisinopril."], "en-GB").unsaid
    assert (found.section, note[1][found.start : found.end]) == (1, "40 mg")


def test_the_same_quantity_has_the_same_name_however_it_is_written() -> None:
    assert {tuple(missing(f"Take {dose}.")) for dose in ("0.5 g", "500 mg", "500mg", "half a gram")} == {("500 mg",)}


@pytest.mark.parametrize("language", ["es-MX", "de-DE", "", "x-klingon"])
def test_other_languages_have_digits_and_units(language: str) -> None:
    assert missing("Ibuprofeno 400 mg, 38,5 °C.", "600 mg. 38,5.", language=language) == ["400 mg"]


def test_spanish_reads_its_units() -> None:
    assert missing("Tos desde hace 2 semanas.", "Llevo 14 días con tos.", language="es-ES") == []
