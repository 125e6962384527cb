"""A page of examples, read: the blocks between fences, in their order, and what each command is said to answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMANDS, FILES, ANSWERS = ("sh",), ("python",), ("http", "json", "text")
#: A curl that sends something; anything else may be said again until it answers as the page says.
SENDS = re.compile(r"curl\b.*\s(-X|-d|-T)\b|&$|^(?!curl|cat)\S", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    line: int
    language: str
    text: str


@dataclass(frozen=True)
class Step:
    """A command and its answers, or a file."""

    block: Block
    answers: list[Block] = field(default_factory=list)

    @property
    def may_be_repeated(self) -> bool:
        return not SENDS.search(self.block.text.replace("\\\n", " "))


class Unknown(ValueError):
    """A block that nobody would run."""


def blocks(page: Path) -> Iterator[Block]:
    text = page.read_text()
    for found in FENCED.finditer(text):
        yield Block(text.count("\n", 0, found.start()) + 1, found[1], found[2])


def steps(page: Path) -> list[Step]:
    found = list[Step]()
    for block in blocks(page):
        if block.language in COMMANDS + FILES:
            found.append(Step(block))
        elif block.language in ANSWERS and found and found[-1].block.language in COMMANDS:
            found[-1].answers.append(block)
        else:
            raise Unknown(f"{page.name}, line {block.line}: nothing is run for {block.language or 'a plain block'}")
    return found
