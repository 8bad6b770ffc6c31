"""A pool as it will be, as the jobs that run end.

What is free only grows as jobs end, so the first end after which a request fits is found by steps that double, and by
halving the last of them. States are values: going back to one costs nothing, and no copy of the machine is made.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TypeVar

from ..allocator import Allocator
from ..cpsat.budget import AHEAD, STEPS, Budget, CutOff
from ..demand.request import Request
from ..errors import InfeasibleRequest, InsufficientResources
from ..knowledge import Knowledge
from ..state.pool_state import PoolState
from .trials import JOB_STEPS, TRIAL_STEPS, ended

T = TypeVar("T")

Steps = Generator[None, None, T]
"""Work that can be left for a while, and gone on with, between any two of its decisions."""

PLACEMENT_STEPS = 1000
"""What a placement costs beside the search: its ids, and the state that it leaves."""

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


def nodes_kept(kept: Iterable[Kept], start: float, end: float) -> int:
    """Return the nodes that are kept at some time between a start and an end."""
    nodes = 0
    for one in kept:
        nodes |= one.nodes if one.start < end and start < one.end else 0
    return nodes


class OutOfWork(Exception):  # noqa: N818  # it is an outcome, no error
    """The work that may be done in all is used up."""


class Work:
    """What looking ahead takes, and may take in all.

    Parameters
    ----------
    limit
        Seconds of work in all; None for no limit.

    Notes
    -----
    No decision gets less for the limit, so what is found under it is what is found without: the last decision may
    take more than is left.
    """

    def __init__(self, limit: float | None = None) -> None:
        self._limit = limit
        self._steps = 0
        self._last: Budget | None = None

    @property
    def spent(self) -> float:
        """Seconds of work done so far."""
        return self._steps / STEPS + (self._last.spent if self._last is not None else 0.0)

    def part(self, seconds: float) -> Budget:
        """Return what one decision may take, the one before being over.

        Raises
        ------
        OutOfWork
            Where nothing is left.
        """
        if self._last is not None:
            self.charge(round(self._last.spent * STEPS))
            self._last = None
        self.look()
        self._last = Budget(seconds)
        return self._last

    def charge(self, steps: int) -> None:
        """Count steps that are done in any case."""
        self._steps += steps

    def look(self) -> None:
        """Raise `OutOfWork` where nothing is left."""
        if self._limit is not None and self.spent >= self._limit:
            raise OutOfWork


class _Question:
    """One request, asked in many states.

    Attributes
    ----------
    cut_off
        Whether an answer was no because it was not found out.
    """

    def __init__(self, knowledge: Knowledge, request: Request, work: Work) -> None:
        knowledge.under(request)
        self.request = request
        self.cut_off = False
        self._knowledge = knowledge
        self._work = work
        work.charge(TRIAL_STEPS)
        try:
            reason = knowledge.infeasible(request, work.part(knowledge.options.time_limit))
        except CutOff:
            # Whether it ever fits is not known, so it is taken to.
            self.cut_off, reason = True, None
        if reason is not None:
            raise InfeasibleRequest(reason)

    def fits(self, state: PoolState) -> bool:
        """Tell whether the request fits; no, where that is not found out with what looking ahead may take."""
        knowledge = self._knowledge
        self._work.charge(TRIAL_STEPS)
        try:
            return knowledge.fits(self.request, state, self._work.part(AHEAD * knowledge.options.time_limit))
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
    work
        What it may take.
    """

    def __init__(self, pool: Allocator, now: float, kept: Sequence[Kept] = (), work: Work | None = None) -> None:
        self._pool = pool
        self._work = work or Work()
        self._kept = kept
        self._placed: dict[int, int] = {}
        self._knowledge, self._state = pool.present
        self._now = now
        self._ends = sorted((job.end_time, jobid) for jobid, job in self._state.jobs.items() if job.end_time > 0)
        self._questions: dict[int, _Question] = {}
        self._endless: list[int] = []
        self._time = 0.0

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
        closed = nodes_kept(self._kept, start, end)
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
            self._work.charge(JOB_STEPS * (high + 1 - len(states)))
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
            known = self._questions[id(request)] = _Question(self._knowledge, request, self._work)
        return known

    def _go(self, found: Moment) -> None:
        """Let time pass."""
        self._time, self._state, passed = found
        del self._ends[:passed]

    def _pass(self, time: float) -> None:
        """Let time pass, and end what ends by then."""
        self._time = time
        due = sum(1 for end, _ in self._ends if end <= time)
        self._work.charge(JOB_STEPS * due)
        self._state = ended(self._knowledge.changes, self._state, (jobid for _, jobid in self._ends[:due]))
        del self._ends[:due]

    def _start(self, jobid: int, request: Request, start: float) -> bool:
        """Place a job where the pool would; tell whether that was possible."""
        pool = self._pool.in_state(self._open(self._state, request, start))
        try:
            pool.alloc(jobid, request, budget=self._work.part(AHEAD * self._knowledge.options.time_limit))
        except (InsufficientResources, InfeasibleRequest):
            return False
        self._work.charge(PLACEMENT_STEPS)
        end = max(start, self._now) + request.duration if request.duration > 0 else 0.0
        job = pool.present[1].jobs[jobid]._replace(end_time=end)
        self._state, _ = self._knowledge.changes.started(self._state, jobid, job)
        self._placed[jobid] = job.nodes
        if end:
            insort(self._ends, (end, jobid))
        else:
            self._endless.append(jobid)
        return True
