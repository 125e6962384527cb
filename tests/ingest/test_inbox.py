"""Letters that arrive together share one commit: what each sender is told, and what is kept."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from uuid import UUID, uuid4

import orjson
import psycopg
import pytest
from django.db import connection

from access.log import Actor, Kind
from access.models import AccessEntry, Clinic
from config.door import database
from ingest import inbox, letters
from ingest.connections import Connections, Unavailable
from ingest.inbox import Inbox
from ingest.letters import Letter, Proof, Receipt
from ingest.models import Callback
from tests.factories import SubmissionFactory

pytestmark = pytest.mark.django_db(transaction=True)
Found = TypeVar("Found")
numbers = itertools.count()
REFUSE = "ALTER TABLE ingest_callback ADD CONSTRAINT refused CHECK (size <> %s) NOT VALID"
REFUSE_LATE = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF NEW.size = %s THEN
        RAISE check_violation USING DETAIL = 'Failing row contains ' || convert_from(NEW.body, 'UTF8');
    END IF;
    RETURN NEW;
END $$;
CREATE CONSTRAINT TRIGGER refused AFTER INSERT ON ingest_callback DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION refuse()
"""
REFUSE_NO_MORE = """
DROP TRIGGER IF EXISTS refused ON ingest_callback;
DROP FUNCTION IF EXISTS refuse();
ALTER TABLE ingest_callback DROP CONSTRAINT IF EXISTS refused
"""
READ_ONLY = "{} options='-c default_transaction_read_only=on'"


def new_ticket() -> UUID:
    submission = SubmissionFactory(state="waiting", request__waiting=True)
    return UUID(str(submission.pk))


def ticketed(ticket: UUID, body: bytes = b"") -> Letter:
    return Letter("nabla", body or b"%d" % next(numbers), "application/json", Proof.TICKET, ticket)


def posted(clinic_id: UUID) -> Letter:
    sender = Actor(Kind.API_KEY, str(uuid4()), "192.0.2.1")
    body = b"%d" % next(numbers)
    return Letter("nabla", body, "application/json", Proof.API_KEY, clinic_id, clinic_id=clinic_id, sender=sender)


def at(work: Callable[[Inbox], Awaitable[Found]], *, seconds: float = 5.0, rings: list[int] | None = None) -> Found:
    """What is done at an inbox that is open."""

    async def run() -> Found:
        box = Inbox(Connections(database(), seconds=seconds), lambda: (rings if rings is not None else []).append(1))
        await box.open()
        try:
            return await work(box)
        finally:
            await box.close()

    return asyncio.run(run())


async def hand_in(box: Inbox, *brought: Letter) -> list[Any]:
    """All at once: a receipt or the error for each, in their order."""
    return await asyncio.gather(*map(box.receive, brought), return_exceptions=True)


def hand(*brought: Letter, rings: list[int] | None = None) -> list[Any]:
    return at(lambda box: hand_in(box, *brought), rings=rings)


def commits() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(DISTINCT xmin::text) FROM ingest_callback")
        return int(cursor.fetchone()[0])


def test_those_that_arrive_together_share_a_commit() -> None:
    brought = [ticketed(new_ticket()) for _ in range(40)]
    assert hand(*brought) == [Receipt.STORED] * 40
    assert Callback.objects.count() == 40
    assert commits() <= 2  # the first may go alone


def test_each_is_kept_as_it_came() -> None:
    ticket = new_ticket()
    letter = ticketed(ticket, b"\x00\xff not JSON")
    hand(letter, *(ticketed(new_ticket(), b"x" * size) for size in (0, 1, 300_000)))
    row = Callback.objects.get(pk=letter.id)
    assert bytes(row.body or b"") == b"\x00\xff not JSON"
    assert (row.submission_id, row.proven_id, row.state, row.size) == (ticket, ticket, "stored", 11)
    assert row.submission
    assert (row.request_id, row.clinic_id) == (row.submission.request_id, row.submission.clinic_id)
    assert row.next_attempt_at == row.received_at == letter.received_at


def test_the_same_twice_in_one_batch_is_stored_once() -> None:
    ticket = new_ticket()
    receipts = hand(*(ticketed(ticket, b"same") for _ in range(5)))
    assert sorted(receipt.name for receipt in receipts) == ["DUPLICATE_UNPROCESSED"] * 4 + ["STORED"]
    assert Callback.objects.count() == 1


def test_what_is_repeated_after_it_was_processed_is_a_duplicate() -> None:
    ticket, rings = new_ticket(), list[int]()
    hand(ticketed(ticket, b"same"), rings=rings)
    Callback.objects.update(state="applied", next_attempt_at=None)
    assert hand(ticketed(ticket, b"same"), rings=rings) == [Receipt.DUPLICATE]
    assert rings == [1]


def test_one_bell_a_batch_and_after_the_answers() -> None:
    rings, rung_when_told = list[int](), list[int]()

    async def work(box: Inbox) -> None:
        async def one(letter: Letter) -> None:
            await box.receive(letter)
            rung_when_told.append(len(rings))

        await asyncio.gather(*(one(letter) for letter in brought))
        await asyncio.sleep(0)

    brought = [ticketed(new_ticket()) for _ in range(20)]
    at(work, rings=rings)
    assert rung_when_told[0] == 0
    assert 1 <= len(rings) <= 2  # the first may go alone


