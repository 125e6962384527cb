"""HTTP Range for one representation (RFC 9110, section 14): a single byte range, or all of it."""

from __future__ import annotations

import re

# Eighteen digits are more than any file has bytes; a longer number is no range.
SINGLE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")


class Unsatisfiable(Exception):
    """The range lies beyond the end: 416."""


def choose(size: int, range_header: str, if_range: str, etag: str) -> tuple[int, int] | None:
    """The half-open byte range asked for, None for the whole.

    Several ranges, other units and malformed ones are ignored, as the RFC allows. Raises Unsatisfiable.
    """
    match = SINGLE.fullmatch(range_header.strip())
    if match is None or (if_range and if_range != etag) or not (match[1] or match[2]):
        return None
    if not match[1]:
        length = int(match[2])
        if length == 0:
            raise Unsatisfiable
        return max(0, size - length), size
    start = int(match[1])
    stop = min(int(match[2]) + 1, size) if match[2] else size
    if match[2] and int(match[2]) < start:
        return None
    if start >= size:
        raise Unsatisfiable
    return start, stop
