"""When a request will fit: from the ends of the jobs that run, for one job and for a queue.

What is free only grows as jobs end, so the first end after which a request fits is found by steps that double, and by
halving the last of them. States are values: going back to one costs nothing, and no copy of the machine is made.

FIFO means what `forecast` of Flux's sched-fifo does. EASY is described by A. W. Mu'alem and D. G. Feitelson, IEEE
Transactions on Parallel and Distributed Systems 12 (2001): the head of the queue has a reservation, and others start
before it if they end by then.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TypeAlias

from ..allocator import Allocator
from ..cpsat.budget import AHEAD, Budget, CutOff
from ..demand.arguments import need_job, need_time
from ..demand.request import Request, need_request
from ..errors import InfeasibleRequest, InsufficientResources
from ..knowledge import Knowledge
from ..state.pool_state import PoolState
from .trials import ended

FIFO, EASY = "fifo", "easy"

Queue: TypeAlias = Sequence[tuple[int, Request]]
"""Jobs that wait, by id, in order."""


@dataclass(frozen=True)
class Start:
    """When a job of a queue starts.

    Attributes
    ----------
    jobid
        The job.
    time
        Seconds since the epoch; None when that is not known.
    why_not
        The reason, where it never can.
    unknown
        Why it is not known, where it is not.
    """

    jobid: int
    time: float | None
    why_not: str | None = None
    unknown: str = ""


def earliest_start(pool: Allocator, request: Request, now: float) -> float | None:
    """Return when a job could start if no other started before it; None when no known end lets it.

    Parameters
    ----------
    now
        Seconds since the epoch.

    Raises
    ------
    InfeasibleRequest
        When it never can.
    TypeError
        For what is no request, or no time.
    """
    need_request(request)
    need_time(now)
    future = Future(pool, now)
    found = future.when(request, 0.0)
    return None if found is None else max(found[0], now)


def forecast(pool: Allocator, queue: Queue, now: float, order: str = FIFO) -> list[Start]:
    """Return when each job of a queue starts, if every job runs as long as it may.

    Parameters
    ----------
    pool
        Is not changed.
    queue
        Job ids and requests, the head first.
    now
        Seconds since the epoch.
    order
        ``fifo``: no job starts before one that stands ahead of it. ``easy``: with backfill.

    Notes
    -----
    Behind a job of unknown start or duration nothing is known of those that have to wait for it.

    Raises
    ------
    TypeError
        For what is no request, no job id or no time.
    ValueError
        For another order, and for a job that waits twice or holds resources already.
    """
    if order not in (FIFO, EASY):
        raise ValueError(f"order: expected {FIFO} or {EASY}, not {order!r}")
    need_time(now)
    _check_queue(pool, queue)
    future = Future(pool, now)
    starts = future.fifo(queue) if order == FIFO else future.easy(queue)
    return [starts[jobid] for jobid, _ in queue]


def _check_queue(pool: Allocator, queue: Queue) -> None:
    waiting: set[int] = set()
    for jobid, request in queue:
        need_job(jobid)
        need_request(request)
        if jobid in waiting or pool.job(jobid) is not None:
            raise ValueError(f"job {jobid} {'waits twice' if jobid in waiting else 'holds resources already'}")
        waiting.add(jobid)


class _Question:
    """One request, asked in many states."""

    def __init__(self, knowledge: Knowledge, request: Request) -> None:
        knowledge.under(request)
        reason = knowledge.infeasible(request, Budget(knowledge.options.time_limit))
        if reason is not None:
            raise InfeasibleRequest(reason)
        self.request = request
        self._knowledge = knowledge

    def fits(self, state: PoolState) -> bool:
        """Tell whether the request fits; no, where that is not found out with what looking ahead may take."""
        knowledge = self._knowledge
        try:
            return knowledge.fits(self.request, state, Budget(AHEAD * knowledge.options.time_limit))
        except CutOff:
            return False


class Future:
    """A pool as it will be.

    Parameters
    ----------
    pool
        As it is now; it is not changed.
    now
        Seconds since the epoch.
    """

    def __init__(self, pool: Allocator, now: float) -> None:
        self._pool = pool
        self._knowledge, self._state = pool.present
        self._now = now
        self._ends = sorted((job.end_time, jobid) for jobid, job in self._state.jobs.items() if job.end_time > 0)
        self._questions: dict[int, _Question] = {}
        self._endless: list[int] = []

    # -- one request ----------------------------------------------------------------------------------------------

    def when(self, request: Request, floor: float) -> tuple[float, PoolState, int] | None:
        """Return when a request fits, the state then, and how many ends lie before.

        Raises
        ------
        InfeasibleRequest
            When it never does.
        """
        question = self._question(request)
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
            if question.fits(states[high]):
                break
            low, step = high, 2 * step
        while high - low > 1:
            middle = (low + high) // 2
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

    def _go(self, found: tuple[float, PoolState, int]) -> None:
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
        pool = self._pool.in_state(self._state)
        try:
            pool.alloc(jobid, request)
        except (InsufficientResources, InfeasibleRequest):
            return False
        state = pool.present[1]
        end = max(start, self._now) + request.duration if request.duration > 0 else 0.0
        self._state = replace(state, jobs=state.jobs.set(jobid, replace(state.jobs[jobid], end_time=end)))
        if end:
            insort(self._ends, (end, jobid))
        else:
            self._endless.append(jobid)
        return True

    def _tell_unknown(self, waiting: Queue, starts: dict[int, Start]) -> None:
        """Say of those that are left in a queue why it is not known when they start."""
        ahead = self._endless[0] if self._endless else None
        why = f"job {ahead} ahead of it does not say how long it runs" if self._endless else ""
        for place, (jobid, _) in enumerate(waiting):
            reason = why or (
                f"it is not known when job {waiting[0][0]} ahead of it starts"
                if place
                else "jobs that run hold what it needs, and have no end that is known"
            )
            starts[jobid] = replace(starts[jobid], unknown=reason)

    # -- queues ---------------------------------------------------------------------------------------------------

    def _judged(self, queue: Queue) -> tuple[dict[int, Start], list[tuple[int, Request]]]:
        """Return the starts, not known as yet, or why there is none, and those of the queue that may start."""
        starts = {jobid: Start(jobid, None) for jobid, _ in queue}
        waiting = []
        for jobid, request in queue:
            try:
                self._question(request)
                waiting.append((jobid, request))
            except InfeasibleRequest as error:
                starts[jobid] = Start(jobid, None, str(error))
        return starts, waiting

    def fifo(self, queue: Queue) -> dict[int, Start]:
        """Return the starts in strict order."""
        starts, waiting = self._judged(queue)
        floor = 0.0
        while waiting and not self._endless:
            jobid, request = waiting[0]
            found = self.when(request, floor)
            if found is None:
                break
            floor = found[0]
            self._go(found)
            if not self._start(jobid, request, floor):
                break
            starts[jobid] = Start(jobid, max(floor, self._now))
            del waiting[0]
        self._tell_unknown(waiting, starts)
        return starts

    def easy(self, queue: Queue) -> dict[int, Start]:
        """Return the starts with backfill."""
        starts, waiting = self._judged(queue)
        time: float | None = 0.0
        while waiting and time is not None:
            time = self._easy_pass(waiting, time, starts)
        self._tell_unknown(waiting, starts)
        return starts

    def _easy_pass(self, waiting: list[tuple[int, Request]], time: float, starts: dict[int, Start]) -> float | None:
        """Start what can start at a time, and let time pass to when more may; None where that is not known."""
        while waiting and self._try(*waiting[0], time, starts):
            del waiting[0]
        if not waiting:
            return None
        found = self.when(waiting[0][1], time)
        if found is None:
            return None
        shadow = max(found[0], self._now)
        here = max(time, self._now)
        for item in waiting[1:]:
            if 0 < item[1].duration <= shadow - here and self._try(*item, time, starts):
                waiting.remove(item)
        return self._next(waiting, time, found[0])

    def _next(self, waiting: Queue, time: float, shadow: float) -> float | None:
        """Let time pass to the reservation of the head, or to when another could start and end before it."""
        moment = shadow
        for _, request in waiting[1:]:
            if request.duration > 0:
                found = self.when(request, time)
                if found is not None and time < found[0] and max(found[0], self._now) + request.duration <= shadow:
                    moment = min(moment, found[0])
        if moment <= time:
            return None
        self._pass(moment)
        return moment

    def _try(self, jobid: int, request: Request, time: float, starts: dict[int, Start]) -> bool:
        if not (self._question(request).fits(self._state) and self._start(jobid, request, time)):
            return False
        starts[jobid] = Start(jobid, max(time, self._now))
        return True
