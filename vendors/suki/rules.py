"""What Suki grants. Its pages name one language and no choice of styles: whatever else is wished is refused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from vendors.base import NOTE, TRANSCRIPT, Problem, Wish
from vendors.suki.sections import TEMPLATES

OUTPUT_OBJECTS = (TRANSCRIPT, NOTE)
LANGUAGES = ("en-US",)
LANGUAGE_ALIASES = {"en": "en-US"}


def full_language(language: str) -> str:
    """The language as Suki names it."""
    return LANGUAGE_ALIASES.get(language, language)


def check(wish: Wish) -> list[Problem]:
    """Everything in `wish` that Suki would not do, one Problem each; empty when it would."""
    problems = [*_output_problems(wish), *_style_problems(wish)]
    if full_language(wish.language) not in LANGUAGES:
        message = f"Suki does not take this language. It accepts {_listed(LANGUAGES)}."
        problems.append(Problem("language", "unknown_language", message))
    if NOTE in wish.output_objects and wish.note_template not in TEMPLATES:
        message = f"Suki is not asked for this template's sections. It accepts {_listed(TEMPLATES)}."
        problems.append(Problem("note_template", "unknown_template", message))
    return problems


def _output_problems(wish: Wish) -> Iterator[Problem]:
    field, asked = "output_objects", wish.output_objects
    accepted = _listed(OUTPUT_OBJECTS)
    if not asked:
        yield Problem(field, "no_output_object", f"Nothing is asked for. Ask for {accepted}, or both.")
    if not set(asked) <= set(OUTPUT_OBJECTS):
        yield Problem(field, "unknown_output_object", f"Suki makes no such object. It makes {accepted}.")
    if len(set(asked)) < len(asked):
        yield Problem(field, "repeated_output_object", "The same object is asked for twice. Name each object once.")
    if wish.kind == "dictation" and NOTE in asked:
        message = f"Suki writes no note of a dictation, only what was said. Ask for {TRANSCRIPT} alone."
        yield Problem(field, "no_note_of_dictation", message)


def _style_problems(wish: Wish) -> Iterator[Problem]:
    if wish.section_style != "auto":
        yield Problem("section_style", "no_section_style", "Suki's sections have no style to choose: leave it on auto.")
    if wish.split_by_sentence:
        yield Problem("split_by_sentence", "not_offered", "Suki does not split transcripts by sentence: leave it out.")
    if wish.split_by_problem:
        yield Problem("split_by_problem", "not_offered", "Suki does not split notes by problem: leave it out.")


def _listed(words: Iterable[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} or {last}" if most else last
