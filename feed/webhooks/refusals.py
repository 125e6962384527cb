"""Why something cannot be done to a webhook, for whoever asked: the admin and REST say it alike."""

from __future__ import annotations


class Refused(Exception):
    """A value cannot be taken. `message` says what to give, and repeats nothing that was given."""

    def __init__(self, field: str, code: str, message: str) -> None:
        super().__init__(message)
        self.field, self.code, self.message = field, code, message


class NotNow(Exception):
    """As things are, it cannot be done. `message` says what to do."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
