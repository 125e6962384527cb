"""Sessions that a vendor remembers: at most so many, of which the oldest goes, and its audio with it."""

import threading
from collections import OrderedDict
from typing import Generic, Protocol, TypeVar

from sandbox.ledger import KEPT


class Named(Protocol):
    @property
    def id(self) -> str: ...


Session = TypeVar("Session", bound=Named)


class Kept(Generic[Session]):
    """By their ids."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_id: OrderedDict[str, Session] = OrderedDict()

    def add(self, session: Session) -> Session:
        """The one of that id that is there already, if there is one."""
        with self._lock:
            kept = self._by_id.setdefault(session.id, session)
            if len(self._by_id) > KEPT:
                self._by_id.popitem(last=False)
            return kept

    def find(self, identifier: str | None) -> Session | None:
        with self._lock:
            return self._by_id.get(identifier) if identifier else None

    def holds(self, session: Session) -> bool:
        return self.find(session.id) is session

    def all(self) -> list[Session]:
        with self._lock:
            return list(self._by_id.values())

    def clear(self) -> None:
        with self._lock:
            self._by_id.clear()
