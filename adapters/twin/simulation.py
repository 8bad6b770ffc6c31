"""The job manager, the resource module and the clock around a scheduler: runs jobs through it in virtual time."""

from __future__ import annotations

import heapq
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...grammar.idset import IdSet
from .batches import partial, ranks_of
from .events import (
    Cancel,
    Down,
    Event,
    EventQueue,
    Extend,
    Finish,
    Prioritize,
    Release,
    Reload,
    Shrink,
    Submit,
    Up,
)
from .jobs import Job, LateR, Outcome, R, expiration_of
from .observers import Observer
from .policies import Fifo
from .scheduler import Log, Policy, Scheduler


@dataclass(frozen=True, slots=True)
class Housekeeping:
    """What happens on a job's nodes after it ended.

    Attributes
    ----------
    batch
        How many ranks are returned at a time.
    seconds
        How long each batch takes.
    """

    batch: int
    seconds: float


class Simulation:
    """A Flux instance in virtual time.

    Parameters
    ----------
    pool_class
        As ``pool-class=`` names it; None: by ``scheduling.writer``, else Flux's default.
    resources
        The instance's R.
    policy
        Makes a policy for each load of the scheduler; FIFO by default.
    queue_depth
        How many alloc requests the job manager has open at a time, 8 as sched-fifo asks for; None: no limit.
    housekeeping
        What happens on nodes after a job; None: they are returned at once.
    forecast
        Whether the policy's forecasts run; they decide nothing, so a study may leave them out.
    observers
        Who is told what happens.
    log, pool_kwargs
        For the pool class.
    settled, brief
        As the `Scheduler` has them. Where it is brief, jobs that are over are forgotten as well.

    Attributes
    ----------
    now
        Virtual time, in seconds; above zero from the start, as times of 0 stand for "none" in Flux.
    jobs
        What became of each job, by id.
    decisions
        Seconds and answer of each decision, over all loads of the scheduler.
    """

    def __init__(
        self,
        pool_class: type | None,
        resources: R,
        *,
        policy: Callable[[], Policy] = Fifo,
        queue_depth: int | None = 8,
        housekeeping: Housekeeping | None = None,
        forecast: bool = True,
        observers: Sequence[Observer] = (),
        log: Log | None = None,
        pool_kwargs: Mapping[str, Any] | None = None,
        settled: Callable[[int], bool] | None = None,
        brief: bool = False,
        start: float = 1.0,
    ) -> None:
        self.now = start
        self.jobs: dict[int, Outcome] = {}
        self.decisions: list[tuple[float, str]] = []
        self.resources = resources
        self._events = EventQueue()
        self._up = ranks_of(resources)
        self._pending: list[tuple[int, int]] = []
        self._open: set[int] = set()
        self._holding: dict[int, Outcome] = {}
        self._queue_depth = queue_depth
        self._housekeeping = housekeeping
        self._forecast = forecast
        self._observers = observers
        self._brief = brief
        self._load: Callable[[], Scheduler] = lambda: Scheduler(
            pool_class, policy(), lambda: self.now, log, pool_kwargs, settled, brief=brief
        )
        self.scheduler = self._load()
        self.scheduler.acquire(resources, str(self._up))

    # Running it.

    def at(self, time: float, event: Event) -> None:
        """Let an event happen at a time, now if that is past."""
        self._events.put(max(time, self.now), event)

    def submit(self, jobs: Iterable[tuple[float, Job]]) -> None:
        """Let jobs be submitted at their times."""
        for time, job in jobs:
            self.at(time, Submit(job))

    def begin(self, jobs: Iterable[tuple[Job, R]]) -> None:
        """Let jobs run from now on with what they hold, until they have run, or their R expires.

        Raises
        ------
        ValueError
            For one that the pool does not take.
        """
        for job, resources in jobs:
            if not self.scheduler.hello(job.id, resources):
                self.scheduler.adopt(job.id, resources)
            outcome = self.jobs[job.id] = Outcome(job, self.now, job.priority)
            self._started(outcome, resources)

    def stream(self, jobs: Iterator[tuple[float, Job]]) -> None:
        """Let jobs be submitted at their times, which ascend; each is asked for when the one before has come."""
        for time, job in jobs:
            self.at(time, Submit(job, jobs))
            return

    def run(self, until: float = float("inf")) -> None:
        """Let events happen until a time, or until there are none left.

        Events of one time happen before the scheduler runs, as its timer merges what arrives together.
        """
        while (time := self._events.next_time()) is not None and time <= until:
            self.now = time
            while self._events.next_time() == time:
                self._happen(self._events.take()[1])
            self._feed()
            # A pass that starts jobs makes room for more alloc requests, and those call for another pass.
            while self.scheduler.queue:
                self.scheduler.run_pass(self._forecast)
                if not self._feed():
                    break
        if until != float("inf"):
            self.now = max(self.now, until)
        self.decisions += self.scheduler.decisions
        self.scheduler.decisions = []

    def waiting(self) -> list[Outcome]:
        """Return the jobs that are neither started nor denied nor cancelled."""
        return [o for o in self.jobs.values() if o.started is None and o.denied is None and o.ended is None]

    def running(self) -> list[Outcome]:
        """Return the jobs that hold resources."""
        return list(self._holding.values())

    # What happens.

    def _happen(self, event: Event) -> None:
        match event:
            case Submit(job, others):
                self._submitted(job, others)
            case Finish(jobid, started):
                outcome = self.jobs[jobid]
                if outcome.ended is None and outcome.started == started and self._end_of(outcome) <= self.now:
                    self._end(outcome)
            case Release(jobid, ranks):
                self._release(self.jobs[jobid], ranks)
            case Cancel(jobid):
                self._cancel(self.jobs[jobid])
            case Prioritize(jobid, priority):
                self._prioritize(jobid, priority)
            case Extend(jobid, expiration):
                self._extend(self.jobs[jobid], expiration)
            case Up(ranks):
                self._up |= IdSet.parse(ranks)
                self.scheduler.resource_update(up=ranks)
            case Down(ranks):
                self._up -= IdSet.parse(ranks)
                self.scheduler.resource_update(down=ranks)
            case Shrink(ranks):
                self._up -= IdSet.parse(ranks)
                self.resources = partial(self.resources, ranks_of(self.resources) - IdSet.parse(ranks))
                self.scheduler.resource_update(shrink=ranks)
            case Reload():
                self.reload()

    def _submitted(self, job: Job, others: Iterator[tuple[float, Job]] | None) -> None:
        if others is not None:
            self.stream(others)
        self.jobs[job.id] = Outcome(job, self.now, job.priority)
        heapq.heappush(self._pending, (-job.priority, job.id))

    def reload(self) -> None:
        """Unload the scheduler and load it anew: every job that holds resources is registered from its R."""
        self.decisions += self.scheduler.decisions
        for jobid in self._open:
            heapq.heappush(self._pending, (-self.jobs[jobid].priority, jobid))
        self._open.clear()
        self.scheduler = self._load()
        self.scheduler.acquire(self.resources, "")
        for jobid, outcome in list(self._holding.items()):
            stored = json.loads(json.dumps(outcome.resources))
            if not self.scheduler.hello(jobid, stored, str(IdSet.of(outcome.released))):
                outcome.denied = "failed to reallocate R for running job"
                outcome.ended = self.now
                outcome.resources = {}
                del self._holding[jobid]
        self.scheduler.resource_update(up=str(self._up))

    def _feed(self) -> bool:
        """Open alloc requests for the first of the pending jobs, as many as the scheduler wants; tell if any."""
        fed = False
        while self._pending and (self._queue_depth is None or len(self._open) < self._queue_depth):
            _, jobid = heapq.heappop(self._pending)
            outcome = self.jobs[jobid]
            if outcome.ended is not None:
                continue
            self._open.add(jobid)
            fed = True
            request = _Request(self, outcome)
            self.scheduler.alloc(request, jobid, outcome.priority, outcome.submitted, outcome.job.jobspec)
        return fed

    def _cancel(self, outcome: Outcome) -> None:
        if outcome.ended is not None or outcome.denied is not None:
            return
        if outcome.started is not None:
            self._end(outcome)
            return
        outcome.ended = self.now
        if outcome.job.id in self._open:
            self.scheduler.cancel(outcome.job.id)

    def _prioritize(self, jobid: int, priority: int) -> None:
        self.jobs[jobid].priority = priority
        if jobid in self._open:
            self.scheduler.prioritize({jobid: priority})
        else:
            self._pending = [(-self.jobs[waiting].priority, waiting) for _, waiting in self._pending]
            heapq.heapify(self._pending)

    def _extend(self, outcome: Outcome, expiration: float) -> None:
        if outcome.started is None or outcome.ended is not None:
            return
        execution = {**outcome.resources["execution"], "expiration": expiration}
        outcome.resources = {**outcome.resources, "execution": execution}
        self.scheduler.expiration(outcome.job.id, expiration)
        self.at(self._end_of(outcome), Finish(outcome.job.id, outcome.started))

    # The life of a job that got resources.

    def _started(self, outcome: Outcome, resources: R) -> None:
        self._open.discard(outcome.job.id)
        self._holding[outcome.job.id] = outcome
        outcome.started = self.now
        outcome.resources = resources
        for observer in self._observers:
            observer.started(outcome)
        end = self._end_of(outcome)
        if end != float("inf"):
            self.at(end, Finish(outcome.job.id, self.now))

    def _end_of(self, outcome: Outcome) -> float:
        assert outcome.started is not None
        expiration = expiration_of(outcome.resources)
        natural = outcome.started + outcome.job.runtime
        return min(natural, expiration) if expiration > 0 else natural

    def _end(self, outcome: Outcome) -> None:
        outcome.ended = self.now
        for observer in self._observers:
            observer.ended(outcome)
        if self._housekeeping is None:
            self._release(outcome, ())
            return
        ranks = list(ranks_of(outcome.resources))
        time = self.now
        while len(ranks) > self._housekeeping.batch:
            time += self._housekeeping.seconds
            batch, ranks = ranks[: self._housekeeping.batch], ranks[self._housekeeping.batch :]
            self.at(time, Release(outcome.job.id, tuple(batch)))
        self.at(time + self._housekeeping.seconds, Release(outcome.job.id))

    def _release(self, outcome: Outcome, ranks: tuple[int, ...]) -> None:
        if not outcome.holds:
            return
        if isinstance(outcome.resources, LateR) and not ranks and not outcome.released:
            self._returned(outcome, outcome.resources, final=True)
            return
        left = ranks_of(outcome.resources) - IdSet.of(outcome.released)
        freed = IdSet.of(ranks) if ranks else left
        part = outcome.resources if freed == ranks_of(outcome.resources) else partial(outcome.resources, freed)
        self._returned(outcome, part, final=not ranks)
        outcome.released.update(freed)

    def _returned(self, outcome: Outcome, part: R, *, final: bool) -> None:
        self.scheduler.free(outcome.job.id, part, final)
        for observer in self._observers:
            observer.freed(outcome, part)
        if final:
            outcome.resources = {}
            del self._holding[outcome.job.id]
            self._forget(outcome.job.id)

    def _denied(self, outcome: Outcome, note: str) -> None:
        self._open.discard(outcome.job.id)
        outcome.denied = note
        for observer in self._observers:
            observer.denied(outcome)
        self._forget(outcome.job.id)

    def _forget(self, jobid: int) -> None:
        if self._brief:
            del self.jobs[jobid]


class _Request:
    """The job manager's end of one alloc request."""

    __slots__ = ("_outcome", "_simulation")

    def __init__(self, simulation: Simulation, outcome: Outcome) -> None:
        self._simulation = simulation
        self._outcome = outcome

    def success(self, resources: R, annotations: dict[str, Any]) -> None:
        """Let the job start with these resources."""
        self.annotate(annotations)
        self._simulation._started(self._outcome, resources)

    def deny(self, note: str) -> None:
        """Let the job fail for good."""
        self._simulation._denied(self._outcome, note)

    def cancel(self) -> None:
        """Withdraw the request."""
        self._simulation._open.discard(self._outcome.job.id)

    def annotate(self, annotations: dict[str, Any]) -> None:
        """Keep the scheduler's annotations."""
        self._outcome.annotations.update(annotations)
