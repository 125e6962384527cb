"""What REST costs is measured whole, on few notes: all questions, the feed, and SQL for the same rows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.consumer import following, shown
from benchmarks.questions import Question
from benchmarks.rest import WARMING, caught_up, lines, measured
from config.installation import ROOT

SMALL = ["--few=220", "--notes=300", "--rounds=2", "--events=500", "--limit=100"]


def test_the_whole_run(tmp_path: Path) -> None:
    url = os.environ["DATABASE_URL"]
    env = {"DATABASE_APP_URL": url} | os.environ | {"VAR": str(tmp_path)}
    command = [sys.executable, "-m", "benchmarks.rest", "--json", *SMALL]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    for row in result["questions"]:
        assert row["rows_many"] == row["rows_raw"] <= 50, row
        assert 0 < min(row["p50_few"], row["p50_many"], row["p50_raw"]) <= row["p90_many"], row
    rows = {row["question"]: row["rows_many"] for row in result["questions"]}
    assert (rows["a note, of all"], rows["notes"], rows["of a session"], rows["found: one in all"]) == (1, 50, 1, 0)
    assert rows["page 10,000, or that halfway"] == rows["that changed last"] == rows["found: every second"] == 50
    assert [row["events"] for row in result["feed"]] == [500] * 4
    assert "found: every second" in "\n".join(lines(result))


def asking(name: str, asked: list[str]) -> Callable[[], int]:
    def ask() -> int:
        asked.append(name)
        return 1

    return ask


def test_every_question_is_asked_in_each_way_and_none_is_always_first() -> None:
    asked: list[str] = []
    few = {"one": Question(asking("few", asked), asking("never", asked))}
    many = {"one": Question(asking("many", asked), asking("raw", asked))}
    (row,) = measured(few, many, rounds=3)
    rounds = [asked[at : at + 3] for at in range(0, len(asked), 3)]
    assert len(rounds) == WARMING + 3
    assert all(sorted(one) == ["few", "many", "raw"] for one in rounds)
    assert {one[0] for one in rounds} == {"few", "many", "raw"}
    assert row["rows_many"] == 1


def test_the_feed_is_read_to_its_end_or_as_far_as_wanted() -> None:
    assert caught_up(iter([[1, 2], [3]]), 100)[0] == 3
    assert caught_up(iter([[1, 2], [3, 4], [5]]), 3)[0] == 4


@pytest.mark.parametrize(
    ("page", "path"),
    [
        ({"next": None}, ""),
        ({"next": "http://listenpost.example/api/v1/notes?cursor=a"}, "notes?cursor=a"),
        ({"next": "http://listenpost.example/api/v1/events?after=a", "has_more": True}, "events?after=a"),
        ({"next": "http://listenpost.example/api/v1/events?after=a", "has_more": False}, ""),
    ],
)
def test_a_list_and_a_feed_say_each_in_their_way_whether_there_is_more(page: dict[str, object], path: str) -> None:
    assert following(page) == path


def test_an_answer_that_is_none_is_not_measured_and_its_words_are_not_told() -> None:
    with pytest.raises(RuntimeError, match=r"^notes answered 429$"):
        shown("notes?q=Miller", 429, b"Miller")
