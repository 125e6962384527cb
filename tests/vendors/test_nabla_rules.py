"""Nabla: which wishes it grants."""

from __future__ import annotations

from typing import Any

import pytest

from vendors.base import Wish
from vendors.nabla.rules import TEMPLATES, check


def problems(**changes: Any) -> list[tuple[str, str]]:
    wish = Wish(**{"output_objects": ("transcript_item", "note"), "language": "en-US", **changes})
    found = check(wish)
    assert all(problem.message.endswith(".") for problem in found)
    return [(problem.field, problem.code) for problem in found]


@pytest.mark.parametrize("language", ["en-US", "en-GB", "fr-FR", "en", "fr"])
def test_a_plain_wish_is_granted(language: str) -> None:
    assert problems(language=language) == []


@pytest.mark.parametrize("asked", [("note",), ("transcript_item",), ("note", "transcript_item")])
def test_either_object_or_both(asked: tuple[str, ...]) -> None:
    assert problems(output_objects=asked) == []


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ((), "no_output_object"),
        (("poem",), "unknown_output_object"),
        (("note", "Note"), "unknown_output_object"),
        (("note", "note"), "repeated_output_object"),
    ],
)
def test_wrong_objects(asked: tuple[str, ...], code: str) -> None:
    assert problems(output_objects=asked) == [("output_objects", code)]


@pytest.mark.parametrize("language", ["", "de-DE", "EN-US", "en_US", "es"])
def test_unknown_languages(language: str) -> None:
    assert problems(language=language) == [("language", "unknown_language")]


@pytest.mark.parametrize("language", ["es-ES", "es-MX"])
def test_spanish_is_for_transcripts_only(language: str) -> None:
    assert problems(language=language) == [("language", "no_note_in_language")]
    assert problems(language=language, output_objects=("transcript_item",)) == []


ENGLISH_ONLY = {
    "GENERAL_MEDICINE_AP_MERGED",
    "GENERAL_MEDICINE_WCC",
    "SOAP_WCC",
    "GENERAL_MEDICINE_EMERGENCY",
    "SOAP_EMERGENCY",
}


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_template_in_each_language(template: str) -> None:
    refused = [("note_template", "template_not_in_language")] if template in ENGLISH_ONLY else []
    for language in ("en-US", "en-GB", "en"):
        assert problems(note_template=template, language=language) == []
    for language in ("fr-FR", "fr"):
        assert problems(note_template=template, language=language) == refused
        assert problems(note_template=template, language=language, output_objects=("transcript_item",)) == []


def test_there_are_eleven_templates_and_their_sections_are_distinct() -> None:
    assert len(TEMPLATES) == 11
    sizes = {name: len(template.sections) for name, template in TEMPLATES.items()}
    assert all(len(set(template.sections)) == len(template.sections) for template in TEMPLATES.values())
    assert (sizes["GENERAL_MEDICINE"], sizes["GENERAL_MEDICINE_AP_MERGED"], sizes["CARDIOLOGY"]) == (18, 17, 19)
    assert (sizes["SOAP"], sizes["SOAP_WCC"], sizes["DIET"], sizes["PSYCHOLOGY"]) == (4, 5, 7, 8)
    merged = TEMPLATES["GENERAL_MEDICINE_AP_MERGED"].sections
    assert "ASSESSMENT_AND_PLAN" in merged
    assert not {"ASSESSMENT", "PLAN"} & set(merged)


def test_unknown_template_and_style() -> None:
    assert problems(note_template="LIMERICK") == [("note_template", "unknown_template")]
    assert problems(section_style="haiku") == [("section_style", "unknown_section_style")]


def test_audio_of_an_hour_but_not_a_millisecond_more() -> None:
    assert problems(duration_ms=3_600_000) == []
    assert problems(duration_ms=None) == []
    assert problems(duration_ms=3_600_001) == [("audio", "audio_too_long")]


def test_everything_wrong_is_told_at_once() -> None:
    found = problems(output_objects=(), language="x", note_template="x", section_style="x", duration_ms=10**8)
    assert [field for field, _ in found] == ["output_objects", "language", "note_template", "section_style", "audio"]


def test_a_message_says_what_would_be_accepted() -> None:
    (problem,) = check(Wish(("note",), "fr-FR", "SOAP_WCC"))
    assert "en-US or en-GB" in problem.message
    assert "SOAP" in problem.message
