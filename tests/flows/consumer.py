"""A consumer's whole program, with nothing but the generated client: sessions, audio, notes, the feed, a webhook.

It is run beside the client, `listenpost_client`: `python consumer.py <audio> <receiver>`, with URL and KEY.
"""

# mypy: ignore-errors
# ruff: noqa: T201

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from listenpost_client import AuthenticatedClient
from listenpost_client.api.events import events_list
from listenpost_client.api.notes import notes_list, notes_retrieve
from listenpost_client.api.requests import requests_retrieve
from listenpost_client.api.sessions import sessions_audio_update, sessions_create, sessions_requests_create
from listenpost_client.api.transcripts import transcripts_retrieve
from listenpost_client.api.webhooks import webhooks_create
from listenpost_client.models import NewRequest, NewSession, NewWebhook, OutputObjects, SessionKind, Vendor, WebhookType
from listenpost_client.types import File

client = AuthenticatedClient(os.environ["URL"], os.environ["KEY"], raise_on_unexpected_status=True)


def consult(audio: str, visit: str):
    """The request, once it is ready."""
    opened = NewSession(kind=SessionKind.AMBIENT, language="en-US", consent=True, encounter_ref=visit)
    session = sessions_create.sync(client=client, body=opened, idempotency_key=visit)
    assert sessions_create.sync(client=client, body=opened, idempotency_key=visit).id == session.id
    with Path(audio).open("rb") as file:
        sessions_audio_update.sync(session.id, client=client, body=File(payload=file))
    wanted = NewRequest(vendor=Vendor.NABLA, output_objects=[OutputObjects.TRANSCRIPT_ITEM, OutputObjects.NOTE])
    asked = sessions_requests_create.sync(session.id, client=client, body=wanted)
    while asked.state.value not in ("ready", "failed", "cancelled"):
        time.sleep(0.3)
        asked = requests_retrieve.sync(asked.id, client=client)
    return asked


def all_notes():
    """Page by page, of one note each."""
    cursor = {}
    while True:
        page = notes_list.sync(client=client, limit=1, **cursor)
        yield from page.results
        if not page.next_:
            return
        cursor = {"cursor": of_query(page.next_, "cursor")}


def follow(until: str):
    """The types of all events, up to one of that type."""
    cursor = {}
    while True:
        page = events_list.sync(client=client, limit=2, wait=5, **cursor)
        for event in page.results:
            yield event.type_.value
            if event.type_.value == until:
                return
        cursor = {"after": of_query(page.next_, "after")}


def of_query(url: str, name: str) -> str:
    return parse_qs(urlsplit(url).query)[name][0]


def main(audio: str, receiver: str) -> None:
    wanted = NewWebhook(url=receiver, types=[WebhookType.NOTE_CREATED])
    webhook = webhooks_create.sync(client=client, body=wanted)
    requests = [consult(audio, visit) for visit in ("VISIT-17", "VISIT-18")]
    note = notes_retrieve.sync(requests[0].note, client=client)
    transcript = transcripts_retrieve.sync(requests[0].transcript, client=client)
    told = {
        "states": [request.state.value for request in requests],
        "title": note.title,
        "sections": [section.text for section in note.sections],
        "lines": [line.text for line in transcript.items],
        "notes": [str(one.id) for one in all_notes()],
        "asked_for": [str(request.note) for request in requests],
        "events": list(follow("request.ready")),
        "webhook": [webhook.url, webhook.secret],
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
