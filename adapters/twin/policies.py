"""Who is tried next: FIFO and EASY backfill, with the calls on the pool that sched-fifo and sched-backfill make.

EASY is described by A. W. Mu'alem and D. G. Feitelson, IEEE Transactions on Parallel and Distributed Systems 12 (2001).
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import Any

from ..flux.upstream import InfeasibleRequest, InsufficientResources
from .scheduler import PendingJob, Scheduler


def earliest_start(pool: Any, jobid: int, request: Any, floor: float) -> float | None:
    """Return when a job could start, letting the pool's jobs end one after the other.

    Parameters
    ----------
    pool
        A copy, which is changed: jobs that end by then are freed, and the job is placed.
    floor
        A time before which it does not start.

    Returns
    -------
    float or None
        ``floor`` where it fits right away, None where even the last known end does not help.

    Raises
    ------
    InfeasibleRequest
        When it can never start.
    """
    time = floor
    while True:
        try:
            pool.alloc(jobid, request)
            return time
        except InsufficientResources:
            ends = [end for _, end in pool.job_end_times() if end > time]
            if not ends:
                return None
            time = min(ends)
            for ended, end in list(pool.job_end_times()):
                if 0 < end <= time:
                    pool.free(ended)


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


class EasyBackfill:
    """The head of the queue has a reservation; jobs behind it start when they end before it."""

    def __init__(self) -> None:
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
        shadow = self._reservation(scheduler, head)
        now = scheduler.clock()
        kept = [head]
        for job in sorted(scheduler.queue[1:]):
            duration = job.resource_request.duration
            fits = shadow is not None and duration > 0 and now + duration <= shadow
            if not (fits and scheduler.try_alloc(job)):
                kept.append(job)
            yield
        scheduler.queue = kept
        heapq.heapify(scheduler.queue)
        _annotate(scheduler.queue[0], shadow)

    def _reservation(self, scheduler: Scheduler, head: PendingJob) -> float | None:
        key = (scheduler.resources.generation, head.jobid)
        if self._shadow_of != key:
            try:
                start = earliest_start(scheduler.resources.copy(), head.jobid, head.resource_request, 0.0)
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
