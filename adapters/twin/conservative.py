"""Conservative backfill: every job that waits has a reservation, and none is ever delayed by another job.

Described by A. W. Mu'alem and D. G. Feitelson, IEEE Transactions on Parallel and Distributed Systems 12 (2001). A job
gets its reservation when it comes, of the earliest time at which it fits beside all others for as long as it may run.
Where jobs end early, jobs in the order of the queue move to the earliest time that is free beside all others, and stay
where there is none earlier.

A reservation is of a time and of resources, as the pool gave them on a copy. So it can be kept whatever else happens:
what is reserved is free at its time, and if the pool would give other resources then that another job has reserved, the
job gets those that are reserved for it.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ...grammar.idset import mask_text
from ..flux.upstream import InfeasibleRequest, InsufficientResources, ResourcePool
from .jobs import R
from .observers import pieces
from .scheduler import PendingJob, Scheduler

Masks = Mapping[int, tuple[int, int]]
"""Cores and GPUs by rank, as bitmasks."""
_BLOCKER = 2**63 - 1
"""The job that stands for all reservations, on a copy of the pool; ids of Flux are times and come to it in no time."""


@dataclass(frozen=True, slots=True)
class Reservation:
    """What a job that waits will run on.

    Attributes
    ----------
    start, end
        Virtual times; the end is infinite for a job without a limit.
    allocation
        What the copy of the pool gave.
    masks
        The cores and GPUs of it.
    """

    start: float
    end: float
    allocation: Any
    masks: Masks

    def overlaps(self, start: float, end: float) -> bool:
        """Tell whether it is in force at any time from a start to an end."""
        return self.start < end and start < self.end


class ConservativeBackfill:
    """Each job starts when its reservation begins, and none is in the way of another's.

    Parameters
    ----------
    hopeful
        Tells of a job whether there can be room for it beside the jobs that do not end by a time, by their ids of those
        that do; None asks the pool each time.

    Notes
    -----
    What no R names, such as amounts that jobs share of a node, is not reserved. A reservation that cannot begin at its
    time, as nodes went down or a running job was given more time, is made anew. A job for which no known end makes room
    has none, and nothing behind it starts. Each look costs, for each job that waits and each end before its
    reservation, a copy of the pool and a decision.
    """

    def __init__(self, hopeful: Callable[[int, Iterable[int]], bool] | None = None) -> None:
        self._hopeful = hopeful
        self._plan: dict[int, Reservation] = {}
        self._seen: object = None

    def schedule(self, scheduler: Scheduler) -> Iterator[None]:
        """Start the jobs whose time has come, and give those that wait the earliest reservations there are."""
        waiting = sorted(scheduler.queue)
        self._keep_to(waiting, scheduler.clock())
        # Without an end, nothing has become free that was not before: only jobs that came have to be looked at.
        moved = self._seen != scheduler.resources.generation
        gone = set()
        unknown = False
        for job in waiting:
            planned = self._plan.get(job.jobid)
            due = planned is not None and planned.start <= scheduler.clock()
            # Behind a job of which nothing is known, nothing but what is due is known to be in no one's way.
            if not due and (unknown or (planned is not None and not moved)):
                continue
            if self._starts(scheduler, job):
                gone.add(job.jobid)
                self._plan.pop(job.jobid, None)
                yield
                continue
            self._plan_ahead(scheduler, job)
            unknown = unknown or job.jobid not in self._plan
        self._seen = scheduler.resources.generation
        scheduler.queue = [job for job in scheduler.queue if job.jobid not in gone]
        heapq.heapify(scheduler.queue)
        for job in scheduler.queue:
            planned = self._plan.get(job.jobid)
            _tell(job, planned.start if planned is not None else None)

    def _keep_to(self, waiting: list[PendingJob], now: float) -> None:
        """Forget the reservations of jobs that wait no more."""
        ids = {job.jobid for job in waiting}
        self._plan = {job: planned for job, planned in self._plan.items() if job in ids}
        if any(planned.start < now for planned in self._plan.values()):
            # The machine is not what it was taken to be: all reservations begin anew, in the order of the queue.
            self._plan.clear()
            self._seen = None

    # -- now ------------------------------------------------------------------------------------------------------

    def _starts(self, scheduler: Scheduler, job: PendingJob) -> bool:
        """Start a job where that delays no other; tell whether it is out of the queue."""
        planned = self._plan.get(job.jobid)
        now = scheduler.clock()
        others = self._others(job, now)

        def keeps_off(given: Any) -> bool:
            return not _meet(_masks(given.to_dict()), others)

        if scheduler.try_alloc(job, keeps_off):
            return True
        if planned is not None and planned.start <= now:
            if _meet(planned.masks, _held_or_down(scheduler)):
                del self._plan[job.jobid]
                return False
            scheduler.take(job, planned.allocation)
            return True
        if others and scheduler.answer == "placed":
            # There is room, but not where the pool took it: it is asked again beside what is reserved.
            found = self._reserve(scheduler, job, now, others)
            if found is not None:
                scheduler.take(job, found.allocation)
                return True
        return False

    # -- later ----------------------------------------------------------------------------------------------------

    def _plan_ahead(self, scheduler: Scheduler, job: PendingJob) -> None:
        """Give a job that waits the earliest reservation there is, no later than the one that it has."""
        planned = self._plan.get(job.jobid)
        latest = planned.start if planned is not None else float("inf")
        now = scheduler.clock()
        running = {end for _, end in scheduler.resources.job_end_times()}
        ends = running | {other.end for jobid, other in self._plan.items() if jobid != job.jobid}
        for time in sorted(end for end in ends if now < end < latest):
            found = self._reserve(scheduler, job, time, self._others(job, time))
            if found is not None:
                self._plan[job.jobid] = found
                return

    def _others(self, job: PendingJob, start: float) -> dict[int, tuple[int, int]]:
        """Return what other jobs have reserved while a job would run that starts at a time."""
        end = _end(job, start)
        found: dict[int, tuple[int, int]] = {}
        for jobid, planned in self._plan.items():
            if jobid != job.jobid and planned.overlaps(start, end):
                for rank, (cores, gpus) in planned.masks.items():
                    had = found.get(rank, (0, 0))
                    found[rank] = had[0] | cores, had[1] | gpus
        return found

    def _reserve(self, scheduler: Scheduler, job: PendingJob, start: float, others: Masks) -> Reservation | None:
        """Return where a job can run from a time on, beside what others have reserved; None where it cannot."""
        ends = scheduler.resources.job_end_times()
        over = {jobid for jobid, end in ends if 0 < end <= start}
        if self._hopeful is not None and not self._hopeful(job.jobid, over):
            return None
        pool = scheduler.resources.copy()
        for jobid in over:
            pool.free(jobid)
        _block(pool, others)
        try:
            given = pool.alloc(job.jobid, job.resource_request)
        except (InsufficientResources, InfeasibleRequest):
            return None
        return Reservation(start, _end(job, start), given, _masks(given.to_dict()))

    def forecast(self, scheduler: Scheduler) -> None:
        """Do nothing: the reservations are the forecast."""

    def expiration(self, scheduler: Scheduler, jobid: int, expiration: float) -> None:
        """Keep the pool's end times right, and make all reservations anew, as they rest on them."""
        scheduler.resources.update_expiration(jobid, expiration)
        self._plan.clear()
        self._seen = None