def test_one_that_cannot_be_stored_fails_alone() -> None:
    """Its clinic is gone: a foreign key refuses the commit."""
    neighbours = [ticketed(new_ticket()) for _ in range(9)]
    receipts = hand(*neighbours[:4], posted(uuid4()), *neighbours[4:])
    assert isinstance(receipts.pop(4), Unavailable)
    assert receipts == [Receipt.STORED] * 9
    assert Callback.objects.count() == 9


@pytest.mark.parametrize("refused", ["at once", "at the commit"])
def test_a_row_that_postgresql_refuses_is_quoted_in_no_log(caplog: pytest.LogCaptureFixture, refused: str) -> None:
    """Its own message says "Failing row contains ..."."""
    body = b"the patient's words"
    with connection.cursor() as cursor:
        cursor.execute(REFUSE if refused == "at once" else REFUSE_LATE, [len(body)])
    try:
        receipts = hand(ticketed(new_ticket(), body), ticketed(new_ticket()))
    finally:
        with connection.cursor() as cursor:
            cursor.execute(REFUSE_NO_MORE)
    assert isinstance(receipts[0], Unavailable)
    assert receipts[1] is Receipt.STORED
    assert "callbacks are not known to be stored" in caplog.text
    assert not [quoted for quoted in ("patient", body.hex(), "Failing row") if quoted in caplog.text]


def test_a_ticket_that_nothing_is_expected_on_is_unknown() -> None:
    assert hand(ticketed(uuid4()), ticketed(new_ticket())) == [Receipt.UNKNOWN, Receipt.STORED]


def test_a_ticket_takes_twenty_bodies_and_their_repeats() -> None:
    ticket = new_ticket()
    bodies = [b"body %d" % number for number in range(30)]
    first = hand(*(ticketed(ticket, body) for body in bodies[:19]))
    assert first == [Receipt.STORED] * 19
    again = hand(*(ticketed(ticket, body) for body in (bodies[0], bodies[19], bodies[20])))
    assert again.count(Receipt.STORED) == again.count(Receipt.TOO_MANY) == 1
    assert again[0] is Receipt.DUPLICATE_UNPROCESSED
    assert Callback.objects.count() == letters.BODIES_A_TICKET


def test_several_doors_together_take_no_more_than_twenty() -> None:
    ticket = new_ticket()

    async def work(box: Inbox) -> list[Any]:
        other = Inbox(Connections(database()), lambda: None)
        await other.open()
        doors = itertools.cycle((box, other))
        brought = [next(doors).receive(ticketed(ticket)) for _ in range(60)]
        receipts = await asyncio.gather(*brought)
        await other.close()
        return receipts

    receipts = at(work)
    assert receipts.count(Receipt.STORED) == Callback.objects.count() == letters.BODIES_A_TICKET


def deadlocks() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return int(cursor.fetchone()[0])


def test_several_doors_with_the_same_in_other_orders_do_not_deadlock(clinic: Clinic) -> None:
    """They would be told nothing of it: what fails by a deadlock is done again."""
    accounts, before = sorted(uuid4() for _ in range(300)), deadlocks()

    async def work(box: Inbox) -> list[Any]:
        other = Inbox(Connections(database()), lambda: None)
        await other.open()
        receipts = []
        for _ in range(10):
            here, there = ([signed(clinic, account) for account in order] for order in (accounts, accounts[::-1]))
            for group in await asyncio.gather(hand_in(box, *here), hand_in(other, *there)):
                receipts += group
        await other.close()
        return receipts

    receipts = at(work)
    assert receipts.count(Receipt.STORED) == Callback.objects.count() == 300
    assert receipts.count(Receipt.DUPLICATE_UNPROCESSED) == 5700
    assert deadlocks() == before


def signed(clinic: Clinic, account: UUID) -> Letter:
    known = {"clinic_id": clinic.pk, "event_id": "event"}
    return Letter("nabla", b"%d" % next(numbers), "", Proof.ACCOUNT, account, **known)  # type: ignore[arg-type]


def test_a_partners_post_is_in_the_access_log_once(clinic: Clinic) -> None:
    letter = posted(clinic.pk)
    again = Letter("nabla", letter.body, "", Proof.API_KEY, clinic.pk, clinic_id=clinic.pk, sender=letter.sender)
    hand(letter, again)
    (entry,) = AccessEntry.objects.filter(object_type="callback")
    assert entry.object_ids == [str(letter.id)] or entry.object_ids == [str(again.id)]
    assert letter.sender
    assert (entry.actor_kind, entry.actor_id) == ("api_key", letter.sender.id)
    assert (entry.address, entry.mode, entry.clinic_id) == ("192.0.2.1", "posted", clinic.pk)


