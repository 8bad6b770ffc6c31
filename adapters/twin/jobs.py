"""Jobs of the twin: what is submitted, and what becomes of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

R = Mapping[str, Any]
"""An RFC 20 resource set as JSON values."""

Part = tuple[int, int, int]
"""Nodes that hold the same: bitmasks of their positions in the instance, of their cores and of their GPUs."""


class LateR(Mapping[str, Any]):
    """R of an allocation, written when it is read: a study of many jobs reads few.

    Parameters
    ----------
    allocation
        What a pool gave, wrapped by Flux's class.
    """

    __slots__ = ("_allocation", "_written")

    def __init__(self, allocation: Any) -> None:
        self._allocation = allocation
        self._written: R | None = None

    @property
    def parts(self) -> Sequence[Part] | None:
        """What is held, where the pool says so without R; None elsewhere."""
        found: Sequence[Part] | None = getattr(self._allocation.impl, "parts", None)
        return found

    @property
    def expiration(self) -> float:
        """When the job ends at the latest; 0 for never."""
        return float(self._allocation.impl.get_expiration())

    def _read(self) -> R:
        if self._written is None:
            self._written = self._allocation.to_dict()
        return self._written

    def __getitem__(self, key: str) -> Any:
        return self._read()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._read())

    def __len__(self) -> int:
        return len(self._read())


def expiration_of(resources: R) -> float:
    """Return when what a job holds ends, in seconds; 0 for never."""
    if isinstance(resources, LateR):
        return resources.expiration
    return float(resources["execution"].get("expiration") or 0.0)


@dataclass(frozen=True, slots=True)
class Job:
    """A job as its user submits it.

    Attributes
    ----------
    id
        The job id; among equal priorities the lower id goes first.
    jobspec
        RFC 14 jobspec. Its ``attributes.system.duration`` is the time limit.
    runtime
        Seconds that it runs when nothing stops it; it is stopped at its time limit.
    priority
        Higher goes first; 16 is Flux's default.
    """

    id: int
    jobspec: Mapping[str, Any]
    runtime: float
    priority: int = 16


@dataclass(slots=True)
class Outcome:
    """What became of a job.

    Attributes
    ----------
    job
        The job.
    priority
        Its priority now.
    submitted, started, ended
        Virtual times; None for what did not happen.
    denied
        The scheduler's reason, where it denied the job.
    resources
        The R that it runs with, as the scheduler gave it; empty before it starts and when all of it is released.
    released
        Ranks that housekeeping has returned before the last batch.
    annotations
        The scheduler's latest annotations, merged.
    """

    job: Job
    submitted: float
    priority: int
    started: float | None = None
    ended: float | None = None
    denied: str | None = None
    resources: R = field(default_factory=dict)
    released: set[int] = field(default_factory=set)
    annotations: dict[str, Any] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Whether the scheduler still counts resources as the job's."""
        return isinstance(self.resources, LateR) or bool(self.resources)
