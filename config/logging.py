"""One JSON object a line. What is logged are ids, states and exception types: a traceback keeps its frames and loses
its message, because a database's error text can quote the row, and the row can hold a patient's words."""

from __future__ import annotations

import json
import logging
import traceback
from typing import Any

from config.requests import request_id


class JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "at": self.formatTime(record, "%Y-%m-%dT%H:%M:%S") + f".{int(record.msecs):03d}",
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if current := request_id.get():
            entry["request_id"] = current
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry)

    def formatException(self, ei: Any) -> str:
        kind, _, trace = ei
        frames = "".join(traceback.format_tb(trace)) if trace else ""
        return f"{frames}{kind.__module__}.{kind.__qualname__}" if kind else ""


def configuration(level: str) -> dict[str, Any]:
    """Django's LOGGING for one stream of JSON on stderr."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": "config.logging.JsonFormatter"}},
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "formatter": "json"},
            "nowhere": {"class": "logging.NullHandler"},
        },
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django.server": {"handlers": ["stderr"], "propagate": False},
            # Its records carry query strings; what went wrong is logged by config.problems with the request's id.
            "django.request": {"handlers": ["nowhere"], "propagate": False},
            "django.security.csrf": {"handlers": ["nowhere"], "propagate": False},
            "django.security.DisallowedHost": {"handlers": ["nowhere"], "propagate": False},
            # Its lines name who failed to sign in, and people type passwords into the field for the name.
            "axes": {"handlers": ["nowhere"], "propagate": False},
            "celery.beat": {"level": "WARNING"},
            "celery.worker.strategy": {"level": "WARNING"},
            # Its lines repeat exceptions' texts; config.celery logs failures in its place.
            "celery.app.trace": {"handlers": ["nowhere"], "propagate": False},
        },
    }