def test_a_commit_whose_answer_was_lost_is_told_as_stored() -> None:
    letter = ticketed(new_ticket())

    async def work(box: Inbox) -> list[Receipt]:
        twice = [await box.connections.insist(lambda c: letters.store(c, [letter])) for _ in range(2)]
        return [receipt for (receipt,) in twice]

    assert at(work) == [Receipt.STORED, Receipt.STORED]


def test_past_what_may_wait_nobody_is_kept_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "WAITING_BYTES", 100)
    brought = [ticketed(new_ticket(), bytes([number]) * 40) for number in range(3)]
    receipts = hand(*brought)
    assert receipts[:2] == [Receipt.STORED] * 2
    assert isinstance(receipts[2], Unavailable)
    assert hand(brought[2]) == [Receipt.STORED]


def test_a_batch_is_bounded_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "BATCH_BYTES", 100)
    brought = [ticketed(new_ticket(), bytes([number]) * 40) for number in range(10)]
    assert hand(*brought) == [Receipt.STORED] * 10
    assert commits() == 5


def test_closing_writes_what_waits() -> None:
    brought = [ticketed(new_ticket()) for _ in range(30)]

    async def work(box: Inbox) -> list[asyncio.Task[Receipt]]:
        waiting = [asyncio.create_task(box.receive(letter)) for letter in brought]
        await asyncio.sleep(0)
        await box.close()
        return waiting

    assert [task.result() for task in at(work)] == [Receipt.STORED] * 30


def test_a_stuck_database_is_given_up_on_time_and_nothing_is_lost_after_it() -> None:
    letter, later = ticketed(new_ticket()), ticketed(new_ticket())

    async def work(box: Inbox) -> list[Any]:
        owner = await psycopg.AsyncConnection.connect(database())
        await owner.execute("LOCK TABLE ingest_callback IN ACCESS EXCLUSIVE MODE")
        stuck = await hand_in(box, letter)
        await owner.rollback()
        await owner.close()
        return [*stuck, *await hand_in(box, later)]

    stuck, healed = at(work, seconds=0.5)
    assert isinstance(stuck, Unavailable)
    assert healed is Receipt.STORED


def test_a_row_that_somebody_holds_keeps_nobody_else_waiting() -> None:
    held, neighbours = ticketed(new_ticket()), [ticketed(new_ticket()) for _ in range(6)]

    async def work(box: Inbox) -> list[Any]:
        other = await psycopg.AsyncConnection.connect(database())
        await other.execute(letters.TAKE_TURNS, [[held.proven_id]])
        waiting = asyncio.create_task(box.receive(held))
        receipts = await hand_in(box, *neighbours)
        assert not waiting.done()
        await other.close()
        return [*receipts, await waiting]

    assert at(work, seconds=20) == [Receipt.STORED] * 7


def test_a_read_only_database_is_said_at_once() -> None:
    letter = ticketed(new_ticket())

    async def work() -> list[Any]:
        box = Inbox(Connections(READ_ONLY.format(database()), seconds=60), lambda: None)
        await box.open()
        async with asyncio.timeout(30):
            receipts = await hand_in(box, letter)
        await box.close()
        return receipts

    (refused,) = asyncio.run(work())
    assert isinstance(refused, Unavailable)


def test_a_fault_that_nobody_foresaw_does_not_close_the_inbox(caplog: pytest.LogCaptureFixture) -> None:
    """What cannot be written as JSON, say: its batch is refused, and the next one taken."""
    broken, whole = ticketed(new_ticket()), ticketed(new_ticket())
    object.__setattr__(broken, "received_at", object())

    async def work(box: Inbox) -> list[Any]:
        receipts = [*await hand_in(box, broken), *await hand_in(box, whole)]
        assert box.works()
        return receipts

    refused, stored = at(work)
    assert isinstance(refused, Unavailable)
    assert stored is Receipt.STORED
    assert "TypeError" in caplog.text


def scans(plan: dict[str, Any]) -> list[dict[str, Any]]:
    """The parts of a plan that read the inbox's tables."""
    here = [plan] if plan.get("Relation Name", "").startswith("ingest_") and "Scan" in plan["Node Type"] else []
    return here + [one for part in plan.get("Plans", []) for one in scans(part)]


@pytest.mark.parametrize("query", [letters.STORE, letters.WHY_NOT], ids=["storing", "asking why not"])
def test_each_letter_is_looked_up_by_key_though_the_statistics_say_that_tables_are_empty(query: str) -> None:
    """A plan that was made on an empty table reads all of it at each letter, once it has grown."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE ingest_callback, ingest_submission, ingest_asyncrequest")
    letter = ticketed(uuid4())
    given: list[Any] = [[letter.id], [letter.proven_id], [letter.event_id], [letter.vendor]]
    if query == letters.STORE:
        given = [orjson.dumps([letter.facts()]).decode(), letters.Bodies([letter.body])]
    with psycopg.connect(database()) as door:
        plan = door.execute(f"EXPLAIN (FORMAT JSON) {query}", given).fetchone()
    assert plan
    found = scans(plan[0][0]["Plan"])
    assert found
    assert [one for one in found if "Index Cond" not in one] == []
