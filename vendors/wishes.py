"""What vendors have in common in what they do not grant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from vendors.base import NOTE, TRANSCRIPT, Problem, Wish

OUTPUT_OBJECTS = (TRANSCRIPT, NOTE)


def output_problems(wish: Wish, vendor: str) -> Iterator[Problem]:
    """Of a vendor that makes a transcript and a note, and nothing else."""
    field, asked = "output_objects", wish.output_objects
    accepted = listed(OUTPUT_OBJECTS)
    if not asked:
        yield Problem(field, "no_output_object", f"Nothing is asked for. Ask for {accepted}, or both.")
    if not set(asked) <= set(OUTPUT_OBJECTS):
        yield Problem(field, "unknown_output_object", f"{vendor} makes no such object. It makes {accepted}.")
    if len(set(asked)) < len(asked):
        yield Problem(field, "repeated_output_object", "The same object is asked for twice. Name each object once.")


def style_problems(wish: Wish, vendor: str) -> Iterator[Problem]:
    """Of a vendor whose notes and transcripts have one style."""
    if wish.section_style != "auto":
        said = f"{vendor}'s sections have no style to choose: leave it on auto."
        yield Problem("section_style", "no_section_style", said)
    if wish.split_by_sentence:
        said = f"{vendor} does not split transcripts by sentence: leave it out."
        yield Problem("split_by_sentence", "not_offered", said)
    if wish.split_by_problem:
        said = f"{vendor} does not split notes by problem: leave it out."
        yield Problem("split_by_problem", "not_offered", said)


def listed(words: Iterable[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} or {last}" if most else last
