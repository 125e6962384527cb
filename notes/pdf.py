"""A note as a PDF, tagged for screen readers. Typst sets it: notes/note.typ."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import orjson

from notes.paper import Paper

TEMPLATE = Path(__file__).with_name("note.typ")


class Unprintable(Exception):
    """Typst could not set it."""


def pdf(paper: Paper) -> bytes:
    """Its bytes. Raises Unprintable. The words go in as data: none of them is read as Typst's markup."""
    import typst  # 80 MB of it: only a process that makes one holds it

    facts = asdict(paper) | {"language": paper.language.partition("-")[0].lower()}
    try:
        made = typst.compile(TEMPLATE, format="pdf", sys_inputs={"paper": orjson.dumps(facts).decode()})
    except typst.TypstError:  # its text may quote the note
        raise Unprintable from None
    assert isinstance(made, bytes)  # noqa: S101 (a list of pages is for pictures)
    return made
