"""What every module has: a pool that is asked one thing at a time, a reactor that goes on, and annotations that hold.

The pool is asked in a thread; decisions are made on a copy, which the pool becomes when the job is started. While the
thread asks, nothing else touches the pool or its copies, as they share what they know: messages that need it wait for
the thread. All that is Flux's is touched in the reactor alone.
"""

from __future__ import annotations

import gc
import sys
import time
from collections import deque
from collections.abc import Callable, Generator, Mapping
from functools import partial
from typing import Any, TypeVar

from ....solver.cpsat.loading import load_solver
from ....solver.explain import Steps
from ..implementation import ExactPoolV1
from ..pool import ExactPool
from ..upstream import pool_class_from_uri
from .allowance import Allowance
from .said import Said
from .worker import Worker

T = TypeVar("T")

TICK = 0.004
"""Seconds that the reactor waits for the thread before it looks at its messages again."""

AHEAD = 0.3
"""Seconds of the processor that looking ahead may take, for all jobs of the queue together."""

Doing = Generator[None, None, T]
"""What gives way to the reactor at each yield."""


class Attentive:
    """The part that Flux's `Scheduler` is given; a class has this first and Flux's after it.

    Parameters
    ----------
    handle
        Flux's, of the module.
    arguments
        Those of Flux's module.

    Raises
    ------
    ValueError
        For a pool class that is not exactfit's.
    """

    pool_class: Any
    _queue: list[Any]
    _resources: Any
    log: Any

    def __init__(self, handle: Any, *arguments: str) -> None:
        super().__init__(handle, *arguments)  # type: ignore[call-arg]  # Flux's
        if self.pool_class is not None and not issubclass(self.pool_class, (ExactPool, ExactPoolV1)):
            raise ValueError(f"pool-class: {self.pool_class.__name__} is not exactfit's; Flux's own modules take it")
        self._deferred: deque[Callable[[], None]] = deque()
        self._worker = Worker(handle, self._catch_up)
        self._said = Said(self.log)
        self._allowance = Allowance()
        self._annotated: dict[int, dict[str, Any]] = {}
        self._refused: dict[int, tuple[int, Exception | str | None]] = {}
        """By job, in which generation of the pool it was refused, and why; as text once that was asked."""
        self._wake = handle.timer_watcher_create(0.0, self._look_again)
        self._wake_at = float("inf")
        self._longest = self._turned = 0.0

    def _make_pool(self, R: Any) -> ExactPool:
        """Make the pool of an R: of the class that was asked for, of R's writer, or of exactfit's plain one."""
        made = self.pool_class
        if made is None:
            scheduling = R.get("scheduling") if isinstance(R, Mapping) else None
            writer = scheduling.get("writer") if isinstance(scheduling, Mapping) else None
            made = pool_class_from_uri(str(writer))
            if not (isinstance(made, type) and issubclass(made, ExactPool)):
                made = ExactPool
        pool: ExactPool = made(R, log=self._said, **self.pool_kwargs)
        return pool

    pool_kwargs: dict[str, Any]

    @property
    def _impl(self) -> ExactPoolV1:
        impl: ExactPoolV1 = self._resources.impl
        return impl

    # -- one at a time --------------------------------------------------------------------------------------------

    def _in_turn(self, handle_it: Callable[[], None]) -> None:
        """Handle what needs the pool: now, or when the thread is done and all before it are handled."""
        if self._worker.last is None and not self._deferred:
            handle_it()
        else:
            self._deferred.append(handle_it)

    def _catch_up(self) -> None:
        self._said.pass_on()
        while self._deferred and self._worker.last is None:
            self._deferred.popleft()()

    def _free_pool(self) -> Doing[None]:
        """Give way until nobody asks the pool, and nothing waits to."""
        while self._deferred or self._worker.last is not None:
            if self._worker.last is not None:
                self._worker.last.wait(TICK)
            yield

    def _ask(self, question: Callable[[], T]) -> Doing[tuple[T, float]]:
        """Have the thread ask; return the answer, and the seconds of the processor that it took."""
        yield from self._free_pool()
        task = self._worker.start(question)
        while not task.wait(TICK):
            yield
        return task.answer

    def _do(self, steps: Steps[T]) -> Doing[tuple[T | None, float]]:
        """Have the thread do steps, one by one, as long as their time suffices; None where it does not."""
        spent = 0.0
        while spent < AHEAD:
            (ended, value), seconds = yield from self._ask(partial(_next, steps))
            spent += seconds
            if ended:
                return value, spent
        return None, spent

    # -- decisions ------------------------------------------------------------------------------------------------

    def _attempt(self, job: Any, **more: Any) -> Doing[bool]:
        """Do what Flux's `_try_alloc` does, with what is decided in the thread; tell whether the job waits no more."""
        yield from self._ask(self._impl.decided_elsewhere(job.jobid, job.resource_request))
        return self._tried(job, more)

    def _tried(self, job: Any, more: dict[str, Any]) -> bool:
        if job.request._finalized:
            return True
        handled: bool = self._try_alloc(job, **more)  # type: ignore[attr-defined]  # Flux's
        if handled:
            self._refused.pop(job.jobid, None)
        else:
            self._refused[job.jobid] = (self._impl.generation, self._impl.refusal)
        return handled

    # -- annotations ----------------------------------------------------------------------------------------------

    def _annotate(self, job: Any, **values: Any) -> None:
        """Say what is new of a job; None takes back what was said."""
        known = self._annotated.setdefault(job.jobid, {})
        new = {key: value for key, value in values.items() if known.get(key) != value}
        if new and not job.request._finalized:
            begin = time.thread_time()
            known.update(new)
            job.request.annotate({"sched": new})
            self._allowance.spend(time.thread_time() - begin)

    def _waiting(self) -> list[Any]:
        """Return the queue in order; nothing of it where its head was not tried yet, as it soon will be."""
        self._forget_others()
        jobs = sorted(self._queue)
        return jobs if jobs and jobs[0].jobid in self._refused else []

    def _forget_others(self) -> None:
        waiting = {job.jobid for job in self._queue}
        for of_jobs in (self._annotated, self._refused):
            for jobid in of_jobs.keys() - waiting:
                del of_jobs[jobid]

    def _reason(self, job: Any) -> Doing[str | None]:
        """Find out why a job does not fit now; None where it does, and where the time is short."""
        generation, why = self._refused.get(job.jobid, (-1, None))
        if generation != self._impl.generation or not (why is None or isinstance(why, str)):
            if self._allowance.left <= 0:
                self._come_back(self._allowance.until(0.01))
                return None
            yield from self._free_pool()
            current = generation == self._impl.generation
            question = partial(str, why) if current else self._impl.why_not(job.jobid, job.resource_request)
            generation = self._impl.generation
            why, seconds = yield from self._ask(question)
            self._allowance.spend(seconds)
            self._refused[job.jobid] = (generation, why)
        subject, _, sentence = (why or "").partition(": ")
        return sentence if sentence and " " not in subject else why or None

    def _holds(self, jobs: list[Any], generation: int) -> bool:
        """Tell whether nothing has changed: what is found out of another state is not said."""
        return generation == self._impl.generation and jobs == sorted(self._queue)

    def _come_back(self, seconds: float) -> None:
        """Look at the annotations again in so many seconds, or before."""
        seconds = min(max(seconds, 0.05), 3600.0)
        if time.monotonic() + seconds < self._wake_at:
            self._wake_at = time.monotonic() + seconds
            self._wake.reset(after=seconds)

    def _look_again(self, *_: object) -> None:
        self._wake_at = float("inf")
        self._request_forecast()  # type: ignore[attr-defined]  # Flux's

    def _tell_start(self, job: Any, start: float | None) -> None:
        self._annotate(job, t_estimate=start)
        if start is not None:
            # When the time is there and the job does not start, another holds what it needs for longer than it said.
            self._come_back(start - time.time() + 0.5)

    # -- what Flux calls ------------------------------------------------------------------------------------------

    def _sched_ready(self) -> None:
        """Before the first job, do what would keep the reactor from answering later.

        Loading CP-SAT and collecting garbage stop all threads: the first is done now, and what there is now is left out
        of all collections to come. A thread that computes gives way to the reactor after a fifth of Python's 5 ms.
        """
        load_solver()
        sys.setswitchinterval(0.001)
        gc.collect()
        gc.freeze()
        self._turned = time.process_time()
        super()._sched_ready()  # type: ignore[misc]  # Flux's

    def _handle_free(self, msg: Any) -> None:
        self._in_turn(partial(super()._handle_free, msg))  # type: ignore[misc]  # Flux's

    def _handle_resource_status(self, msg: Any) -> None:
        self._in_turn(partial(super()._handle_resource_status, msg))  # type: ignore[misc]

    def _handle_expiration(self, msg: Any) -> None:
        self._in_turn(partial(super()._handle_expiration, msg))  # type: ignore[misc]

    def _handle_feasibility(self, msg: Any) -> None:
        self._in_turn(partial(self._judge, msg, super()._handle_feasibility))  # type: ignore[misc]

    def _judge(self, msg: Any, then: Callable[[Any], None]) -> None:
        """Judge a jobspec beside the reactor; then Flux's handler, which comes next, finds the verdict known."""
        self._worker.start(self._impl.judged_elsewhere(msg.payload.get("jobspec", {})))
        self._deferred.appendleft(partial(then, msg))

    def _acquire_continuation(self, future: Any) -> None:
        self._in_turn(partial(super()._acquire_continuation, future))  # type: ignore[misc]

    def _on_sched_check(self, *arguments: Any) -> None:
        self._note_turn()
        super()._on_sched_check(*arguments)  # type: ignore[misc]
        self._note_turn()

    def _on_forecast_check(self, *arguments: Any) -> None:
        self._note_turn()
        super()._on_forecast_check(*arguments)  # type: ignore[misc]
        self._note_turn()

    def _note_turn(self) -> None:
        """Note how long the process worked since the reactor last had its turn, however busy the machine is."""
        now = time.process_time()
        self._longest = max(self._longest, now - self._turned)
        self._turned = now

    def stats_get(self) -> dict[str, Any]:
        """Return Flux's statistics, with the time that annotations took, and the most work between two turns."""
        stats: dict[str, Any] = super().stats_get()  # type: ignore[misc]
        return {
            **stats,
            "annotation_seconds": self._allowance.spent,
            "longest_silence": self._longest,
            "process_seconds": time.process_time(),
        }


def _next(steps: Steps[T]) -> tuple[bool, T | None]:
    """Do one step; tell whether it was the last, and what they came to."""
    try:
        next(steps)
    except StopIteration as end:
        return True, end.value
    return False, None
