"""Requests that wait for their answers, by the thousand, each with a submission; and what has come of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any
from uuid import UUID

from django.db import connection

from benchmarks.bodies import PLACE
from benchmarks.load import Round, Template, head

#: A row's id holds its number, and the ids are in its order, as UUIDv7 are in that of their making.
KINDS = {"clinic": 1, "session": 2, "request": 3, "submission": 4, "callback": 5}
#: As long as a ticket; stands where that of each copy is patched in.
TICKET = b"T" * 66
FILL = """
INSERT INTO access_clinic (id, slug, name, time_zone, created_at)
VALUES (%(clinic)s, 'benchmark', 'Benchmark', 'UTC', now()) ON CONFLICT DO NOTHING;
INSERT INTO ingest_session (id, clinic_id, created_at, correlation_id, kind, language, encounter_ref, patient_ref,
    clinician_ref, consent, state)
SELECT {session}, %(clinic)s, now(), {session}, 'ambient', 'en-US', '', '', '', true, 'closed'
FROM generate_series(1, %(count)s) n;
INSERT INTO ingest_asyncrequest (id, clinic_id, created_at, session_id, vendor, submitted_elsewhere, output_objects,
    language, note_template, section_style, split_by_sentence, split_by_problem, state, waiting_since, submitted_at,
    failure_code, failure_message, failure_retryable)
SELECT {request}, %(clinic)s, now(), {session}, 'nabla', true, ARRAY['transcript_item', 'note'],
    'en-US', 'GENERAL_MEDICINE', 'auto', false, false, 'waiting', now(), now(), '', '', false
FROM generate_series(1, %(count)s) n;
INSERT INTO ingest_submission (id, clinic_id, created_at, request_id, number, client_request_id, asked_by,
    vendor_request_id, state, unanswered, error_code, error_message, submitted_at, attempts)
SELECT {submission}, %(clinic)s, now(), {request}, 1, {submission}, '', '', 'waiting', false, '', '', now(), 1
FROM generate_series(1, %(count)s) n;
"""
# As the door stores them. OFFSET 0: each body is made once, and not wherever it is named.
BACKLOG = """
INSERT INTO ingest_callback (id, clinic_id, created_at, received_at, next_attempt_at, vendor, proven_by, proven_id,
    event_id, submission_id, request_id, body, size, digest, content_type, state, problem, attempts, named_request)
SELECT {callback}, %(clinic)s, now(), now(), now(), 'nabla', 'ticket', {submission},
    'sha256:' || encode(digest, 'hex'), {submission}, {request}, body, length(body), digest,
    'application/json', 'stored', '', 0, ''
FROM generate_series(1, %(count)s) n,
    LATERAL (SELECT convert_to(replace(%(body)s, %(place)s, {submission}::text), 'UTF8') AS body OFFSET 0) AS bodies,
    LATERAL (SELECT sha256(body) AS digest OFFSET 0) AS digests
"""
TABLES = "ingest_session, feed_event"


def _id(kind: str, number: int) -> UUID:
    return UUID(f"{KINDS[kind]:08x}-0000-7000-8000-{number:012x}")


def _with_ids(statement: str) -> str:
    ids = {kind: f"('{digit:08x}-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid" for kind, digit in KINDS.items()}
    return statement.format(**ids)


def execute(statement: str, parameters: Any = None) -> list[tuple[Any, ...]]:
    """As the database's owner. Gives the rows, where there are some."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall() if cursor.description else []


def prepare(count: int, backlog: bytes | None = None) -> None:
    """So many submissions, numbered from 1, and nothing else; with a backlog, a stored callback for each."""
    execute(f"TRUNCATE {TABLES} CASCADE")
    facts = {"clinic": _id("clinic", 1), "count": count}
    execute(_with_ids(FILL), facts)
    if backlog:
        execute(_with_ids(BACKLOG), facts | {"body": backlog.decode(), "place": PLACE})
    execute("VACUUM ANALYZE")


def addressed(count: int) -> Iterator[tuple[bytes, bytes]]:
    """What Template takes for post: tickets, and the client_request_ids that go with them."""
    from ingest import tickets

    for number in range(1, count + 1):
        submission = _id("submission", number)
        yield tickets.for_callback(submission).encode(), str(submission).encode()


def forged(pairs: Iterable[tuple[bytes, bytes]]) -> Iterator[tuple[bytes, bytes]]:
    """The same with proofs that do not hold."""
    for ticket, name in pairs:
        yield ticket[:30] + ticket[30:-4][::-1] + ticket[-4:], name


def post(url: str, path: str, body: bytes) -> Template:
    """A callback's POST, TICKET in the path and PLACE in the body to be replaced."""
    headers = {"Content-Type": "application/json", "Content-Length": str(len(body))}
    return Template(head("POST", path, url, headers) + body, TICKET, PLACE.encode())


def proof(rounds: Iterable[Round], names: str) -> dict[str, int]:
    """Compares answers with rows; `names`: a query for the client_request_ids that the database holds.

    `lost`: answered 200 and not there; `doubled`: there more than once; `kept`: there though not answered 200.
    """
    rows = Counter(str(row[0]) for row in execute(names))
    accepted = {answer.key.decode() for one in rounds for answer in one.good}
    return {
        "accepted": len(accepted),
        "rows": sum(rows.values()),
        "lost": len(accepted - rows.keys()),
        "doubled": sum(count > 1 for count in rows.values()),
        "kept": len(rows.keys() - accepted),
    }
