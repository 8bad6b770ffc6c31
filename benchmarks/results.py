"""What a run measured, one record each, and how it is found again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .stopwatch import Summary


@dataclass(frozen=True)
class Record:
    """One figure.

    Attributes
    ----------
    measure
        What was done: "alloc", "refused", "copy" and so on.
    site
        "plain" or "mixed".
    ranks
        Of the machine.
    pool
        Which pool did it.
    times
        Seconds, where it is about time.
    amount
        Bytes, where it is about memory.
    """

    measure: str
    site: str
    ranks: int
    pool: str
    times: Summary | None = None
    amount: int | None = None


@dataclass
class Results:
    """All records of a run, and notes on how they came about."""

    records: list[Record] = field(default_factory=list)
    notes: dict[str, Any] = field(default_factory=dict)

    def add(
        self, measure: str, site: str, ranks: int, pool: str, times: Summary | None = None, amount: int | None = None
    ) -> None:
        """Add a figure; nothing where there was nothing to measure."""
        if times is not None or amount is not None:
            self.records.append(Record(measure, site, ranks, pool, times, amount))

    def count_judged(self, answers: int) -> None:
        """Note that the checker judged so many answers."""
        self.notes["judged"] = self.notes.get("judged", 0) + answers

    def times(self, measure: str, site: str, ranks: int, pool: str) -> Summary | None:
        """Return the times of a measure."""
        record = self._find(measure, site, ranks, pool)
        return None if record is None else record.times

    def amount(self, measure: str, site: str, ranks: int, pool: str) -> int | None:
        """Return the bytes of a measure."""
        record = self._find(measure, site, ranks, pool)
        return None if record is None else record.amount

    def of(self, measure: str) -> Iterator[Record]:
        """Yield the records of a measure."""
        return (record for record in self.records if record.measure == measure)

    def _find(self, measure: str, site: str, ranks: int, pool: str) -> Record | None:
        sought = (measure, site, ranks, pool)
        return next((r for r in self.records if (r.measure, r.site, r.ranks, r.pool) == sought), None)

    def write(self, path: Path) -> None:
        """Write all as JSON."""
        records = [{key: value for key, value in asdict(r).items() if value is not None} for r in self.records]
        path.write_text(json.dumps({"notes": self.notes, "records": records}, indent=1) + "\n")
