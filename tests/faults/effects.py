"""What the letters of a ledger have brought about: each all of it or nothing, and nothing but that."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

from access.models import Clinic
from ingest.models import AsyncRequest, Callback
from notes.models import Note, NoteSection, NoteVersion, Transcript
from tests.faults.letters import LINES, SECTIONS, Letter
from tests.flows.clinic import eventually

A_MINUTE = 60.0


class Effect(NamedTuple):
    request: str
    callbacks: list[str]
    lines: list[int]
    notes: list[str]
    versions: list[int]
    sections: int


NOTHING = Effect("waiting", [], [], [], [], 0)


def whole(letter: Letter) -> Effect:
    return Effect("ready", ["applied"], [LINES], [letter.title], [1], len(SECTIONS))


def grouped(rows: QuerySet[Any], request: str, value: str) -> dict[UUID, list[Any]]:
    groups = defaultdict(list)
    for request_id, found in rows.values_list(request, value):
        groups[request_id].append(found)
    return groups


def effects(clinic: Clinic) -> dict[UUID, Effect]:
    """By request."""
    requests = dict(AsyncRequest.objects.filter(clinic=clinic).values_list("pk", "state"))
    callbacks = grouped(Callback.objects.filter(clinic=clinic), "request", "state")
    transcripts = grouped(Transcript.objects.filter(clinic=clinic), "request", "lines")
    notes = grouped(Note.objects.filter(clinic=clinic), "request", "title")
    versions = grouped(NoteVersion.objects.filter(clinic=clinic), "note__request", "number")
    sections = grouped(NoteSection.objects.filter(note__clinic=clinic), "note__request", "position")
    return {
        pk: Effect(
            state, callbacks[pk], [len(lines) for lines in transcripts[pk]], notes[pk], versions[pk], len(sections[pk])
        )
        for pk, state in requests.items()
    }


def settle(clinic: Clinic) -> None:
    """Returns when every callback that is kept was processed. Nobody's hand helps."""
    connection.close()  # it may have been broken meanwhile
    kept = Callback.objects.filter(clinic=clinic)
    eventually(lambda: not kept.filter(state="stored").exists(), within=A_MINUTE, what="all callbacks are processed")


def prove(clinic: Clinic, letters: list[Letter]) -> None:
    """What was answered 200 is there once and became one note; what was not is there like that, or not at all."""
    settle(clinic)
    found = effects(clinic)
    assert found.keys() == {letter.request for letter in letters}
    for letter in letters:
        effect = found[letter.request]
        assert effect == whole(letter) or (effect == NOTHING and not letter.is_kept), (letter, effect)
    rows = Callback.objects.filter(clinic=clinic).count()
    assert rows == sum(effect != NOTHING for effect in found.values())
    odd = [letter for letter in letters if not {200, 503, None}.issuperset(letter.said)]
    assert not odd, odd
    assert all(letter.is_kept for letter in letters if letter.repeated), "a sender that repeats is heard in the end"
