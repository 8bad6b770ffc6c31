"""When a request will fit: from the ends of the jobs that run, for one job and for a queue.

FIFO means what `forecast` of Flux's sched-fifo does. Under backfill the head of the queue has a reservation. In Flux's
sched-backfill others start before it if they end by then; in EASY as published also if the head still fits beside
them at that time; conservative backfill gives each job a reservation (A. W. Mu'alem and D. G. Feitelson, IEEE
Transactions on Parallel and Distributed Systems 12, 2001).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from ..allocator import Allocator
from ..demand.arguments import need_job, need_time
from ..demand.request import Asked, Request, as_request, need_request
from ..errors import InfeasibleRequest
from .future import Future, Kept, Steps, done
from .reserving import Reservations
from .trials import ended

FIFO, EASY, FLUX, CONSERVATIVE = "fifo", "easy", "flux", "conservative"
ORDERS = (FIFO, EASY, FLUX, CONSERVATIVE)
"""Orders of a queue, by name."""

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
    nodes
        Where it then stands, as the pool places it: a bitmask of positions.
    """

    jobid: int
    time: float | None
    why_not: str | None = None
    unknown: str = ""
    nodes: int = 0


def earliest_start(pool: Allocator, request: Asked, now: float) -> float | None:
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
    request = as_request(request)
    need_time(now)
    return done(finding_start(pool, request, now))


def finding_start(pool: Allocator, request: Request, now: float) -> Steps[float | None]:
    """Do what `earliest_start` does, in steps."""
    found = yield from Future(pool, now).finding(request, 0.0)
    return None if found is None else max(found[0], now)


def forecast(pool: Allocator, queue: Queue, now: float, order: str = FIFO, kept: Sequence[Kept] = ()) -> list[Start]:
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
        ``fifo``: no job starts before one that stands ahead of it. ``easy``: with backfill as published. ``flux``:
        with backfill of those jobs alone that end before the reservation. ``conservative``: with backfill that delays
        no job ahead.
    kept
        What jobs have to keep off.

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
    if order not in ORDERS:
        raise ValueError(f"order: expected {FIFO}, {EASY}, {FLUX} or {CONSERVATIVE}, not {order!r}")
    need_time(now)
    _check_queue(pool, queue)
    future = _Forecast(pool, now, kept)
    starts: dict[int, Start] = {}
    if order == FIFO:
        done(future.fifo(queue, starts))
    elif order == CONSERVATIVE:
        future.conservative(queue, starts)
    else:
        future.backfill(queue, starts, past=order == EASY)
    return [starts[jobid] for jobid, _ in queue]


def forecasting(pool: Allocator, queue: Queue, now: float, starts: dict[int, Start]) -> Steps[None]:
    """Do what `forecast` does for a strict queue, in steps, and put the starts in a dictionary as they are found."""
    need_time(now)
    _check_queue(pool, queue)
    yield from _Forecast(pool, now).fifo(queue, starts)


def _check_queue(pool: Allocator, queue: Queue) -> None:
    waiting: set[int] = set()
    for jobid, request in queue:
        need_job(jobid)
        need_request(request)
        if jobid in waiting or pool.job(jobid) is not None:
            raise ValueError(f"job {jobid} {'waits twice' if jobid in waiting else 'holds resources already'}")
        waiting.add(jobid)


