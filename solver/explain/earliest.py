"""The earliest starts that any order of a queue can give that respects priorities: bounds, and starts that meet them.

An order respects priorities when no job is later for those behind it. So the first job starts as early as it can beside
what runs; the second as early as it can beside the first, wherever that one may stand; and so on: the starts that are
least when compared one after the other. No start comes before its bound: at no time while the job would run may it,
with all jobs ahead that must be running then, ask for more cores, GPUs or nodes than are free, and it must fit by
itself. What conservative backfill finds is such an order, so where it meets the bounds of a job and of all before it,
these are proven.

A job ahead must be running from the latest time at which it may start to the earliest at which it may end: its
mandatory part, as in timetable reasoning (A. Lahrichi, RAIRO Operations Research 16, 1982).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from ..allocator import Allocator
from ..cpsat.budget import AHEAD, Budget, CutOff
from ..demand.request import Request
from ..errors import InfeasibleRequest
from ..state.pool_state import PoolState
from .counting import Counting, Needs
from .future import Future, Kept
from .when import CONSERVATIVE, Queue, Start, forecast


@dataclass(frozen=True, slots=True)
class Earliest:
    """How early a job of a queue can start.

    Attributes
    ----------
    jobid
        The job.
    bound
        No order that respects priorities starts it before, in seconds since the epoch; None where that is not known.
    start
        When it starts where each job is as early as those ahead of it let it be, as far as found.
    proven
        Whether no order starts it earlier than that, or one before it.
    """

    jobid: int
    bound: float | None
    start: Start
    proven: bool


@dataclass(frozen=True, slots=True)
class _Ahead:
    """A job that surely runs from a time to another."""

    start: float
    end: float
    needs: Needs
    eligible: int


def earliest(pool: Allocator, queue: Queue, now: float, kept: Sequence[Kept] = ()) -> list[Earliest]:
    """Return how early each job of a queue can start, if every job runs as long as it may.

    Parameters
    ----------
    pool
        Is not changed.
    queue
        Job ids and requests, the highest priority first.
    now
        Seconds since the epoch.
    kept
        What jobs have to keep off.

    Raises
    ------
    TypeError, ValueError
        As `forecast`.
    """
    starts = forecast(pool, queue, now, CONSERVATIVE, kept)
    bounds = _Bounds(pool, now, kept)
    found = []
    exact = True
    for (jobid, request), start in zip(queue, starts, strict=True):
        if start.why_not is not None:
            found.append(Earliest(jobid, None, start, True))
            continue
        bound = bounds.of(request)
        exact = exact and bound is not None and bound == start.time
        found.append(Earliest(jobid, bound, start, exact))
        if bound is not None:
            # How late it may start is known as long as all before it are proven.
            bounds.add(request, start.time if exact or _all_proven(found[:-1]) else None, bound)
    return found


def _all_proven(before: Sequence[Earliest]) -> bool:
    return all(one.proven for one in before)


class _Bounds(Future):
    """Bounds of one job after the other, by what is known of those ahead."""

    def __init__(self, pool: Allocator, now: float, kept: Sequence[Kept]) -> None:
        super().__init__(pool, now, kept)
        self._ahead: list[_Ahead] = []
        self._moments = {*(end for end, _ in self._ends), *(one.end for one in kept)}
        self._counting = Counting(self._knowledge)
        self._states: list[PoolState] = [self._state]
        self._free_at = lru_cache(maxsize=4096)(self._free_of)

    def of(self, request: Request) -> float | None:
        """Return a time before which a job cannot start; None where no known end lets it."""
        try:
            alone = self.when(request, 0.0)
        except InfeasibleRequest:
            return None
        if self._question(request).cut_off:
            return self._now
        if alone is None:
            return None
        first = max(alone[0], self._now)
        needs, eligible = self._counting.needs(request), self._knowledge.eligible(request.constraint)
        for time in (first, *sorted(moment for moment in self._moments if moment > first)):
            if self._has_room(time, request.duration, needs, eligible) and self._fits_alone(request, time):
                return time
        return None

    def add(self, request: Request, latest: float | None, bound: float) -> None:
        """Let a job be ahead of those to come, which starts between a bound and a latest time, where one is known."""
        end = bound + request.duration if request.duration > 0 else float("inf")
        if latest is not None and latest < end:
            eligible = self._knowledge.eligible(request.constraint)
            self._ahead.append(_Ahead(latest, end, self._counting.needs(request), eligible))
            self._moments.add(end)

    def _fits_alone(self, request: Request, time: float) -> bool:
        """Tell whether a job fits beside what runs and off what is kept; yes where that is not found out."""
        if not self._kept:
            return True
        state = self._open(self._state_at(time), request, time)
        knowledge = self._knowledge.under(request)
        try:
            return knowledge.fits(request, state, Budget(AHEAD * knowledge.options.time_limit))
        except CutOff:
            return True

    def _has_room(self, time: float, duration: float, needs: Needs, eligible: int) -> bool:
        """Tell whether there is enough, whenever a job would run, for it and those ahead that run then."""
        end = time + duration if duration > 0 else float("inf")
        changes = {one.start for one in self._ahead} | {one.start for one in self._kept}
        moments = [time, *(moment for moment in changes if time < moment < end)]
        return all(self._is_enough(moment, needs, eligible) for moment in moments)

    def _is_enough(self, moment: float, needs: Needs, eligible: int) -> bool:
        running = [one for one in self._ahead if one.start <= moment < one.end]
        closed = 0
        for kept in self._kept:
            closed |= kept.nodes if kept.start <= moment < kept.end else 0
        number = self._passed(moment)
        for nodes in {eligible, *(one.eligible | eligible for one in running)}:
            inside = [one.needs for one in running if not one.eligible & ~nodes]
            free = self._free_at(number, nodes & ~closed)
            if any(sum(kind) > most for kind, most in zip(zip(needs, *inside, strict=True), free, strict=True)):
                return False
        return True

    def _passed(self, moment: float) -> int:
        return sum(1 for end, _ in self._ends if end <= moment)

    def _state_at(self, moment: float) -> PoolState:
        number = self._passed(moment)
        while len(self._states) <= number:
            _, jobid = self._ends[len(self._states) - 1]
            self._states.append(self._knowledge.changes.ended(self._states[-1], [jobid]))
        return self._states[number]

    def _free_of(self, passed: int, nodes: int) -> Needs:
        """Return what is free of some nodes after so many jobs have ended."""
        state = self._state_at(self._ends[passed - 1][0] if passed else float("-inf"))
        return self._counting.free(state, nodes)
