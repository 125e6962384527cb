"""A transcript's lines in HTML: `{{ lines|listed:player.source }}`.

Made here and not by a template's loop, which takes three times as long over the 3,000 lines of two hours.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from notes.lines import Line

register = template.Library()

#: Lines in one list: a browser lays out the lists that are in view (player.css).
STRETCH = 25
LIST = '<ol class="lp-lines" start="{}">{}</ol>'
BUTTON = '<button type="button" class="lp-time" tabindex="-1" aria-labelledby="line-{number}">{time}</button>'
TIME = '<span class="lp-time">{time}</span>'
WORDS = '<strong class="lp-voice lp-voice-{voice}">{speaker}</strong> <span class="lp-said">{text}</span>'


@register.filter
def listed(lines: Sequence[Line], is_heard: object) -> SafeString:
    """In lists one after the other. `is_heard`: whether there is a recording, so that a line's time plays it."""
    return format_html_join("\n", LIST, _stretches([_item(line, bool(is_heard)) for line in lines]))


def _stretches(items: Sequence[SafeString]) -> Iterator[tuple[int, SafeString]]:
    for first in range(0, len(items), STRETCH):
        yield first + 1, format_html_join("\n", "{}", ([item] for item in items[first : first + STRETCH]))


def _item(line: Line, is_heard: bool) -> SafeString:
    return format_html(_form(line.start is not None, line.end is not None, is_heard), **line._asdict())


@cache
def _form(has_start: bool, has_end: bool, is_heard: bool) -> str:
    start = ' data-start="{start}"' if has_start else ""
    end = ' data-end="{end}"' if has_end else ""
    time = BUTTON if is_heard and has_start else TIME
    return f'<li id="line-{{number}}"{start}{end}>{time} {WORDS}</li>'
