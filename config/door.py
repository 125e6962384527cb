"""The door's process: `granian --interface asgi config.door:application`."""

from typing import Any

from django.conf import settings
from psycopg.conninfo import make_conninfo

import config.ready  # noqa: F401 (the door knows the models' names and rules; it uses none of their queries)
from config import memory
from config.bell import bell
from ingest.door import Door

#: No sender waits for longer than five seconds, and one row that somebody holds must not make the others wait.
IMPATIENT = "-c statement_timeout=5s -c lock_timeout=500ms -c idle_in_transaction_session_timeout=10s"
#: It asks by keys alone. A plan made while a table was nearly empty would read the whole of it at each callback, and
#: would be kept until the table's next ANALYZE.
BY_KEYS = "-c enable_seqscan=off -c plan_cache_mode=force_generic_plan -c jit=off"


def database() -> str:
    """Django's default database as a libpq connection string."""
    given = settings.DATABASES["default"]
    names = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    known: dict[str, Any] = {ours: given.get(theirs) or None for ours, theirs in names.items()}
    known |= given["OPTIONS"]
    options = f"{known['options']} {IMPATIENT} {BY_KEYS}"
    return make_conninfo(**known | {"options": options}, application_name="listenpost-door")


application = Door(database(), bell)
memory.settle()
