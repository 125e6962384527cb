"""State machines as tables: what may follow what. A repeat is a legal no-op, everything else an error."""

from __future__ import annotations

from collections.abc import Mapping


class IllegalTransition(Exception):
    """A move that the table does not allow. Holds the machine's name and two states, nothing of the row."""


class StateTable:
    def __init__(self, name: str, allowed: Mapping[str, frozenset[str] | set[str]]) -> None:
        self.name = name
        self.allowed = {state: frozenset(following) for state, following in allowed.items()}

    def moves(self, current: str, to: str) -> bool:
        """True when `to` is a change, False when the row is there already. Raises IllegalTransition."""
        if current == to:
            return False
        if to not in self.allowed[current]:
            raise IllegalTransition(f"{self.name}: {current} -> {to}")
        return True
