"""Whatever a proven sender sends, in whatever pieces: kept once as it came, or not at all, and the door serves on."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from access.models import Clinic
from tests.faults.bodies import anything
from tests.faults.door import DoorProcess
from tests.faults.exchange import exchange, head, request
from tests.faults.fuzzing import MOST_BYTES, Examples, Ways, digest
from tests.faults.letters import Letter

pytestmark = pytest.mark.usefixtures("unharmed")
BROKEN_CHUNKS = [b"zz\r\n", b"-1\r\nx\r\n", b"\r\n\r\n", b"2\r\nhello\r\n", b"f" * 17 + b"\r\nx", b"0x5\r\nhello\r\n"]
TRAILERS = [b"", b"X-Digest: 1\r\n", b"Content-Length: 7\r\n", b"X-Long: " + b"a" * 3000 + b"\r\n"]


def test_any_body_is_kept_once_as_it_came(fuzzed_door: DoorProcess, clinic: Clinic, examples: Examples) -> None:
    ways, stored = Ways(clinic, examples.count(250)), list[str]()

    @examples(250)
    @given(anything)
    def fuzz(body: bytes) -> None:
        letter = ways.letter(body)
        said = exchange(fuzzed_door.port, request(letter.path, letter.headers(), body), is_whole=True)
        if len(body) > MOST_BYTES:
            assert said.statuses in ([413], [])  # what was not read may take the answer with it
        else:
            assert said.statuses == [200]
        stored.extend([digest(body)] * said.count("stored"))

    fuzz()
    assert ways.kept() == sorted(stored)


def in_chunks(letter: Letter, cuts: list[int], extension: bytes) -> list[bytes]:
    """The head and each chunk, but for the last and empty one."""
    body = letter.body
    places = sorted({0, len(body), *(cut % (len(body) + 1) for cut in cuts)})
    chunks = [body[begin:end] for begin, end in pairwise(places)]
    begins = head(letter.path, {**letter.headers(), "Transfer-Encoding": "chunked"})
    return [begins, *(b"%x%s\r\n%s\r\n" % (len(chunk), extension, chunk) for chunk in chunks)]


cuts = st.lists(st.integers(0, 5000), max_size=12)
extensions = st.sampled_from([b"", b";name=value", b' ; name="value"'])


def test_a_body_in_any_chunks_is_kept_whole(fuzzed_door: DoorProcess, clinic: Clinic, examples: Examples) -> None:
    ways, stored = Ways(clinic, examples.count(100)), list[str]()

    @examples(100)
    @given(st.binary(max_size=5000), cuts, extensions, st.sampled_from(TRAILERS))
    def fuzz(body: bytes, cuts: list[int], extension: bytes, trailer: bytes) -> None:
        pieces = in_chunks(ways.letter(body), cuts, extension)
        said = exchange(fuzzed_door.port, *pieces, b"0\r\n", trailer + b"\r\n", is_whole=True)
        assert said.statuses == [200]
        stored.extend([digest(body)] * said.count("stored"))

    fuzz()
    assert ways.kept() == sorted(stored)


def test_a_body_in_broken_chunks_is_never_kept(fuzzed_door: DoorProcess, clinic: Clinic, examples: Examples) -> None:
    ways = Ways(clinic, 1)

    @examples(60)
    @given(st.binary(max_size=500), cuts, st.sampled_from(BROKEN_CHUNKS), st.binary(max_size=50))
    def fuzz(body: bytes, cuts: list[int], broken: bytes, rest: bytes) -> None:
        said = exchange(fuzzed_door.port, *in_chunks(ways.letter(body), cuts, b""), broken, rest)
        assert set(said.statuses) <= {400, 408}

    fuzz()
    assert ways.kept() == []


def test_what_breaks_off_is_never_kept(fuzzed_door: DoorProcess, clinic: Clinic, examples: Examples) -> None:
    ways = Ways(clinic, 1)

    @examples(60)
    @given(st.binary(min_size=1, max_size=500), cuts, st.booleans(), st.integers(min_value=1))
    def fuzz(body: bytes, cuts: list[int], is_chunked: bool, gone: int) -> None:
        letter = ways.letter(body)
        chunks = [*in_chunks(letter, cuts, b""), b"0\r\n\r\n"]
        sent = b"".join(chunks) if is_chunked else request(letter.path, letter.headers(), body)
        said = exchange(fuzzed_door.port, sent[: -(gone % len(sent)) or -1])
        assert set(said.statuses) <= {400, 408}

    fuzz()
    assert ways.kept() == []
