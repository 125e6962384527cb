"""Listening: a browser fetches an audio in as many ranges as it likes, and the access log says once who listened."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.http import HttpRequest
from django.utils import timezone

from access import log
from access.models import AccessEntry
from recordings.models import Listening

KEPT = timedelta(days=2)
# A second range that comes at the same moment waits here for the first one's commit.
BEGIN = """
INSERT INTO recordings_listening (id, user_id, audio_id, begun_at) VALUES (%s, %s, %s, now())
ON CONFLICT (id) DO NOTHING RETURNING id
"""


class NotTheirs(Exception):
    """The id is of somebody else's listening, or of another audio's."""


@transaction.atomic
def begin(request: HttpRequest, listening: UUID, audio: Any) -> None:
    """Logs the listening, if it is new. Raises NotTheirs."""
    with connection.cursor() as cursor:
        cursor.execute(BEGIN, [listening, request.user.pk, audio.pk])
        is_new = cursor.fetchone() is not None
    if is_new:
        log.record(request, AccessEntry.Action.LISTENED, [audio])
    elif not Listening.objects.filter(pk=listening, user=request.user.pk, audio=audio.pk).exists():
        raise NotTheirs


def forget() -> None:
    """Removes those whose pages are long closed: nobody stays signed in for so long."""
    Listening.objects.filter(begun_at__lt=timezone.now() - KEPT).delete()
