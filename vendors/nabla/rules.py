"""What Nabla grants: output objects, languages, templates with their sections, and the length of the audio.

Source: Nabla's server API reference, version 2024-04-22, `POST /listen_async`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from vendors.base import NOTE, TRANSCRIPT, Problem, Wish

OUTPUT_OBJECTS = (TRANSCRIPT, NOTE)
LANGUAGES = ("en-US", "en-GB", "fr-FR", "es-ES", "es-MX")
LANGUAGE_ALIASES = {"en": "en-US", "fr": "fr-FR"}
SECTION_STYLES = ("auto", "paragraphs", "bullet_points")
LONGEST_AUDIO_MS = 60 * 60 * 1000

_ENGLISH = ("en-US", "en-GB")
# That the templates not marked as English only take French is our reading of the reference.
_ENGLISH_AND_FRENCH = (*_ENGLISH, "fr-FR")

_HISTORY = (
    "CHIEF_COMPLAINT",
    "HISTORY_OF_PRESENT_ILLNESS",
    "PAST_MEDICAL_HISTORY",
    "PAST_SURGICAL_HISTORY",
    "PAST_OBSTETRIC_HISTORY",
    "FAMILY_HISTORY",
    "SOCIAL_HISTORY",
    "ALLERGIES",
    "CURRENT_MEDICATIONS",
    "IMMUNIZATIONS",
    "VITALS",
    "LAB_RESULTS",
    "IMAGING_RESULTS",
    "PHYSICAL_EXAM",
)
_GENERAL_MEDICINE = (*_HISTORY, "ASSESSMENT", "PLAN", "PRESCRIPTION", "APPOINTMENTS")
_MERGED = (*_HISTORY, "ASSESSMENT_AND_PLAN", "PRESCRIPTION", "APPOINTMENTS")
_SOAP = ("SOAP_SUBJECTIVE", "SOAP_OBJECTIVE", "SOAP_ASSESSMENT", "SOAP_PLAN")
_DIET = (
    "DIET_LIFESTYLE",
    "DIET_MEDICAL_HISTORY",
    "DIET_CHIEF_COMPLAINT",
    "DIET_VITALS",
    "DIET_HABITS",
    "DIET_OBJECTIVES",
    "DIET_APPOINTMENTS",
)
_PSYCHOLOGY = (
    "CHIEF_COMPLAINT",
    "PSYCHOLOGY_HISTORY_OF_COMPLAINT",
    "MENTAL_HEALTH_HISTORY",
    "SOCIAL_HISTORY",
    "MENTAL_HEALTH_EXAM",
    "ASSESSMENT",
    "PLAN",
    "APPOINTMENTS",
)


@dataclass(frozen=True, slots=True)
class Template:
    """The sections a note may have, though only those the visit covered, and the languages it can be written in."""

    sections: tuple[str, ...]
    note_languages: tuple[str, ...]


TEMPLATES = {
    "GENERAL_MEDICINE": Template(_GENERAL_MEDICINE, _ENGLISH_AND_FRENCH),
    "GENERAL_MEDICINE_AP_MERGED": Template(_MERGED, _ENGLISH),
    "CARDIOLOGY": Template((*_GENERAL_MEDICINE, "CARDIOVASCULAR_RISKS"), _ENGLISH_AND_FRENCH),
    "PSYCHIATRY": Template((*_GENERAL_MEDICINE, "MENTAL_HEALTH_EXAM"), _ENGLISH_AND_FRENCH),
    "PSYCHOLOGY": Template(_PSYCHOLOGY, _ENGLISH_AND_FRENCH),
    "DIET": Template(_DIET, _ENGLISH_AND_FRENCH),
    "SOAP": Template(_SOAP, _ENGLISH_AND_FRENCH),
    "GENERAL_MEDICINE_WCC": Template((*_GENERAL_MEDICINE, "WELL_CHILD_CARE"), _ENGLISH),
    "SOAP_WCC": Template((*_SOAP, "WELL_CHILD_CARE"), _ENGLISH),
    "GENERAL_MEDICINE_EMERGENCY": Template(_GENERAL_MEDICINE, _ENGLISH),
    "SOAP_EMERGENCY": Template(_SOAP, _ENGLISH),
}


def full_language(language: str) -> str:
    """The language as Nabla names it today: `en` and `fr` are its deprecated names for `en-US` and `fr-FR`."""
    return LANGUAGE_ALIASES.get(language, language)


def check(wish: Wish) -> list[Problem]:
    """Everything in `wish` that Nabla would refuse, one Problem each; empty when it would accept."""
    problems = [*_output_problems(wish), *_language_problems(wish), *_template_problems(wish)]
    if wish.section_style not in SECTION_STYLES:
        message = f"Nabla does not know this section style. It accepts {_listed(SECTION_STYLES)}."
        problems.append(Problem("section_style", "unknown_section_style", message))
    if wish.duration_ms is not None and wish.duration_ms > LONGEST_AUDIO_MS:
        message = "The audio is longer than 60 minutes, the most that Nabla takes. Send it in shorter parts."
        problems.append(Problem("audio", "audio_too_long", message))
    return problems


def _output_problems(wish: Wish) -> Iterator[Problem]:
    field, asked = "output_objects", wish.output_objects
    accepted = _listed(OUTPUT_OBJECTS)
    if not asked:
        yield Problem(field, "no_output_object", f"Nothing is asked for. Ask for {accepted}, or both.")
    if not set(asked) <= set(OUTPUT_OBJECTS):
        yield Problem(field, "unknown_output_object", f"Nabla makes no such object. It makes {accepted}.")
    if len(set(asked)) < len(asked):
        yield Problem(field, "repeated_output_object", "The same object is asked for twice. Name each object once.")


def _language_problems(wish: Wish) -> Iterator[Problem]:
    language = full_language(wish.language)
    if language not in LANGUAGES:
        message = f"Nabla does not take this language. It accepts {_listed(LANGUAGES)}."
        yield Problem("language", "unknown_language", message)
    elif NOTE in wish.output_objects and language not in _ENGLISH_AND_FRENCH:
        message = (
            f"Nabla writes no notes in Spanish, only transcripts. "
            f"Ask for {TRANSCRIPT} alone, or for a note in {_listed(_ENGLISH_AND_FRENCH)}."
        )
        yield Problem("language", "no_note_in_language", message)


def _template_problems(wish: Wish) -> Iterator[Problem]:
    template = TEMPLATES.get(wish.note_template)
    language = full_language(wish.language)
    if template is None:
        message = f"Nabla does not know this template. It accepts {_listed(TEMPLATES)}."
        yield Problem("note_template", "unknown_template", message)
    elif NOTE in wish.output_objects and language in _ENGLISH_AND_FRENCH and language not in template.note_languages:
        offered = [name for name, other in TEMPLATES.items() if language in other.note_languages]
        message = (
            f"Nabla offers this template only in {_listed(template.note_languages)}. "
            f"In the language asked for it accepts {_listed(offered)}."
        )
        yield Problem("note_template", "template_not_in_language", message)


def _listed(words: Iterable[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} or {last}"
