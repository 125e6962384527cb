"""A connection for questions about the database itself, asked when it may be in trouble."""

from __future__ import annotations

import psycopg
from django.db import connections
from psycopg.rows import TupleRow

CONNECT_SECONDS = 2


def impatient(answer_milliseconds: int) -> psycopg.Connection[TupleRow]:
    """One of its own: one that was kept open may only look alive, and be slow to say otherwise. Raises psycopg.Error.

    Each statement on it ends after so long.
    """
    parameters = connections["default"].get_connection_params()
    parameters |= {"connect_timeout": CONNECT_SECONDS, "options": f"-c statement_timeout={answer_milliseconds}"}
    return psycopg.connect(**parameters, autocommit=True)
