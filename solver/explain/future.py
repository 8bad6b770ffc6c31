"""A pool as it will be, as the jobs that run end.

What is free only grows as jobs end, so the first end after which a request fits is found by steps that double, and by
halving the last of them. States are values: going back to one costs nothing, and no copy of the machine is made.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TypeVar

from ..allocator import Allocator
from ..cpsat.budget import AHEAD, Budget, CutOff
from ..demand.request import Request
from ..errors import InfeasibleRequest, InsufficientResources
from ..knowledge import Knowledge
from ..state.pool_state import PoolState
from .trials import ended

T = TypeVar("T")

Steps = Generator[None, None, T]
"""Work that can be left for a while, and gone on with, between any two of its decisions."""

Moment = tuple[float, PoolState, int]
"""A time, the state then, and how many ends lie before."""


def done(steps: Steps[T]) -> T:
    """Do all steps, one after the other, and return what they come to."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]  # it is what the generator returns


@dataclass(frozen=True, slots=True)
class Kept:
    """Nodes that no job may have for some time: a reservation for others, a maintenance.

    Attributes
    ----------
    nodes
        Bitmask of positions.
    start, end
        Seconds since the epoch.
    """

    nodes: int
    start: float
    end: float


class _Question:
    """One request, asked in many states.

    Attributes
    ----------
    cut_off
        Whether an answer was no because it was not found out.
    """

    def __init__(self, knowledge: Knowledge, request: Request) -> None:
        knowledge.under(request)
        reason = knowledge.infeasible(request, Budget(knowledge.options.time_limit))
        if reason is not None:
            raise InfeasibleRequest(reason)
        self.request = request
        self.cut_off = False
        self._knowledge = knowledge

    def fits(self, state: PoolState) -> bool:
        """Tell whether the request fits; no, where that is not found out with what looking ahead may take."""
        knowledge = self._knowledge
        try:
            return knowledge.fits(self.request, state, Budget(AHEAD * knowledge.options.time_limit))
        except CutOff:
            self.cut_off = True
            return False


class Future:
    """A pool as it will be.

    Parameters
    ----------
    pool
        As it is now; it is not changed.
    now
        Seconds since the epoch.
    kept
        What jobs have to keep off.
    """

    def __init__(self, pool: Allocator, now: float, kept: Sequence[Kept] = ()) -> None:
        self._pool = pool
        self._kept = kept
        self._placed: dict[int, int] = {}
        self._knowledge, self._state = pool.present
        self._now = now
        self._ends = sorted((job.end_time, jobid) for jobid, job in self._state.jobs.items() if job.end_time > 0)
        self._questions: dict[int, _Question] = {}
        self._endless: list[int] = []

    def when(self, request: Request, floor: float) -> Moment | None:
        """Return when a request fits, the state then, and how many ends lie before; None for never.

        Raises
        ------
        InfeasibleRequest
            When it does not fit on the idle machine either.
        """
        return done(self.finding(request, floor))

    def finding(self, request: Request, floor: float) -> Steps[Moment | None]:
        """Do the same in steps."""
        found = yield from self._beside_running(request, floor)
        if found is None or not self._kept:
            return found
        question = self._question(request)
        first, state, passed = found
        times = {first, *(end for end, _ in self._ends), *(kept.end for kept in self._kept)}
        for time in sorted(moment for moment in times if moment >= first):
            yield
            while passed < len(self._ends) and self._ends[passed][0] <= time:
                state = ended(self._knowledge.changes, state, [self._ends[passed][1]])
                passed += 1
            if question.fits(self._open(state, request, time)):
                return time, state, passed
        return None

    def _open(self, state: PoolState, request: Request, time: float) -> PoolState:
        """Return a state without the nodes that are kept at some time while a job would run that starts at a time."""
        start = max(time, self._now)
        end = start + request.duration if request.duration > 0 else float("inf")
        closed = 0
        for kept in self._kept:
            closed |= kept.nodes if kept.start < end and start < kept.end else 0
        return self._knowledge.changes.mark(state, closed, up=False)[0] if closed else state

    def _beside_running(self, request: Request, floor: float) -> Steps[Moment | None]:
        """Return the same as if nothing were kept."""
        question = self._question(request)
        yield
        if question.fits(self._state):
            return floor, self._state, 0
        times = [(end, [jobid for _, jobid in same]) for end, same in groupby(self._ends, key=lambda item: item[0])]
        states = [self._state]
        low, step = 0, 1
        while True:
            # It does not fit after the first `low` ends.
            high = min(low + step, len(times))
            if high == low:
                return None
            while len(states) <= high:
                states.append(ended(self._knowledge.changes, states[-1], times[len(states) - 1][1]))
            yield
            if question.fits(states[high]):
                break
            low, step = high, 2 * step
        while high - low > 1:
            middle = (low + high) // 2
            yield
            if question.fits(states[middle]):
                high = middle
            else:
                low = middle
        return times[high - 1][0], states[high], sum(len(jobs) for _, jobs in times[:high])

    def _question(self, request: Request) -> _Question:
        known = self._questions.get(id(request))
        if known is None:
            known = self._questions[id(request)] = _Question(self._knowledge, request)
        return known

    def _go(self, found: Moment) -> None:
        """Let time pass."""
        _, self._state, passed = found
        del self._ends[:passed]

    def _pass(self, time: float) -> None:
        """Let time pass, and end what ends by then."""
        due = sum(1 for end, _ in self._ends if end <= time)
        self._state = ended(self._knowledge.changes, self._state, (jobid for _, jobid in self._ends[:due]))
        del self._ends[:due]

    def _start(self, jobid: int, request: Request, start: float) -> bool:
        """Place a job where the pool would; tell whether that was possible."""
        pool = self._pool.in_state(self._open(self._state, request, start))
        try:
            pool.alloc(jobid, request)
        except (InsufficientResources, InfeasibleRequest):
            return False
        end = max(start, self._now) + request.duration if request.duration > 0 else 0.0
        job = pool.present[1].jobs[jobid]._replace(end_time=end)
        self._state, _ = self._knowledge.changes.started(self._state, jobid, job)
        self._placed[jobid] = job.nodes
        if end:
            insort(self._ends, (end, jobid))
        else:
            self._endless.append(jobid)
        return True
