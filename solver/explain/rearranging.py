"""Jobs whose starts are given, placed one after the other as they start.

Reservations that are made in the order of priorities fix the nodes of a job long before it starts, and may so spoil
the room of another. Placed as time goes by, a job is only in the way of those that start while it runs. Whole nodes
that are all alike always have room then if they have it by counting, as intervals that overlap nowhere more often than
there are colours can be coloured from left to right.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ..demand.request import Request
from ..state.pool_state import Job
from .counting import Thing
from .future import Future
from .timetable import Wanted


class Placed(NamedTuple):
    """A job that is to start at a time.

    Attributes
    ----------
    jobid, request
        The job.
    wanted
        What it takes.
    start
        Seconds since the epoch.
    """

    jobid: int
    request: Request
    wanted: Wanted
    start: float


class Rearranged(Future):
    """A pool on which jobs start at given times."""

    def all(self, jobs: Sequence[Placed]) -> dict[int, Job] | None:
        """Return what each job holds, by id; None where one of them has no room when it starts.

        Raises
        ------
        OutOfWork
            When the work is used up.
        """
        found = {}
        for jobid, request, _, start in sorted(jobs, key=_turn):
            if start > self._now:
                self._pass(start)
            if not self._start(jobid, request, start):
                return None
            found[jobid] = self._state.jobs[jobid]
        return found


def _turn(job: Placed) -> tuple[float, list[int], float]:
    """Return when a job has its turn: of those that start at once first what fits the fewest nodes, then the longest.

    Small things find room beside large ones, but by the policy they may stand where alone the large ones could.
    """
    largest = max(job.wanted.things, default=Thing(0, 0, whole=False))
    return job.start, [-int(largest.whole), -largest.cores, -largest.gpus], -job.wanted.duration