class _Forecast(Future):
    """What becomes of a queue."""

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

    def _judged(self, queue: Queue, starts: dict[int, Start]) -> Steps[list[tuple[int, Request]]]:
        """Enter the starts, not known as yet, or why there is none; return those of the queue that may start."""
        starts.update({jobid: Start(jobid, None) for jobid, _ in queue})
        waiting = []
        for jobid, request in queue:
            try:
                self._question(request)
                waiting.append((jobid, request))
            except InfeasibleRequest as error:
                starts[jobid] = Start(jobid, None, str(error))
            yield
        return waiting

    def fifo(self, queue: Queue, starts: dict[int, Start]) -> Steps[None]:
        """Enter the starts in strict order."""
        waiting = yield from self._judged(queue, starts)
        floor = 0.0
        while waiting and not self._endless:
            jobid, request = waiting[0]
            found = yield from self.finding(request, floor)
            if found is None:
                break
            floor = found[0]
            yield
            self._go(found)
            if not self._start(jobid, request, floor):
                break
            starts[jobid] = Start(jobid, max(floor, self._now), nodes=self._placed[jobid])
            del waiting[0]
        self._tell_unknown(waiting, starts)

    def conservative(self, queue: Queue, starts: dict[int, Start]) -> None:
        """Enter the starts of reservations that are made in the order of the queue, each beside all before it."""
        waiting = done(self._judged(queue, starts))
        made = Reservations(self._pool, self._now, self._kept)
        while waiting:
            jobid, request = waiting[0]
            alone = self.when(request, 0.0)
            found = made.reserve(jobid, request, alone[0]) if alone is not None else None
            if found is None:
                break
            starts[jobid] = Start(jobid, found.start, nodes=found.nodes)
            if not request.duration > 0:
                self._endless.append(jobid)
            del waiting[0]
        self._tell_unknown(waiting, starts)

    def backfill(self, queue: Queue, starts: dict[int, Start], *, past: bool) -> None:
        """Enter the starts with backfill; with ``past`` also of what runs past the reservation beside its job."""
        waiting = done(self._judged(queue, starts))
        time: float | None = 0.0
        while waiting and time is not None:
            time = self._pass_at(waiting, time, starts, past)
        self._tell_unknown(waiting, starts)

    def _pass_at(
        self, waiting: list[tuple[int, Request]], time: float, starts: dict[int, Start], past: bool
    ) -> float | None:
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
            before = 0 < item[1].duration <= shadow - here
            if (before and self._try(*item, time, starts)) or (
                past and not before and self._beside(item, waiting[0][1], time, found[0], starts)
            ):
                waiting.remove(item)
        return self._next_end(time, found[0]) if past else self._next(waiting, time, found[0])

    def _beside(
        self, item: tuple[int, Request], head: Request, time: float, shadow: float, starts: dict[int, Start]
    ) -> bool:
        """Start a job where the head still fits at its reservation; tell whether it does."""
        state, ends, endless = self._state, list(self._ends), list(self._endless)
        if not self._try(*item, time, starts):
            return False
        over = [jobid for end, jobid in self._ends if end <= shadow]
        later = ended(self._knowledge.changes, self._state, over)
        if self._question(head).fits(self._open(later, head, shadow)):
            return True
        self._state, self._ends, self._endless = state, ends, endless
        starts[item[0]] = Start(item[0], None)
        return False

    def _next_end(self, time: float, shadow: float) -> float | None:
        """Let time pass to the next end, or to the reservation: whom the head leaves room may change with each."""
        kept = (one.end for one in self._kept if one.end > time)
        return self._to(min(self._ends[0][0] if self._ends else shadow, shadow, *kept), time)

    def _to(self, moment: float, time: float) -> float | None:
        """Let time pass to a moment, and return it; None where it is no later than a time."""
        if moment <= time:
            return None
        self._pass(moment)
        return moment

    def _next(self, waiting: Queue, time: float, shadow: float) -> float | None:
        """Let time pass to the reservation of the head, or to when another could start and end before it."""
        moment = shadow
        for _, request in waiting[1:]:
            if request.duration > 0:
                found = self.when(request, time)
                if found is not None and time < found[0] and max(found[0], self._now) + request.duration <= shadow:
                    moment = min(moment, found[0])
        return self._to(moment, time)

    def _try(self, jobid: int, request: Request, time: float, starts: dict[int, Start]) -> bool:
        if not (
            self._question(request).fits(self._open(self._state, request, time)) and self._start(jobid, request, time)
        ):
            return False
        starts[jobid] = Start(jobid, max(time, self._now), nodes=self._placed[jobid])
        return True
