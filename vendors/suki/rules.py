"""What Suki grants. Its pages name one language and no choice of styles: whatever else is wished is refused."""

from __future__ import annotations

from vendors.base import NOTE, TRANSCRIPT, Problem, Wish
from vendors.suki.sections import TEMPLATES
from vendors.wishes import listed, output_problems, style_problems

LANGUAGES = ("en-US",)
LANGUAGE_ALIASES = {"en": "en-US"}


def full_language(language: str) -> str:
    """The language as Suki names it."""
    return LANGUAGE_ALIASES.get(language, language)


def check(wish: Wish) -> list[Problem]:
    """Everything in `wish` that Suki would not do, one Problem each; empty when it would."""
    problems = [*output_problems(wish, "Suki")]
    if wish.kind == "dictation" and NOTE in wish.output_objects:
        message = f"Suki writes no note of a dictation, only what was said. Ask for {TRANSCRIPT} alone."
        problems.append(Problem("output_objects", "no_note_of_dictation", message))
    problems += style_problems(wish, "Suki")
    if full_language(wish.language) not in LANGUAGES:
        message = f"Suki does not take this language. It accepts {listed(LANGUAGES)}."
        problems.append(Problem("language", "unknown_language", message))
    if NOTE in wish.output_objects and wish.note_template not in TEMPLATES:
        message = f"Suki is not asked for this template's sections. It accepts {listed(TEMPLATES)}."
        problems.append(Problem("note_template", "unknown_template", message))
    return problems
