"""Waveforms: due when an audio is uploaded, drawn by a worker, one at a time in each process and the newest first.

How an audio sounds is found out in the same pass.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from datetime import timedelta
from math import ceil
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from config import decoding, files, leases
from recordings import peaks
from recordings.models import Waveform

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=peaks.SECONDS + 60)
ATTEMPTS = 3
PAUSE = timedelta(minutes=1)
LOOK_AGAIN_SECONDS = 0.2
Problem = Waveform.Problem
# Decoding takes a core for seconds. All threads of a worker at once would leave none to send what vendors wait for.
one_at_a_time = threading.Lock()


def want(audio: Any) -> None:
    """Makes the waveform of a new `ingest.Audio` due. Whoever commits it rings."""
    Waveform.objects.create(audio_id=audio.pk, clinic_id=audio.clinic_id, next_attempt_at=timezone.now())


def is_due() -> bool:
    return bool(leases.due_ids(Waveform, 1))


def draw_due() -> bool:
    """Draws one that is due. True when there may be more; False too while another thread here is drawing."""
    return _draw_one([{"newest_of": "audio_id"}, {}], turn_seconds=0, look_seconds=peaks.SECONDS)


def look_first(audio_ids: Sequence[UUID], seconds: float) -> None:
    """How they sound is known before they are used: draws what nobody has begun, and waits for what others are at.

    At most so long, whatever is not known by then.
    """
    until = time.monotonic() + seconds
    while (ids := _being_drawn(audio_ids)) and (left := until - time.monotonic()) > 0:
        if not _draw_one([{"ids": ids}], turn_seconds=left, look_seconds=ceil(left)):
            time.sleep(min(LOOK_AGAIN_SECONDS, left))


def _being_drawn(audio_ids: Sequence[UUID]) -> list[UUID]:
    """Not drawn yet, and not waiting for another try either."""
    at_work = Q(attempts=0) | Q(lease_until__gt=timezone.now())
    rows = Waveform.objects.filter(at_work, audio_id__in=audio_ids, next_attempt_at__isnull=False)
    return list(rows.values_list("pk", flat=True))


def _draw_one(which: Sequence[dict[str, Any]], *, turn_seconds: float, look_seconds: int) -> bool:
    """Draws one of the first of `which` (see config.leases) that there is. False where there is none, or no turn."""
    if not one_at_a_time.acquire(timeout=turn_seconds):
        return False
    try:
        claimed = next(filter(None, (leases.claim(Waveform, lease=LEASE, **each) for each in which)), [])
        for waveform in claimed:
            draw(waveform, look_seconds)
        return bool(claimed)
    finally:
        one_at_a_time.release()


def draw(waveform: Waveform, look_seconds: int = peaks.SECONDS) -> None:
    """Writes what came of it, if the lease is still held."""
    held = Waveform.objects.filter(pk=waveform.pk, lease_token=waveform.lease_token)
    if waveform.attempts > ATTEMPTS:
        held.update(problem=Problem.UNREADABLE, **leases.finished())
        return
    try:
        with files.at_hand(waveform.audio.storage_key, waveform.audio.size) as path:
            leases.renew([waveform], LEASE)  # a copy may have taken its time
            found = look(path, waveform.audio.duration_ms, look_seconds)
    except files.Missing:
        log.error("audio %s is not in the storage", waveform.audio_id)
        held.update(problem=Problem.MISSING, **leases.finished())
    except Exception as error:  # of the child's, or the storage's; it may not happen again
        log.warning("waveform %s could not be drawn", waveform.pk, exc_info=error)
        held.update(**leases.due_again(timezone.now() + PAUSE))
    else:
        problem = Problem.UNREADABLE if "error" in found else ""
        held.update(peaks=found.get("peaks"), quality=found.get("quality"), problem=problem, **leases.finished())


def look(path: Path, duration_ms: int, seconds: int = peaks.SECONDS) -> dict[str, Any]:
    """What recordings.peaks finds: {"peaks", "quality"}, or {"error"}. Raises decoding.Died."""
    return decoding.ask("recordings.peaks", str(path.resolve()), str(duration_ms), seconds=seconds)
