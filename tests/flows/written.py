"""All that is written somewhere: columns, logs, and what Redis is sent."""

from __future__ import annotations

import threading
from base64 import b64encode
from urllib.parse import quote

import redis
from django.db import connection

#: Where a patient's words live. Nowhere else may they turn up.
AT_HOME = {"ingest_callback.body", "notes_transcript.lines", "notes_transcript.search", "notes_note.title"}
AT_HOME |= {"notes_note.search", "notes_notesection.text", "notes_notesection.title", "notes_noteversion.sections"}
AT_HOME |= {"notes_noteversion.title", "ingest_session.patient_ref"}


def spellings(word: str) -> set[bytes]:
    """As it is, in a URL, in JSON, and in base64 wherever in the text it may begin."""
    plain = word.encode()
    encoded = {b64encode(bytes(shift) + plain)[4 * (shift > 0) : -4].strip(b"=") for shift in range(3)}
    return {plain.lower(), quote(word).encode().lower(), *encoded}


def found_in(text: bytes, words: list[str]) -> list[str]:
    low = text.lower()
    return [word[:12] for word in words if any(one in low or one in text for one in spellings(word))]


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


class Overheard:
    """Every command that Redis is sent: tasks with their arguments, counters with their keys."""

    def __init__(self, url: str) -> None:
        self.client, self.heard = redis.Redis.from_url(url), bytearray()
        self.monitor = self.client.monitor()
        self.monitor.__enter__()
        self.thread = threading.Thread(target=self.listen, daemon=True)
        self.thread.start()

    def listen(self) -> None:
        try:
            for command in self.monitor.listen():
                self.heard += str(command["command"]).encode() + b"\n"
        except (redis.RedisError, OSError, ValueError, AttributeError):
            return  # it was closed

    def close(self) -> None:
        self.monitor.__exit__(None, None, None)
        self.client.close()
        self.thread.join(5)
