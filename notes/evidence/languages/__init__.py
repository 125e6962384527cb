"""What differs by language, as tables."""

from __future__ import annotations

from notes.evidence.languages import en, es, fr
from notes.evidence.languages.language import Language

NEUTRAL = Language(code="")
LANGUAGES = {language.code: language for language in (en.ENGLISH, es.SPANISH, fr.FRENCH)}

__all__ = ["Language", "of"]


def of(tag: str) -> Language:
    """By a BCP 47 tag; one without words of its own for the others."""
    return LANGUAGES.get(tag.replace("_", "-").split("-")[0].lower(), NEUTRAL)
