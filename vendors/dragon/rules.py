"""What Dragon Copilot grants. Which languages it takes, a customer's own configuration says: configuration.py."""

from __future__ import annotations

from vendors.base import NOTE, Problem, Wish
from vendors.wishes import output_problems, style_problems

TEMPLATE = "GENERAL_MEDICINE"


def check(wish: Wish) -> list[Problem]:
    """Everything in `wish` that Dragon Copilot would not do, one Problem each; empty when it would."""
    problems = [*output_problems(wish, "Dragon Copilot"), *style_problems(wish, "Dragon Copilot")]
    if "-" not in wish.language:
        message = "Dragon Copilot asks for a language with its region, such as en-US."
        problems.append(Problem("language", "no_region", message))
    if NOTE in wish.output_objects and wish.note_template != TEMPLATE:
        message = f"Dragon Copilot's notes have the form that is set there: leave the template out, or on {TEMPLATE}."
        problems.append(Problem("note_template", "unknown_template", message))
    return problems
