"""However much goes through a door, taken or refused, it holds no more of it than before."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice

import pytest

from access.models import Clinic
from ingest.models import Callback
from tests.faults.door import DoorProcess
from tests.faults.exchange import exchange, request
from tests.faults.fuzzing import MOST_BYTES
from tests.faults.letters import Letter, Post

CLIENTS, ROUNDS, TRIES = 8, 3000, 3
#: Megabytes. What is sent are some 200.
MOST_GROWTH = 40.0


@pytest.fixture
def traffic(clinic: Clinic) -> list[Letter]:
    """Of every kind, taken and refused. Of what is taken only the first is kept: the rest is the same again."""
    post = Post(clinic, characters=3000)
    taken = [post.ticketed(), post.posted(), post.signed()]
    forged, unsigned, unknown, large = post.ticketed(), post.signed(), post.posted(), post.ticketed()
    forged.path, unsigned.secret, large.body = f"{forged.path[:-9]}AAAAAAAAA", "another", b"x" * (MOST_BYTES + 1)
    unknown.proof = {"Authorization": f"Bearer lp_000000000000_{'A' * 43}"}
    return [*taken, *taken, forged, unsigned, unknown, large]


@pytest.mark.usefixtures("unharmed")
def test_a_door_does_not_grow(fuzzed_door: DoorProcess, clinic: Clinic, traffic: list[Letter]) -> None:
    def send(letter: Letter) -> None:
        """And again where it could not be stored in time, as its sender would."""
        for _ in range(TRIES):
            said = exchange(fuzzed_door.port, request(letter.path, letter.headers(), letter.body), is_whole=True)
            if said.statuses != [503]:
                break
        letter.said += said.statuses

    with ThreadPoolExecutor(CLIENTS) as clients:
        list(clients.map(send, islice(cycle(traffic), ROUNDS // 3)))
        before = fuzzed_door.megabytes
        list(clients.map(send, islice(cycle(traffic), ROUNDS)))
    grown = fuzzed_door.megabytes - before
    assert grown < MOST_GROWTH
    answers = [sorted(map(str, set(letter.said))) for letter in traffic]
    assert answers[:6] == [["200"]] * 6
    assert not any("200" in said for said in answers[6:])
    assert Callback.objects.filter(clinic=clinic).count() == 3
