"""A worker that sends one file to Dragon Copilot as `StoredSound` reads it, in a process of its own.

See tests/vendors/sending.py. FILE is taken for one that is stored.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import django

from tests.vendors.sending import send


def main(transport: str, file: str, *where: str) -> None:
    path = Path(file)
    os.environ |= {"DJANGO_SETTINGS_MODULE": "config.settings", "STORAGE_URL": path.parent.as_uri()}
    django.setup()
    from ingest.models import Audio
    from ingest.probe import probe
    from ingest.sound import StoredSound
    from vendors.base import Speech

    found = probe(path)
    audio = Audio(storage_key=path.name, size=path.stat().st_size, duration_ms=found.duration_ms)
    audio.content_type = found.content_type
    send(StoredSound(audio, Speech("en-US")), transport, *where)


if __name__ == "__main__":
    main(*sys.argv[1:])
