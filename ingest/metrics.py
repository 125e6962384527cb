"""What the door counts of its own doing. The answers are ingest/standing.py's where the database knows them."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

#: Outcomes: stored, duplicate.
CALLBACKS = Counter("listenpost_callbacks_total", "Callbacks answered with 200.", ["vendor", "outcome"])
#: Reasons are codes, never a sender's words: every new value is a series that Prometheus keeps.
REFUSED = Counter("listenpost_callbacks_refused_total", "Requests that the door refused.", ["reason"])
BATCH_ROWS = Histogram(
    "listenpost_batch_rows", "Callbacks that shared one commit.", buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500)
)
BATCH_BYTES = Histogram(
    "listenpost_batch_bytes", "Bytes of the bodies that shared one commit.", buckets=[1024 * 2**n for n in range(14)]
)
COMMIT_SECONDS = Histogram(
    "listenpost_commit_seconds",
    "How long PostgreSQL took to store one batch.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
WAITING_BYTES = Gauge(
    "listenpost_waiting_bytes", "Bytes of the bodies that wait for a commit.", multiprocess_mode="livesum"
)
