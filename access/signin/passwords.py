"""What Django's own validators let through."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError


class RepetitionValidator:
    """Refuses one piece again and again: aaaaaaaaaaaa, abcabcabcabc, and a short password typed twice."""

    def validate(self, password: str, user: Any = None) -> None:
        text = password.lower()
        if any(text[size:] == text[:-size] for size in range(1, len(text) // 2 + 1)):
            raise ValidationError("This password repeats one piece: use several words.", code="password_repeats")

    def get_help_text(self) -> str:
        return "Your password must not be one piece repeated."
