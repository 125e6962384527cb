"""What people type into the desk's forms, and what is not taken."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

# Letters to Unicode, and nothing to the eye.
BLANK = "\u115f\u1160\u2800\u3164\uffa0 "


def check_name(value: str) -> None:
    """Raises ValidationError for what reads as another name than it is, or as none."""
    if not value.isprintable() or not value.strip(BLANK):
        raise ValidationError("Use letters, digits and signs that can be seen, on one line.", code="name")


class NameField(forms.CharField):
    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.validators.append(check_name)


class Unseen(forms.Textarea):
    """For secrets: it never repeats what was typed."""

    def format_value(self, value: Any) -> None:
        return None
