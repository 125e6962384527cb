"""docs/security.md names the tests that hold its promises: each of them is there."""

from __future__ import annotations

import re

from config.installation import ROOT

PAGE = (ROOT / "docs/security.md").read_text()


def test_every_file_that_is_named_is_there() -> None:
    named = set(re.findall(r"`((?:tests|scripts)/[\w/]+(?:\.py)?)`", PAGE))
    assert len(named) > 30
    assert {path for path in named if not (ROOT / path).is_file()} == set()


def test_every_test_that_is_named_is_there() -> None:
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    written = "".join(file.read_text() for file in (ROOT / "tests").rglob("test_*.py"))
    assert len(named) > 20
    assert {test for test in named if f"def {test}(" not in written} == set()
