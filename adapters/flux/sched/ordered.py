"""The two orders of a queue that Flux's modules know, as they are there but for what is told of those that wait."""

from __future__ import annotations

import heapq
import time
from typing import Any

from flux.job import JobID
from flux.resource import InfeasibleRequest

from ....solver.explain import Start, finding_start, forecasting
from ..requests import solver_request
from .attentive import Attentive, Doing


class Fifo(Attentive):
    """Strict order, by priority and age: no job starts before one that stands ahead of it."""

    def schedule(self) -> Doing[None]:
        """Start jobs from the head of the queue until one does not fit."""
        while self._queue:
            job = self._queue[0]
            if not (yield from self._attempt(job)):
                return
            _remove(self._queue, job)
            yield

    def forecast(self) -> Doing[None]:
        """Tell each job why it waits, and when it starts if every job runs as long as it may."""
        jobs, generation = self._waiting(), self._impl.generation
        for job in jobs:
            # Which others these are changes with every start, and each change would be a message for each job.
            reason = (yield from self._reason(job)) if job is jobs[0] else "behind others in the queue"
            if not self._holds(jobs, generation):
                return
            self._annotate(job, reason_pending=reason)
            yield
        if not jobs:
            return
        starts = yield from self._starts(jobs)
        if self._holds(jobs, generation):
            for job in jobs:
                start = starts.get(job.jobid)
                self._tell_start(job, None if start is None else start.time)

    def _starts(self, jobs: list[Any]) -> Doing[dict[int, Start]]:
        starts: dict[int, Start] = {}
        if self._allowance.left <= 0:
            self._come_back(self._allowance.until(0.01))
            return starts
        queue = [(job.jobid, solver_request(job.resource_request)) for job in jobs]
        _, seconds = yield from self._do(forecasting(self._impl.core, queue, time.time(), starts))
        self._allowance.spend(seconds)
        return starts


class Backfill(Attentive):
    """Others start before the first job that does not fit, where they end before it can start."""

    _shadow: tuple[object, float | None] = (None, None)

    def schedule(self) -> Doing[None]:
        """Start the head of the queue, or what does not delay it."""
        while self._queue:
            head = self._queue[0]
            if not (yield from self._attempt(head)):
                break
            _remove(self._queue, head)
            yield
        if not self._queue:
            return
        shadow = yield from self._reserved(head)
        for job in sorted(self._queue)[1:]:
            duration = job.resource_request.duration
            if (
                shadow is not None
                and 0 < duration <= shadow - time.time()
                and (yield from self._attempt(job, backfill=head.jobid))
            ):
                _remove(self._queue, job)
            yield

    def _reserved(self, head: Any) -> Doing[float | None]:
        """Return when the head of the queue can start at the latest; None where no end that is known lets it."""
        key = (self._impl.generation, head.jobid)
        if self._shadow[0] != key:
            steps = finding_start(self._impl.core, solver_request(head.resource_request), time.time())
            try:
                start, _ = yield from self._do(steps)
            except InfeasibleRequest:
                start = None
            self._shadow = (key, start)
        start = self._shadow[1]
        return None if start is None else max(start, time.time())

    def forecast(self) -> Doing[None]:
        """Tell each job why it waits, and the head when it starts."""
        jobs, generation = self._waiting(), self._impl.generation
        for job in jobs:
            reason = yield from self._reason(job)
            start = None
            if job is jobs[0] and self._allowance.left > 0:
                start = yield from self._reserved(job)
            if not self._holds(jobs, generation):
                return
            if job is not jobs[0] and reason is None:
                reason = self._why_behind(job, JobID(jobs[0].jobid).f58)
            self._annotate(job, reason_pending=reason)
            self._tell_start(job, start)
            yield

    def _why_behind(self, job: Any, head: str) -> str | None:
        """Say why a job that fits waits; None where it is not known whether it fits."""
        if self._refused.get(job.jobid) != (self._impl.generation, None):
            return None
        if not job.resource_request.duration:
            return f"it does not say how long it runs, and {head} ahead of it waits"
        if self._shadow[1] is None:
            return f"it is not known when {head} ahead of it starts"
        return f"it would run past the time at which {head} ahead of it starts"


def _remove(queue: list[Any], job: Any) -> None:
    """Take a job out of a heap, if it is there still."""
    for place, other in enumerate(queue):
        if other is job:
            del queue[place]
            heapq.heapify(queue)
            return
