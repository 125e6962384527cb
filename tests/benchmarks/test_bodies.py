"""The bodies that benchmarks send are Nabla's, of the size that is asked for; and what became of them is counted."""

from __future__ import annotations

import pytest

from benchmarks.bodies import PLACE, callback
from benchmarks.load import Answer, Round
from benchmarks.submissions import proof
from vendors import VENDORS
from vendors.base import Result


@pytest.mark.parametrize("size", [2_000, 54_000, 500_000])
def test_a_body_is_a_callback_of_its_size(size: int) -> None:
    body = callback(size)
    assert len(body) == size
    assert body.count(PLACE.encode()) == 1
    result = VENDORS["nabla"].parse(body)
    assert isinstance(result, Result)
    assert result.client_request_id == PLACE
    assert result.transcript
    assert result.note
    assert len(result.note.sections) >= 2


def test_a_body_is_the_same_at_every_run_and_fit_for_pgbench() -> None:
    assert callback(2_000) == callback(2_000)
    assert b"\\" not in callback(54_000)


@pytest.mark.django_db
def test_the_proof_tells_lost_doubled_and_kept_rows_apart() -> None:
    answered = [Answer(name, 200, 0.1, 0.0) for name in (b"a", b"b", b"c")] + [Answer(b"d", 503, 0.1, 0.0)]
    found = proof([Round(1.0, answers=answered, unanswered=[b"e"])], "VALUES ('a'), ('b'), ('b'), ('d'), ('e')")
    assert found == {"accepted": 3, "rows": 5, "lost": 1, "doubled": 1, "kept": 2}
