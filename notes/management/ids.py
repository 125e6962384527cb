"""The ids of made-up rows, in SQL that knows the consultation's number as `n` and its beginning as `at`."""

from __future__ import annotations

CORRELATION = "('00000000-0000-8000-8000-' || lpad(to_hex({}), 12, '0'))::uuid"
#: A UUIDv7 of the moment `at`, in which the kind, digits of the clinic's id and the number stand for chance.
ID = """(lpad(to_hex(floor(extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || lpad(to_hex({}), 3, '0') || '8'
    || right(%(clinic)s::uuid::text, 6) || lpad(to_hex(n), 9, '0'))::uuid"""
SESSION, REQUEST, SUBMISSION, CALLBACK, TRANSCRIPT, NOTE, VERSION, ADDENDUM = (ID.format(kind) for kind in range(8))
SECTION = ID.format("16 + position")
EVENT = ID.replace("FROM at", "FROM at + after").format("64 + step")

IS_SIGNED = "state IN ('signed', 'amended', 'entered_in_error')"
