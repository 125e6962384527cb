"""What credentials are made of."""

from __future__ import annotations

MOST_SECRETS = 8


def is_secret(value: object) -> bool:
    """Printable ASCII without spaces: what a header can carry, and what is left of a key pasted well."""
    return isinstance(value, str) and value.isascii() and value.isprintable() and value != "" and " " not in value


def are_secrets(value: object) -> bool:
    """A list of at most 8: several while they are rotated."""
    return isinstance(value, list) and len(value) <= MOST_SECRETS and all(map(is_secret, value))
