"""What counts as the answer that a page shows, and what does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.docs.likeness import Unlike, meet
from tests.docs.page import Block, Step, Unknown, steps

ID, OTHER = "0198b0a4-3d52-7c1e-9b1f-5f2a6d0c4e11", "0198b0a6-91c4-7d08-8a36-1e4b7f20c9d2"


@pytest.mark.parametrize(
    ("page", "answer"),
    [
        ({"a": 1, "b": None}, {"b": None, "a": 1}),
        (ID, OTHER),
        ("2026-03-02T09:30:00Z", "2027-01-01T00:00:00.123456Z"),
        ("0" * 64, "f" * 64),
        (1_772_443_800, 1_800_000_000),
        ("It says … here", "It says a lot\nhere"[:-4] + " here"),
        ([1, "…"], [1, 2, 3]),
        ([1, "…"], [1]),
        ("http://$HOST/x/$ID", f"http://known/x/{OTHER}"),
        (["$NEW", "$NEW"], ["this", "this"]),
    ],
)
def test_these_are_alike(page: Any, answer: Any) -> None:
    meet(page, answer, {"HOST": "known"})


@pytest.mark.parametrize(
    ("page", "answer"),
    [
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"a": 1, "b": 2}, {"a": 1}),
        ({"a": {"b": 1}}, {"a": {"b": 2}}),
        (1, 2),
        (1, "1"),
        (1, True),
        (None, ""),
        ([1], [1, 2]),
        ([1, 2], [1]),
        ([1, "…"], [2]),
        (ID, "another"),
        ("needs_review", "signed"),
        ("2026-03-02T09:30:00Z", "2026-03-02"),
        ("$HOST", "unknown"),
        ("a.c", "abc"),
        (["$NEW", "$NEW"], ["this", "that"]),
        (1_772_443_800, 7),
    ],
)
def test_these_are_not(page: Any, answer: Any) -> None:
    with pytest.raises(Unlike):
        meet(page, answer, {"HOST": "known"})


def test_a_name_is_learned_where_it_is_first_shown() -> None:
    known = {"URL": "http://here"}
    meet(
        {"id": "$NOTE", "url": "$URL/notes/$NOTE", "next": "$URL/notes?cursor=$CURSOR"},
        {"id": ID, "url": f"http://here/notes/{ID}", "next": "http://here/notes?cursor=abc"},
        known,
    )
    assert known == {"URL": "http://here", "NOTE": ID, "CURSOR": "abc"}


def page(folder: Path, *fenced: tuple[str, str]) -> Path:
    file = folder / "page.md"
    file.write_text("Words.\n" + "".join(f"\n```{language}\n{text}\n```\n" for language, text in fenced))
    return file


def test_answers_belong_to_the_command_before_them(tmp_path: Path) -> None:
    first, file, last = steps(
        page(tmp_path, ("sh", "ls"), ("http", "x"), ("json", "{}"), ("python", "# a.py"), ("sh", "cat a"))
    )
    assert (first.block, [one.language for one in first.answers]) == (Block(3, "sh", "ls\n"), ["http", "json"])
    assert (file.block.language, last.answers) == ("python", [])


@pytest.mark.parametrize("fenced", [("json", "{}"), ("", "curl"), ("bash", "ls")])
def test_a_block_that_is_not_run_is_an_error(tmp_path: Path, fenced: tuple[str, str]) -> None:
    with pytest.raises(Unknown):
        steps(page(tmp_path, fenced))


@pytest.mark.parametrize(
    ("command", "may"),
    [
        ("curl $URL/x", True),
        ("curl -i $URL/x \\\n  -H 'A: b'", True),
        ("cat received.txt", True),
        ("curl -X DELETE $URL/x", False),
        ("curl $URL/x \\\n  -d '{}'", False),
        ("curl -T a.flac $URL/x", False),
        ("python receiver.py &", False),
        ("manage.py create_api_key", False),
    ],
)
def test_only_what_sends_nothing_is_repeated(command: str, may: bool) -> None:
    assert Step(Block(1, "sh", f"{command}\n")).may_be_repeated is may
