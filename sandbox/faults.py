"""Faults waiting to happen. A vendor says which it knows; here they are added, matched and used up."""

import itertools
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MANY = 1000


class BadFault(ValueError):
    pass


@dataclass(frozen=True)
class Kind:
    """One sort of fault. Of several faults that touch the same `aspect` of a request, only the oldest acts on it."""

    aspect: str
    params: Mapping[str, Any] = field(default_factory=dict)  # name -> default, whose type the value must have


@dataclass
class Fault:
    """One that waits. `only` is the one request (or session) that it happens to, `named` what its vendor calls that."""

    id: int
    name: str
    aspect: str
    named: str
    only: str | None
    left: int | None
    params: dict[str, Any]

    def shown(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "fault": self.name,
            self.named: self.only,
            "times_left": self.left,
            **self.params,
        }


class Faults:
    """`named` is the field by which this vendor's faults are kept to one request."""

    def __init__(self, kinds: Mapping[str, Kind], named: str = "client_request_id") -> None:
        self._kinds, self._named = kinds, named
        self._lock = threading.Lock()
        self._ids = itertools.count(1)
        self._waiting: list[Fault] = []

    def add(self, asked: Mapping[str, Any]) -> Fault:
        """From {"fault", <named>?, "times"?, ...params}; raises BadFault."""
        rest = dict(asked)
        name, only, times = rest.pop("fault", None), rest.pop(self._named, None), rest.pop("times", None)
        if not isinstance(name, str) or name not in self._kinds:
            raise BadFault(f"fault must be one of {', '.join(self._kinds)}")
        if not isinstance(only, str | None):
            raise BadFault(f"{self._named} must be a string or null")
        if times is not None and (not isinstance(times, int) or isinstance(times, bool) or times < 1):
            raise BadFault("times must be a positive integer or null")
        kind = self._kinds[name]
        params = dict(kind.params) | {key: checked(kind, key, value) for key, value in rest.items()}
        with self._lock:
            if len(self._waiting) >= MANY:
                raise BadFault(f"more than {MANY} faults are waiting already")
            fault = Fault(next(self._ids), name, kind.aspect, self._named, only, times, params)
            self._waiting.append(fault)
        return fault

    def all(self) -> list[Fault]:
        with self._lock:
            return list(self._waiting)

    def clear(self) -> None:
        with self._lock:
            self._waiting.clear()

    def take(self, identifier: str | None, aspects: frozenset[str]) -> dict[str, Fault]:
        """The faults that now happen to this request, by aspect; each loses one of its times."""
        taken: dict[str, Fault] = {}
        with self._lock:
            for fault in self._waiting:
                if fault.only in (None, identifier) and fault.aspect in aspects:
                    taken.setdefault(fault.aspect, fault)
            for fault in taken.values():
                if fault.left is not None:
                    fault.left -= 1
            self._waiting = [fault for fault in self._waiting if fault.left != 0]
        return taken


def checked(kind: Kind, key: str, value: Any) -> Any:
    if key not in kind.params:
        raise BadFault(f"unknown parameter {key}: this fault takes {', '.join(kind.params) or 'none'}")
    default = kind.params[key]
    wanted = (int, float) if isinstance(default, float) else type(default)
    if isinstance(value, bool) or not isinstance(value, wanted):
        raise BadFault(f"{key} must be of the type of {default!r}")
    if isinstance(value, int | float) and not 0 <= value <= 10 * MANY * MANY:
        raise BadFault(f"{key} is out of range")
    return value
