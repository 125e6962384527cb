"""Who waits for a lock, as PostgreSQL knows it."""

from __future__ import annotations

import time

from django.db import connection


def waiting(number: int, within: float = 30) -> None:
    """Returns once so many transactions wait for a lock of another one."""
    end = time.monotonic() + within
    with connection.cursor() as cursor:
        while True:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            if cursor.fetchone() == (number,):
                return
            assert time.monotonic() < end, f"{number} do not wait within {within} s"
            time.sleep(0.02)
