"""The scheduler module around one pool, as `flux.scheduler.Scheduler` is: the same calls on the pool in the same order.

What a broker brings to Flux's class as messages comes here as method calls, and its answers go to an `AllocRequest`.
The clock is virtual: a pool that dates a job's end by the machine's clock is told the virtual end after each decision.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from ...solver.cpsat.loading import clock
from ..flux.upstream import IDset, InfeasibleRequest, InsufficientResources, ResourcePool, pool_class_from_uri
from .jobs import LateR

Log = Callable[[int, str], None]
"""What a pool logs with: syslog priority and message."""


class AllocRequest(Protocol):
    """The job manager's end of one alloc request."""

    def success(self, resources: Mapping[str, Any], annotations: dict[str, Any]) -> None:
        """Answer that the job gets these resources."""

    def deny(self, note: str) -> None:
        """Answer that the job can never run."""

    def cancel(self) -> None:
        """Answer that the request is withdrawn."""

    def annotate(self, annotations: dict[str, Any]) -> None:
        """Tell something about a job that waits."""


class Policy(Protocol):
    """What a scheduler module decides: who is tried next, and what is foretold."""

    def schedule(self, scheduler: Scheduler) -> Iterator[None]:
        """Start what can start, yielding after each job."""

    def forecast(self, scheduler: Scheduler) -> Iterator[None] | None:
        """Annotate jobs that wait with their estimated start, yielding after each; None where it never does."""

    def expiration(self, scheduler: Scheduler, jobid: int, expiration: float) -> None:
        """Take note of a running job's new expiration."""


class PendingJob:
    """A job in the scheduler's queue, ordered by priority, higher first, then by id."""

    __slots__ = ("estimate", "jobid", "priority", "request", "resource_request", "t_submit")

    def __init__(
        self, jobid: int, priority: int, t_submit: float, request: AllocRequest, resource_request: Any
    ) -> None:
        self.jobid = jobid
        self.priority = priority
        self.t_submit = t_submit
        self.request = request
        self.resource_request = resource_request
        self.estimate: float | None = None

    def __lt__(self, other: PendingJob) -> bool:
        return (-self.priority, self.jobid) < (-other.priority, other.jobid)


