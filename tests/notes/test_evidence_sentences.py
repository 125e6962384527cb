"""Where sentences end, in prose, lists and abbreviations."""

from __future__ import annotations

import pytest

from tests.notes.weighed import split


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Cough. No fever.", ["Cough.", "No fever."]),
        ("Is it sore? Yes! It is.", ["Is it sore?", "Yes!", "It is."]),
        ("Cough\nNo fever\r\nTired", ["Cough", "No fever", "Tired"]),
        ("He said “stop.” Then he left.", ["He said “stop.”", "Then he left."]),
        ("And then... nothing.", ["And then...", "nothing."]),
        ("", []),
        (" \n\t ", []),
        ("...", []),
    ],
)
def test_a_sentence_ends_with_its_point_or_its_line(text: str, expected: list[str]) -> None:
    assert split(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Seen by Dr. Smith today.",
        "Adressé à M. Dupont et à Mme. Roy.",
        "Lisinopril 10 mg. daily",
        "Take 1 tab. p.o. b.i.d. with food.",
        "Avoid NSAIDs, e.g. ibuprofen.",
        "Temperature 38.5 today.",
        "Ibuprofen 400 mg q.d. for pain",
        "Aspirin vs. clopidogrel.",
    ],
)
def test_an_abbreviation_or_a_decimal_ends_none(text: str) -> None:
    assert split(text) == [text]


def test_a_unit_ends_a_sentence_before_a_capital() -> None:
    assert split("Lisinopril 10 mg. Follow up.") == ["Lisinopril 10 mg.", "Follow up."]


@pytest.mark.parametrize("bullet", ["- ", "• ", "* ", "\u2013 ", "1. ", "2) ", "(3) ", "a) ", "  - "])
def test_bullets_and_numbers_of_lists_are_no_part_of_a_sentence(bullet: str) -> None:
    assert split(f"{bullet}Restart lisinopril.\n{bullet}Rest.") == ["Restart lisinopril.", "Rest."]


def test_bullets_within_a_line_begin_another_sentence() -> None:
    assert split("• Rest • Fluids") == ["Rest", "Fluids"]


def test_offsets_are_characters_of_the_text() -> None:
    assert split("🤒 fièvre. Céphalée.") == ["🤒 fièvre.", "Céphalée."]
