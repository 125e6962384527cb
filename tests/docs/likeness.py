"""Whether an answer is as a page shows it.

The same keys, and values of the same types, everywhere. The same values, too, but where the page's is an id, a time, a
digest, or a moment in Unix seconds: there any will do. `$NAME` in a text of the page is what it stood for earlier; the
first time it takes its value from the answer. `…` in a text stands for anything, and at the end of a list for more.
"""

from __future__ import annotations

import re
from itertools import zip_longest
from typing import Any

Known = dict[str, str]
MARKS = re.compile(r"\$([A-Z][A-Z0-9_]*)|(…)")
ANY_OF_A_KIND = [
    re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"),
    re.compile(r"[0-9a-f]{32}|[0-9a-f]{64}"),
]
UNIX_SECONDS = 1_000_000_000


class Unlike(AssertionError):
    pass


def meet(page: Any, answer: Any, known: Known, at: str = "") -> None:
    """Raises Unlike, naming where; `known` learns what the page names for the first time."""
    if type(page) is not type(answer):
        raise Unlike(f"{at or 'the answer'} is {answer!r}, not like {page!r}")
    if isinstance(page, dict):
        if page.keys() != answer.keys():
            raise Unlike(f"{at or 'the answer'} has not the same keys: {sorted(page.keys() ^ answer.keys())}")
        for name in page:
            meet(page[name], answer[name], known, f"{at}.{name}".strip("."))
    elif isinstance(page, list):
        meet_list(page, answer, known, at)
    elif isinstance(page, str):
        meet_text(page, answer, known, at)
    elif page != answer and not (isinstance(page, int) and min(page, answer) > UNIX_SECONDS):
        raise Unlike(f"{at} is {answer!r}, not {page!r}")


def meet_list(page: list[Any], answer: list[Any], known: Known, at: str) -> None:
    if page[-1:] == ["…"]:
        page = page[:-1]
        answer = answer[: len(page)]
    for place, (one, other) in enumerate(zip_longest(page, answer)):
        meet(one, other, known, f"{at}[{place}]")


def meet_text(page: str, answer: str, known: Known, at: str) -> None:
    if any(kind.fullmatch(page) and kind.fullmatch(answer) for kind in ANY_OF_A_KIND):
        return
    found = re.fullmatch(pattern(page, known), answer, re.DOTALL)
    if not found:
        raise Unlike(f"{at} is {answer!r}, not like {page!r}")
    known |= found.groupdict()


def pattern(text: str, known: Known) -> str:
    """The regular expression that a text of the page amounts to."""
    named, parts, end = set[str](), list[str](), 0
    for mark in MARKS.finditer(text):
        parts.append(re.escape(text[end : mark.start()]))
        parts.append(".*" if mark[2] else meaning(mark[1], known, named))
        end = mark.end()
    return "".join([*parts, re.escape(text[end:])])


def meaning(name: str, known: Known, named: set[str]) -> str:
    if name in known:
        return re.escape(known[name])
    again = name in named
    named.add(name)
    return f"(?P={name})" if again else f"(?P<{name}>.+)"