def _end(job: PendingJob, start: float) -> float:
    duration: float = job.resource_request.duration
    return start + duration if duration > 0 else float("inf")


def _tell(job: PendingJob, estimate: float | None) -> None:
    if job.estimate != estimate:
        job.estimate = estimate
        job.request.annotate({"sched": {"t_estimate": estimate}})


def _masks(resources: R) -> dict[int, tuple[int, int]]:
    return {rank: (cores, gpus) for rank, cores, gpus in pieces(resources)}


def _meet(one: Masks, other: Masks) -> bool:
    """Tell whether any core or GPU is in both."""
    return any(cores & other[rank][0] or gpus & other[rank][1] for rank, (cores, gpus) in one.items() if rank in other)


def _held_or_down(scheduler: Scheduler) -> dict[int, tuple[int, int]]:
    found = _masks(scheduler.resources.copy_allocated().to_dict())
    for rank, (cores, gpus) in _masks(scheduler.resources.copy_down().to_dict()).items():
        had = found.get(rank, (0, 0))
        found[rank] = had[0] | cores, had[1] | gpus
    return found


def _block(pool: Any, masks: Masks) -> None:
    """Let a copy of a pool have nothing of some resources, but for those that a job holds there."""
    held = _masks(pool.copy_allocated().to_dict()) if masks else {}
    entries = []
    for rank, (cores, gpus) in masks.items():
        had = held.get(rank, (0, 0))
        left = {"core": cores & ~had[0], "gpu": gpus & ~had[1]}
        children = {kind: mask_text(ids) for kind, ids in left.items() if ids}
        if children:
            entries.append({"rank": str(rank), "children": children})
    if entries:
        pool.register_alloc(_BLOCKER, ResourcePool({"version": 1, "execution": {"R_lite": entries}}))
