from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from uuid import UUID

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError
from django.db.models import Q

from access.desk import clock
from config import decoding, files
from recordings import waveforms
from recordings.quality import Quality, judged, percent


class Command(BaseCommand):
    help = "Prints how audio sounds, and what should be better. Exits 1 when some of it cannot be decoded."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("audio", help="The id of a session or an audio, or a file that is not stored here.")

    def handle(self, *, audio: str, **options: Any) -> None:
        if (file := Path(audio)).is_file():
            heard = [self.check_file(file, audio)]
        else:
            heard = [self.check_stored(row) for row in stored(audio)]
        if not all(heard):
            sys.exit(1)

    def check_stored(self, audio: Any) -> bool:
        try:
            with files.at_hand(audio.storage_key, audio.size) as path:
                return self.check_file(path, f"audio {audio.number} ({audio.pk})")
        except files.Missing:
            self.stdout.write(f"audio {audio.number} ({audio.pk})\n  The bytes are not in the storage.")
            return False

    def check_file(self, path: Path, name: str) -> bool:
        """Prints what there is to say of it; False when it cannot be decoded."""
        try:
            found = waveforms.look(path, 0)
        except decoding.Died:
            found = {}
        lines = told(Quality(**found["quality"])) if "quality" in found else ["It cannot be decoded."]
        self.stdout.write("\n  ".join([name, *lines]))
        return "quality" in found


def stored(given: str) -> list[Any]:
    """The audio of that id, or all of the session of that id. Raises CommandError."""
    try:
        named = Q(pk=UUID(given)) | Q(session=UUID(given))
    except ValueError:
        raise CommandError(f"There is no file {given}.") from None
    rows = list(apps.get_model("ingest.Audio")._default_manager.filter(named).order_by("number"))
    if not rows:
        raise CommandError(f"There is no session with audio and no audio {given}.")
    return rows


def told(quality: Quality) -> list[str]:
    """The figures, and then the words."""
    sides = {1: "mono", 2: "stereo"}.get(quality.channels, f"{quality.channels} channels")
    return [
        f"length   {clock(quality.duration_ms)}",
        f"source   {quality.sample_rate_hertz / 1000:g} kHz, {sides}",
        f"level    {decibels(quality.level_db)}, peak {decibels(quality.peak_db)}",
        f"clipped  {percent(quality.clipped)}",
        f"silent   {percent(quality.silent)}, at most {clock(quality.longest_silence_ms)} at a stretch",
        *(judged(quality) or ["It sounds good."]),
    ]


def decibels(level: float | None) -> str:
    return "none" if level is None else f"{level:.1f} dBFS"
