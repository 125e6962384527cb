"""PostgreSQL's snapshots: which transactions had ended at one moment, written `xmin:xmax:running,...`.

Source: the manual's table "pg_snapshot Components". Numbers are those of `pg_current_xact_id()`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All below `xmin` had ended, none from `xmax` on, and between them all but those `running`."""

    xmin: int
    xmax: int
    running: frozenset[int]

    @classmethod
    def read(cls, text: str) -> Self:
        """Raises ValueError."""
        xmin, xmax, running = text.split(":")
        return cls(int(xmin), int(xmax), frozenset(int(one) for one in running.split(",") if one))

    def __str__(self) -> str:
        return f"{self.xmin}:{self.xmax}:{','.join(str(one) for one in sorted(self.running))}"

    def sees(self, transaction: int) -> bool:
        return transaction < self.xmin or (transaction < self.xmax and transaction not in self.running)

    def knowing(self, own: int) -> Self:
        """The same, with all in `running` that had begun before `own` did, and `own` counted as ended.

        PostgreSQL's `xmax` stands just above the last that has ended: those above it that run are in no list. Here they
        are, so that whatever is numbered from `xmax` on began after `own`.
        """
        late = range(self.xmax, own)
        return type(self)(self.xmin, max(self.xmax, own + 1), self.running.union(late) - {own})
