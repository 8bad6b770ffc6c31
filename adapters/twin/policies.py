"""Who is tried next: FIFO, and two kinds of backfill behind a reservation for the head of the queue.

- `Fifo` makes the calls on the pool that sched-fifo makes.
- `FluxBackfill` makes those of sched-backfill: a job goes ahead where it ends before the reservation.
- `EasyBackfill` is EASY as published: a job goes ahead where it ends before the reservation, or where the head of the
  queue still finds its place beside it at that time. D. A. Lifka, The ANL/IBM SP scheduling system, JSSPP (1995);
  A. W. Mu'alem and D. G. Feitelson, IEEE Transactions on Parallel and Distributed Systems 12 (2001).

Conservative backfill is in `conservative`.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ..flux.upstream import InfeasibleRequest, InsufficientResources
from .observers import pieces
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


class FluxBackfill:
    """The head of the queue has a reservation; jobs behind it start when they end before it.

    Parameters
    ----------
    foresee
        Finds the time of the reservation.
    hopeful
        Tells whether there can be room for a job now. Where it is given, jobs behind the head for which there is none
        are not tried, and there is no reservation, and no estimate, where no job is left to be tried.
    stands
        Tells of a job that the pool finds a place for it wherever there is one. The reservation of such a job is not
        looked for anew after others have gone ahead: they leave it its place at that time, and before it had none.
    """

    def __init__(
        self,
        foresee: Foresee = by_copy,
        hopeful: Callable[[int], bool] | None = None,
        stands: Callable[[int], bool] = lambda _: False,
    ) -> None:
        self._foresee = foresee
        self._hopeful = hopeful
        self._stands = stands
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
        started = set()
        for job in sorted(tried):
            if shadow is not None and self._goes_ahead(scheduler, job, head, shadow):
                started.add(job.jobid)
            yield
        scheduler.queue = [job for job in scheduler.queue if job.jobid not in started]
        heapq.heapify(scheduler.queue)
        _annotate(scheduler.queue[0], shadow)
        if started and self._stands(head.jobid):
            self._shadow_of = (scheduler.resources.generation, head.jobid)

    def _goes_ahead(self, scheduler: Scheduler, job: PendingJob, head: PendingJob, shadow: float) -> bool:  # noqa: ARG002 (EASY needs the head)
        """Start a job behind the head where the rule allows it; tell whether it is out of the queue."""
        return ends_before(scheduler, job, shadow) and scheduler.try_alloc(job)

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


def ends_before(scheduler: Scheduler, job: PendingJob, shadow: float) -> bool:
    """Tell whether a job that starts now ends by a time; one without a limit does not."""
    duration = job.resource_request.duration
    return bool(duration > 0 and scheduler.clock() + duration <= shadow)


class EasyBackfill(FluxBackfill):
    """EASY as published: jobs behind the head start when they end before its reservation, or leave it its place.

    Whether they leave it is tried on a copy of the pool: the job is placed, all that ends by the reservation ends, and
    the head is placed. The reservation is of a time, not of nodes, so the head may get other nodes than it would have
    had. What the pool then gives the job is what it gave on the copy, or it is tried in the same way before it counts.

    Parameters
    ----------
    foresee, hopeful, stands
        As `FluxBackfill` has them.

    Notes
    -----
    A job that has to be tried costs a copy and two decisions more. What was tried in vain is not tried again until
    the pool changes.
    """

    _in_the_way_of: tuple[int, int] | None = None
    """The state of the pool and the head for which jobs were tried in vain."""
    _in_the_way: frozenset[int] = frozenset()
    """Those jobs."""

    def _goes_ahead(self, scheduler: Scheduler, job: PendingJob, head: PendingJob, shadow: float) -> bool:
        if ends_before(scheduler, job, shadow):
            return scheduler.try_alloc(job)
        state = (scheduler.resources.generation, head.jobid)
        if self._in_the_way_of != state:
            self._in_the_way_of, self._in_the_way = state, frozenset()
        if job.jobid in self._in_the_way or scheduler.is_settled(job):
            return False
        trial = scheduler.resources.copy()
        try:
            tried = trial.alloc(job.jobid, job.resource_request)
        except (InsufficientResources, InfeasibleRequest):
            # The pool itself says so, that its answer is counted and a job that never fits is denied.
            return scheduler.try_alloc(job)
        if not fits_at(trial, head, shadow):
            self._in_the_way |= {job.jobid}
            return False
        expected = pieces(tried.to_dict())

        def leaves_room(given: Any) -> bool:
            return pieces(given.to_dict()) == expected or fits_at(scheduler.resources.copy(), head, shadow)

        return scheduler.try_alloc(job, leaves_room)


def fits_at(pool: Any, job: PendingJob, time: float) -> bool:
    """Tell whether a job fits when all has ended that ends by a time; the pool is a copy, which is changed."""
    for ended, end in list(pool.job_end_times()):
        if 0 < end <= time:
            pool.free(ended)
    try:
        pool.alloc(job.jobid, job.resource_request)
    except (InsufficientResources, InfeasibleRequest):
        return False
    return True
