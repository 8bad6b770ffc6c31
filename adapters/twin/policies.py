"""Who is tried next: FIFO and EASY backfill, with the calls on the pool that sched-fifo and sched-backfill make.

EASY is described by A. W. Mu'alem and D. G. Feitelson, IEEE Transactions on Parallel and Distributed Systems 12 (2001).
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ..flux.upstream import InfeasibleRequest, InsufficientResources
from .scheduler import PendingJob, Scheduler

Room = Callable[[Sequence[Sequence[int]]], int | None]
"""Returns after how many of these sets of jobs, that end one after the other, there can be room at the earliest; None
for never. Before that the pool need not be asked."""


def earliest_start(pool: Any, jobid: int, request: Any, floor: float, room: Room | None = None) -> float | None:
    """Return when a job could start, letting the pool's jobs end one after the other.

    Parameters
    ----------
    pool
        A copy, which is changed: jobs that end by then are freed, and the job is placed.
    floor
        A time before which it does not start.
    room
        Lets questions be left out whose answer is clear.

    Returns
    -------
    float or None
        ``floor`` where it fits right away, None where even the last known end does not help.

    Raises
    ------
    InfeasibleRequest
        When it can never start.
    """
    ending: dict[float, list[int]] = {}
    for ended, end in pool.job_end_times():
        if end > 0:
            ending.setdefault(end, []).append(ended)
    times = sorted(time for time in ending if time > floor)
    # Those whose time has passed and that have not ended yet go with the first that ends after it.
    late = [ended for end in sorted(ending) if end <= floor for ended in ending[end]]
    sets = [ending[time] if place else [*late, *ending[time]] for place, time in enumerate(times)]
    first = room(sets) if room is not None else 0
    if first is None:
        return None
    for place, time in enumerate([floor, *times]):
        for other in sets[place - 1] if place else ():
            pool.free(other)
        if place >= first:
            try:
                pool.alloc(jobid, request)
                return time
            except InsufficientResources:
                continue
    return None


def _annotate(job: PendingJob, estimate: float | None) -> None:
    if job.estimate != estimate:
        job.estimate = estimate
        job.request.annotate({"sched": {"t_estimate": estimate}})


class Fifo:
    """Strictly in order: the first job that has to wait holds up all behind it."""

    def schedule(self, scheduler: Scheduler) -> Iterator[None]:
        """Start jobs from the head of the queue until one must wait."""
        while scheduler.queue:
            if not scheduler.try_alloc(scheduler.queue[0]):
                return
            heapq.heappop(scheduler.queue)
            yield

    def forecast(self, scheduler: Scheduler) -> Iterator[None]:
        """Estimate the starts of all waiting jobs on one copy of the pool, each no earlier than the one before.

        After a job whose end is unknown, or that nothing known lets start, there are no more estimates.
        """
        pool = scheduler.resources.copy()
        floor = 0.0
        known = True
        for job in sorted(scheduler.queue):
            start = None
            if known:
                try:
                    start = earliest_start(pool, job.jobid, job.resource_request, floor)
                except InfeasibleRequest:
                    _annotate(job, None)
                    yield
                    continue
            _annotate(job, None if start is None else max(start, scheduler.clock()))
            known = known and start is not None and job.resource_request.duration > 0
            if known and start is not None:
                pool.update_expiration(job.jobid, start + job.resource_request.duration)
                floor = start
            yield

    def expiration(self, scheduler: Scheduler, jobid: int, expiration: float) -> None:
        """Do nothing: sched-fifo does not follow expirations."""


Foresee = Callable[["Scheduler", PendingJob], float | None]
"""Returns when a job that waits could start, None where nothing known lets it."""


def by_copy(scheduler: Scheduler, job: PendingJob) -> float | None:
    """Foresee a start on a copy of the pool, as Flux does."""
    return earliest_start(scheduler.resources.copy(), job.jobid, job.resource_request, 0.0)


class EasyBackfill:
    """The head of the queue has a reservation; jobs behind it start when they end before it.

    Parameters
    ----------
    foresee
        Finds the time of the reservation.
    hopeful
        Tells whether there can be room for a job now. Where it is given, jobs behind the head for which there is none
        are not tried, and there is no reservation, and no estimate, where no job is left to be tried.
    """

    def __init__(self, foresee: Foresee = by_copy, hopeful: Callable[[int], bool] | None = None) -> None:
        self._foresee = foresee
        self._hopeful = hopeful
        self._shadow_of: tuple[int, int] | None = None
        self._shadow: float | None = None

    def schedule(self, scheduler: Scheduler) -> Iterator[None]:
        """Start jobs from the head until one must wait, then those behind it that do not delay it."""
        while scheduler.queue:
            head = scheduler.queue[0]
            for job in scheduler.queue[1:]:
                _annotate(job, None)
            if not scheduler.try_alloc(head):
                break
            heapq.heappop(scheduler.queue)
            yield
        if not scheduler.queue:
            return
        tried = [job for job in scheduler.queue[1:] if self._hopeful is None or self._hopeful(job.jobid)]
        if self._hopeful is not None and not tried:
            return
        shadow = self._reservation(scheduler, head)
        now = scheduler.clock()
        started = set()
        for job in sorted(tried):
            duration = job.resource_request.duration
            fits = shadow is not None and duration > 0 and now + duration <= shadow
            if fits and scheduler.try_alloc(job):
                started.add(job.jobid)
            yield
        scheduler.queue = [job for job in scheduler.queue if job.jobid not in started]
        heapq.heapify(scheduler.queue)
        _annotate(scheduler.queue[0], shadow)

    def _reservation(self, scheduler: Scheduler, head: PendingJob) -> float | None:
        key = (scheduler.resources.generation, head.jobid)
        if self._shadow_of != key:
            try:
                start = self._foresee(scheduler, head)
            except InfeasibleRequest:
                start = None
            self._shadow_of = key
            self._shadow = None if start is None else max(start, scheduler.clock())
        return self._shadow

    def forecast(self, scheduler: Scheduler) -> None:
        """Do nothing: the reservation is the forecast."""

    def expiration(self, scheduler: Scheduler, jobid: int, expiration: float) -> None:
        """Keep the pool's end times right, which reservations rest on."""
        scheduler.resources.update_expiration(jobid, expiration)
