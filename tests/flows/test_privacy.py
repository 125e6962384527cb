"""The main flow with a phrase that must not be found anywhere but where it belongs."""

from __future__ import annotations

import json
from typing import Any

import pytest
import redis
import requests
from django.db import connection

from tests.flows.clinic import Clinic, Sandbox, eventually, wav
from tests.flows.conftest import Stack

pytestmark = pytest.mark.usefixtures("rows")
PHRASE = "marmaladehorizon"
#: Where a patient's words live. Nowhere else may they turn up.
AT_HOME = {"ingest_callback.body", "notes_transcript.lines", "notes_transcript.search", "notes_note.title"}
AT_HOME |= {"notes_note.search", "notes_notesection.text", "notes_notesection.title", "notes_noteversion.sections"}
AT_HOME |= {"notes_noteversion.title", "ingest_session.patient_ref"}


def columns_with(phrase: str) -> set[str]:
    """table.column of everything in the database that holds the phrase."""
    found = set()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = 'public'"
        )
        for table, column, kind in cursor.fetchall():
            text = f"encode({column}, 'escape')" if kind == "bytea" else f"{column}::text"
            cursor.execute(f'SELECT 1 FROM "{table}" WHERE {text} ILIKE %s LIMIT 1', [f"%{phrase}%"])  # noqa: S608
            if cursor.fetchone():
                found.add(f"{table}.{column}")
    return found


def test_a_patients_words_stay_where_they_belong(stack: Stack, clinic: Clinic, sandbox: Sandbox) -> None:
    note = {"title": PHRASE, "sections": [{"key": "PLAN", "title": PHRASE, "text": f"Take {PHRASE}."}]}
    answer: dict[str, Any] = {"transcript": [{"text": f"I said {PHRASE}.", "speaker": "patient"}], "note": note}
    sandbox.fault("callback_body", body=answer, times=1)
    session = clinic.session(patient_ref=PHRASE)
    clinic.upload(session, wav())
    request = clinic.ready(clinic.ask(session))
    seen = eventually(lambda: sandbox.seen(request["client_request_id"]))
    ticket = seen["body"]["callback_url"].rpartition("/")[2]
    file_ticket = seen["body"]["file_url"].rpartition("/")[2]
    clinic.call("GET", f"notes/{request['note']}")
    clinic.call("GET", f"notes?q={PHRASE}&include=sections,transcript")
    refuse(clinic, seen["body"]["callback_url"])

    found = columns_with(PHRASE)
    assert "ingest_callback.body" in found
    assert found <= AT_HOME
    secrets = [ticket, file_ticket, clinic.key, "sandbox-nabla-key"]
    for secret in secrets:
        assert columns_with(secret) == set()
    for log in sorted(stack.folder.glob("log/*.log")):
        text = log.read_text().lower()
        if log.name == "sandbox.log":
            continue  # the vendor's own
        for word in (PHRASE, *secrets):
            assert word.lower() not in text, (log.name, word[:8])
    broker = redis.Redis.from_url(stack.env["REDIS_URL"])
    kept = b"".join(broker.dump(key) or b"" for key in broker.scan_iter("*"))
    broker.close()
    assert not [word for word in (PHRASE, *secrets) if word.encode() in kept]


def refuse(clinic: Clinic, callback_url: str) -> None:
    """Junk, failures and refusals that carry the phrase: their error columns and log lines must not."""
    for body in (f'{{"transcript": "{PHRASE}"}}', PHRASE, f'{{"error_code": 422, "error_message": "{PHRASE}"}}'):
        requests.post(callback_url, data=body.encode(), timeout=10)
    requests.post(f"{callback_url}x", data=PHRASE, timeout=10)
    bad = {"kind": PHRASE, "language": PHRASE, "consent": PHRASE}
    problem = clinic.call("POST", "sessions", 422, json=bad)
    assert PHRASE not in json.dumps(problem)
