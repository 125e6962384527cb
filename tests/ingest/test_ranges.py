"""HTTP Range as RFC 9110 has it."""

from __future__ import annotations

import pytest

from config import ranges

ETAG = '"abc"'


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", None),
        ("bytes=0-0", (0, 1)),
        ("bytes=0-", (0, 100)),
        ("bytes=10-19", (10, 20)),
        ("bytes=90-1000", (90, 100)),
        ("bytes=-10", (90, 100)),
        ("bytes=-1000", (0, 100)),
        ("bytes=-", None),
        ("bytes=20-10", None),
        ("bytes=0-1,5-6", None),
        ("lines=0-1", None),
        ("bytes=a-b", None),
        ("bytes 0-1", None),
        (f"bytes={'9' * 5000}-", None),
        (f"bytes=0-{'9' * 5000}", None),
        ("bytes=\u0663-\u0665", None),
    ],
)
def test_one_range_or_the_whole(header: str, expected: tuple[int, int] | None) -> None:
    assert ranges.choose(100, header, "", ETAG) == expected


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=100-200", "bytes=-0"])
def test_beyond_the_end_cannot_be_satisfied(header: str) -> None:
    with pytest.raises(ranges.Unsatisfiable):
        ranges.choose(100, header, "", ETAG)


def test_if_range_of_another_version_gives_the_whole() -> None:
    assert ranges.choose(100, "bytes=0-1", '"old"', ETAG) is None
    assert ranges.choose(100, "bytes=0-1", ETAG, ETAG) == (0, 2)
    assert ranges.choose(100, "bytes=100-", '"old"', ETAG) is None