class Scheduler:
    """One run of the scheduler module, from load to unload.

    Parameters
    ----------
    pool_class
        As ``pool-class=`` names it; None: by ``scheduling.writer``, else Flux's default.
    policy
        Who is tried next.
    clock
        Returns the virtual time.
    log
        What pools log with.
    pool_kwargs
        Keyword arguments for the pool class.
    settled
        Tells of a job, by its id, that it was refused and that nothing has changed that the refusal rests on: the pool
        is not asked again. Flux asks.
    brief
        Whether jobs get no summary of what they hold, R is written when it is read, and what comes back whole comes
        back without R. Flux does all of that; no job starts at another time without.

    Attributes
    ----------
    resources
        The pool.
    queue
        A heap of `PendingJob`.
    decisions
        Seconds of each call of alloc on the pool (not on copies), with the answer: "placed", "later" or "never"; not
        kept where all is brief.
    answer
        Of the last job that was tried; None where the pool was not asked.
    """

    def __init__(
        self,
        pool_class: type | None,
        policy: Policy,
        clock: Callable[[], float],
        log: Log | None = None,
        pool_kwargs: Mapping[str, Any] | None = None,
        settled: Callable[[int], bool] | None = None,
        *,
        brief: bool = False,
    ) -> None:
        self.settled = settled
        self.brief = brief
        self.pool_class = pool_class
        self.policy = policy
        self.clock = clock
        self.log = log if log is not None else _silent
        self.pool_kwargs = dict(pool_kwargs or {})
        self.resources: Any = None
        self.queue: list[PendingJob] = []
        self.decisions: list[tuple[float, str]] = []
        self.answer: str | None = None

    # What comes from the resource module.

    def acquire(self, resources: Mapping[str, Any], up: str) -> None:
        """Make the pool of the instance's R; ``up`` are the ranks (RFC 22 text) that are up."""
        self.resources = self.make_pool(resources)
        known: frozenset[str] = getattr(self.resources.impl, "known_options", frozenset())
        for key in [key for key in self.pool_kwargs if key not in known]:
            self.log(4, f"pool: ignoring unknown option {key!r}")
            del self.pool_kwargs[key]
        self.resources.mark_down("all")
        self.resource_update(up=up)

    def resource_update(
        self, up: str | None = None, down: str | None = None, expiration: float = -1.0, shrink: str | None = None
    ) -> None:
        """Apply what the resource module reports: ranks up, ranks down, a new expiration, ranks gone."""
        if up is not None:
            self.resources.mark_up(up)
        if down is not None:
            self.resources.mark_down(down)
        if expiration >= 0:
            self.resources.expiration = expiration
        if shrink is not None:
            self.resources.remove_ranks(IDset(shrink))

    def make_pool(self, resources: Mapping[str, Any]) -> Any:
        """Make a pool of an R, the instance's or a job's, by the class that Flux would take."""
        if self.pool_class is not None:
            return self.pool_class(resources, log=self.log, **self.pool_kwargs)
        scheduling = resources.get("scheduling")
        if scheduling is not None:
            pool_class = pool_class_from_uri(scheduling.get("writer", "fluxion"))
            if pool_class is not None:
                return pool_class(resources, log=self.log, **self.pool_kwargs)
        return ResourcePool(resources, log=self.log, **self.pool_kwargs)

    # What comes from the job manager.

    def hello(self, jobid: int, resources: Mapping[str, Any], free: str = "") -> bool:
        """Register a job that ran before the scheduler was loaded.

        Parameters
        ----------
        resources
            The job's R, as the scheduler's predecessor gave it.
        free
            Ranks (RFC 22 text) that the job has returned since.

        Returns
        -------
        bool
            Whether the pool took it; Flux raises a fatal exception on the job where not.
        """
        if free:
            trimmed = self.make_pool(resources)
            trimmed.remove_ranks(IDset(free))
            resources = trimmed.to_dict()
        try:
            self.resources.register_alloc(jobid, self.make_pool(resources))
        except Exception as fault:  # as Flux does: whatever it is, the job pays for it
            self.log(3, f"hello callback failed for job {jobid}: {fault}")
            return False
        return True

    def adopt(self, jobid: int, resources: Mapping[str, Any]) -> None:
        """Register a job that another scheduler placed, by what it holds; a class may ask for more of an R of its own.

        Raises
        ------
        ValueError
            The pool does not take it.
        """
        self.resources.register_alloc(jobid, ResourcePool({"version": 1, "execution": resources["execution"]}))

    def alloc(
        self, request: AllocRequest, jobid: int, priority: int, t_submit: float, jobspec: Mapping[str, Any]
    ) -> None:
        """Put a job into the queue; one that the pool cannot parse is denied."""
        try:
            resource_request = self.resources.parse_resource_request(jobspec)
        except Exception as fault:  # as Flux does: a jobspec is a user's
            self.log(3, f"alloc: cannot parse jobspec for {jobid}: {fault}")
            request.deny(f"cannot parse jobspec: {fault}")
            return
        heapq.heappush(self.queue, PendingJob(jobid, priority, t_submit, request, resource_request))

    def free(self, jobid: int, resources: Mapping[str, Any], final: bool) -> None:
        """Take back resources of a job that ended."""
        if isinstance(resources, LateR) and final:
            self.resources.free(jobid)
        else:
            self.resources.free(jobid, ResourcePool(resources), final)

    def cancel(self, jobid: int) -> None:
        """Take a waiting job out of the queue."""
        for place, job in enumerate(self.queue):
            if job.jobid == jobid:
                del self.queue[place]
                heapq.heapify(self.queue)
                job.request.cancel()
                return

    def prioritize(self, priorities: Mapping[int, int]) -> None:
        """Give waiting jobs other priorities."""
        for job in self.queue:
            job.priority = priorities.get(job.jobid, job.priority)
        heapq.heapify(self.queue)

    def expiration(self, jobid: int, expiration: float) -> None:
        """Take note of a running job's new expiration, where the policy cares."""
        self.policy.expiration(self, jobid, expiration)

    def status(self) -> dict[str, Any]:
        """Return what ``flux resource list`` gets, through JSON as a message would take it."""
        answer = {
            "all": self.resources.to_dict(),
            "allocated": self.resources.copy_allocated().to_dict(),
            "down": self.resources.copy_down().to_dict(),
        }
        parsed: dict[str, Any] = json.loads(json.dumps(answer))
        return parsed

    def feasibility(self, jobspec: Mapping[str, Any]) -> None:
        """Check at submission whether a job can ever run; raises what the pool raises."""
        self.resources.check_feasibility(self.resources.parse_resource_request(jobspec))

    # Decisions.

    def is_settled(self, job: PendingJob) -> bool:
        """Tell whether the pool refused a job, and need not be asked again."""
        return self.settled is not None and self.settled(job.jobid)

    def try_alloc(self, job: PendingJob, accept: Callable[[Any], bool] | None = None) -> bool:
        """Decide one job now; return whether it is out of the queue: it got resources, or is denied.

        Parameters
        ----------
        job
            Of the queue.
        accept
            Told what the pool gave; where it says no, the pool takes it back and the job waits on.
        """
        self.answer = None
        if self.is_settled(job):
            return False
        request = job.resource_request
        begin = clock()
        try:
            allocation = self.resources.alloc(job.jobid, request)
        except InsufficientResources:
            self._note(begin, "later")
            return False
        except InfeasibleRequest as refusal:
            self._note(begin, "never")
            job.request.deny(str(refusal) or "unsatisfiable request")
            return True
        self._note(begin, "placed")
        if accept is not None and not accept(allocation):
            self.resources.free(job.jobid)
            return False
        self._give(job, allocation)
        return True

    def _note(self, begin: float, answer: str) -> None:
        self.answer = answer
        if not self.brief:
            self.decisions.append((clock() - begin, answer))

    def take(self, job: PendingJob, allocation: Any) -> None:
        """Start a job on what a copy of the pool gave it, which is free."""
        self.resources.register_alloc(job.jobid, allocation)
        self._give(job, allocation)

    def _give(self, job: PendingJob, allocation: Any) -> None:
        duration = job.resource_request.duration
        now = self.clock()
        allocation.set_starttime(now)
        end = now + duration if duration > 0 else self.resources.expiration
        if end > 0:
            allocation.set_expiration(end)
        if self.brief:
            job.request.success(LateR(allocation), {})
        else:
            summary = allocation.dumps()
            job.request.success(allocation.to_dict(), {"sched": {"resource_summary": summary}})
        self.resources.update_expiration(job.jobid, end)

    def run_pass(self, forecast: bool = True) -> None:
        """Run one pass of the policy to its end, and a forecast after it."""
        if not self.queue:
            return
        for _ in self.policy.schedule(self):
            pass
        if forecast and self.queue:
            for _ in self.policy.forecast(self) or ():
                pass


def _silent(_level: int, _message: str) -> None:
    pass
