"""What happens to the twin from outside, and the queue in which it waits for its time."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

from .jobs import Job


@dataclass(frozen=True, slots=True)
class Submit:
    """A user submits a job; others come after it at their times, where they are a stream."""

    job: Job
    others: Iterator[tuple[float, Job]] | None = None


@dataclass(frozen=True, slots=True)
class Cancel:
    """A user cancels a job, pending or running."""

    jobid: int


@dataclass(frozen=True, slots=True)
class Prioritize:
    """A job's priority changes; 0 holds it in no way here, it is merely the lowest."""

    jobid: int
    priority: int


@dataclass(frozen=True, slots=True)
class Extend:
    """A running job gets a new expiration, in virtual time; it runs on for ``runtime`` seconds if that is given."""

    jobid: int
    expiration: float


@dataclass(frozen=True, slots=True)
class Finish:
    """A running job ends; ``started`` tells a later run of the same job apart."""

    jobid: int
    started: float


@dataclass(frozen=True, slots=True)
class Release:
    """Housekeeping returns ranks of an ended job; no ranks: all that are left, and the last batch."""

    jobid: int
    ranks: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class OfRanks:
    """Something happens to ranks, given as RFC 22 text."""

    ranks: str


class Down(OfRanks):
    """Ranks are drained or lost."""


class Up(OfRanks):
    """Ranks come back."""


class Shrink(OfRanks):
    """Ranks leave the instance for good."""


@dataclass(frozen=True, slots=True)
class Reload:
    """The scheduler module is reloaded while jobs run and wait."""


Event = Submit | Cancel | Prioritize | Extend | Finish | Release | Down | Up | Shrink | Reload


@dataclass(slots=True)
class EventQueue:
    """Events by time; those of one time in the order in which they were put in."""

    _heap: list[tuple[float, int, Event]] = field(default_factory=list)
    _order: Iterator[int] = field(default_factory=count)

    def put(self, time: float, event: Event) -> None:
        """Let an event happen at a time."""
        heapq.heappush(self._heap, (time, next(self._order), event))

    def next_time(self) -> float | None:
        """Return the time of the next event, None when there is none."""
        return self._heap[0][0] if self._heap else None

    def take(self) -> tuple[float, Event]:
        """Take the next event out; IndexError when there is none."""
        time, _, event = heapq.heappop(self._heap)
        return time, event

    def __len__(self) -> int:
        return len(self._heap)
