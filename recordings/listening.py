"""Listening: a player fetches a recording in as many ranges as it likes, and the access log says once who listened."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.http import HttpRequest
from django.utils import timezone

from access import log
from access.models import AccessEntry
from config.ids import first_id
from recordings.models import Listening, Recording

KEPT = timedelta(days=2)
#: A program that goes on after so long listens anew.
GOES_ON_SECONDS = 600.0
#: Answers without a sound.
UNHEARD = (304, 412, 416)
LISTENED = AccessEntry.Action.LISTENED
# A second range that comes at the same moment waits here for the first one's commit.
BEGIN = """
INSERT INTO recordings_listening (id, user_id, audio_id, recording_id, begun_at) VALUES (%s, %s, %s, %s, now())
ON CONFLICT (id) DO NOTHING RETURNING id
"""


class NotTheirs(Exception):
    """The id is of somebody else's listening, or of another audio's."""


@transaction.atomic
def begin(request: HttpRequest, listening: UUID, heard: Any) -> None:
    """Logs the listening to an audio or a recording, if it is new. Raises NotTheirs."""
    is_recording = isinstance(heard, Recording)
    audio, recording = (None, heard.pk) if is_recording else (heard.pk, None)
    with connection.cursor() as cursor:
        cursor.execute(BEGIN, [listening, request.user.pk, audio, recording])
        is_new = cursor.fetchone() is not None
    if is_new:
        log.record(request, LISTENED, [heard])
    elif not Listening.objects.filter(pk=listening, user=request.user.pk, audio=audio, recording=recording).exists():
        raise NotTheirs


def forget() -> None:
    """Removes those whose pages are long closed: nobody stays signed in for so long."""
    Listening.objects.filter(begun_at__lt=timezone.now() - KEPT).delete()


# --- Programs, which have no page
def note(asked: str, recording: Recording, by: log.Actor, mode: str = "") -> None:
    """Logs a program's listening, `asked` being the header Range: what goes on with one that is in the log has no entry
    of its own."""
    if begins(asked) or not is_logged(recording, by):
        log.record(by, LISTENED, [recording], mode=mode)


def begins(asked: str) -> bool:
    plain = asked.replace(" ", "")
    return not plain.startswith("bytes=") or plain.startswith("bytes=0-")


def is_logged(recording: Recording, by: log.Actor) -> bool:
    """The ids are in the order of their making: the log's index leads to those of the last minutes."""
    since = first_id(timezone.now(), seconds=-GOES_ON_SECONDS)
    entries = AccessEntry.objects.filter(clinic=recording.clinic_id, pk__gt=since, action=LISTENED)
    theirs = {"actor_kind": by.kind, "actor_id": by.id, "address": by.address}
    return bool(entries.filter(**theirs, object_ids=[str(recording.pk)]).exists())
