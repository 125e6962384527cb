"""Waveforms: due when an audio is uploaded, drawn by a worker, one at a time in each process and the newest first.

How an audio sounds is found out in the same pass.
"""

from __future__ import annotations

import logging
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.utils import timezone

from config import decoding, files, leases
from recordings import peaks
from recordings.models import Waveform

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=peaks.SECONDS + 60)
ATTEMPTS = 3
PAUSE = timedelta(minutes=1)
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
    if not one_at_a_time.acquire(blocking=False):
        return False
    try:
        claimed = leases.claim(Waveform, lease=LEASE, newest_of="audio_id") or leases.claim(Waveform, lease=LEASE)
        for waveform in claimed:
            draw(waveform)
        return bool(claimed)
    finally:
        one_at_a_time.release()


def draw(waveform: Waveform) -> None:
    """Writes what came of it, if the lease is still held."""
    held = Waveform.objects.filter(pk=waveform.pk, lease_token=waveform.lease_token)
    if waveform.attempts > ATTEMPTS:
        held.update(problem=Problem.UNREADABLE, **leases.finished())
        return
    try:
        with files.at_hand(waveform.audio.storage_key, waveform.audio.size) as path:
            leases.renew([waveform], LEASE)  # a copy may have taken its time
            found = look(path, waveform.audio.duration_ms)
    except files.Missing:
        log.error("audio %s is not in the storage", waveform.audio_id)
        held.update(problem=Problem.MISSING, **leases.finished())
    except Exception as error:  # of the child's, or the storage's; it may not happen again
        log.warning("waveform %s could not be drawn", waveform.pk, exc_info=error)
        held.update(**leases.due_again(timezone.now() + PAUSE))
    else:
        problem = Problem.UNREADABLE if "error" in found else ""
        held.update(peaks=found.get("peaks"), quality=found.get("quality"), problem=problem, **leases.finished())


def look(path: Path, duration_ms: int) -> dict[str, Any]:
    """What recordings.peaks finds: {"peaks", "quality"}, or {"error"}. Raises decoding.Died."""
    return decoding.ask("recordings.peaks", str(path.resolve()), str(duration_ms), seconds=peaks.SECONDS)
