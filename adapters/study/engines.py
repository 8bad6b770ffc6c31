"""Runs tasks on an engine with the interface of `concurrent.futures`, and sees to it that a lost worker loses nothing.

- ``local``: processes on this machine.
- ``dask://host:port``: a Dask cluster that runs already (``pip install 'exactfit[dask]'``).
- ``flux``: jobs of the Flux instance around us (`flux_engine`); all nodes must see the study's folder.
"""

from __future__ import annotations

import json
import multiprocessing
import multiprocessing.context
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, ProcessPoolExecutor, wait
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

from .engine import MOST_ATTEMPTS, Engine, EngineError
from .estimate import Forecast, briefly, first_of_each, without_end
from .run import run_task
from .store import Store
from .task import Result, Task

_OURS = __name__.partition(".")[0]
LOCAL, FLUX, DASK = "local", "flux", "dask://"


class Processes:
    """Processes on this machine, each with one task at a time.

    Parameters
    ----------
    workers
        How many; 0: one for each core that we may use.
    store
        Where they write their tables; None: these come back with the results.
    """

    def __init__(self, workers: int = 0, store: Store | None = None) -> None:
        self._store = store
        self.workers = workers or _cores()
        self._executor = self._make()

    def _make(self) -> Executor:
        return ProcessPoolExecutor(self.workers, mp_context=_start())

    def submit(self, task: Task) -> Future[Any]:
        """Let a task be run."""
        try:
            into = str(self._store.scratch(task.key)) if self._store is not None else None
            return self._executor.submit(run_task, task.to_json(), into)
        except BrokenExecutor as fault:
            # A process died since the last result came; whoever waits for this one is told the same way.
            failed: Future[Any] = Future()
            failed.set_exception(fault)
            return failed

    def close(self, *, at_once: bool) -> None:
        """Let go of the processes."""
        if at_once:
            for process in list((getattr(self._executor, "_processes", None) or {}).values()):
                process.terminate()
        self._executor.shutdown(wait=not at_once, cancel_futures=True)

    def lost(self, fault: BaseException) -> bool:
        """Make new processes where one has died, which breaks all of a pool of processes."""
        if not isinstance(fault, BrokenExecutor):
            return False
        if getattr(self._executor, "_broken", False):
            self._executor.shutdown(wait=False, cancel_futures=True)
            self._executor = self._make()
        return True


class Dask:
    """A Dask cluster that runs already.

    Parameters
    ----------
    address
        ``host:port`` of its scheduler.
    """

    def __init__(self, address: str) -> None:
        try:
            distributed: Any = import_module("distributed")
        except ImportError:
            raise EngineError("the engine dask needs Dask: pip install 'exactfit[dask]'") from None
        try:
            self._client: Any = distributed.Client(f"tcp://{address}", timeout=10)
        except (OSError, ValueError, TimeoutError) as fault:
            raise EngineError(f"no Dask scheduler at {address}: {fault}") from None
        self._executor: Executor = self._client.get_executor(pure=False, retries=MOST_ATTEMPTS)
        self.workers = max(1, sum(self._client.nthreads().values()))

    def submit(self, task: Task) -> Future[Any]:
        """Let a task be run."""
        return self._executor.submit(run_task, task.to_json())

    def close(self, *, at_once: bool) -> None:
        """Leave the cluster, which runs on."""
        self._executor.shutdown(wait=not at_once)
        self._client.close()

    def lost(self, fault: BaseException) -> bool:
        """Tell whether Dask gave a task up because its workers died."""
        return type(fault).__name__ in ("KilledWorker", "CancelledError", "FutureCancelledError")


def make_engine(text: str, workers: int, store: Store) -> Engine:
    """Return the engine of a name.

    Raises
    ------
    EngineError
        When there is none of this name, or it cannot be reached.
    """
    if text == LOCAL:
        return Processes(workers, store)
    if text.startswith(DASK):
        return Dask(text[len(DASK) :])
    if text == FLUX:
        from .flux_engine import Flux

        return Flux(store, workers)
    raise EngineError(f"no engine {text[:60]!r}; there are {LOCAL}, {DASK}HOST:PORT and {FLUX}")


def run_all(
    tasks: Sequence[Task],
    store: Store,
    engine: Callable[[], Engine],
    done: Callable[[Task], None] = lambda _: None,
    patience: float = 0.0,
    foretell: Callable[[Forecast], None] = lambda _: None,
) -> None:
    """Run the tasks that are not done yet, and keep every result as soon as it is there.

    One simulation of each kind gets a few seconds first: it is done then, or tells how long those of its kind take.

    Parameters
    ----------
    tasks
        The study's.
    store
        What is done.
    engine
        Makes the engine, if one is needed.
    done
        Told of each task that is done, or given up.
    patience
        Seconds of the processor for one simulation, 0 for no limit. What takes longer is given up, and gone on
        without; the store keeps that it was.
    foretell
        Told, before the whole runs, what is known of them.

    Raises
    ------
    EngineError
        When a task fails for good. Those that are done are kept, and so they are when the user interrupts.
    """
    left = _left(tasks, store, patience, done)
    if not left:
        return
    running = engine()
    at_once = True
    try:
        firsts = first_of_each(left)
        _finish(briefly(list(firsts.values()), store, patience), store, running, lambda _: None)
        for task in left:
            if store.has(task.key):
                done(task)
        left = _left(left, store, patience, done)
        foretell(Forecast.of(firsts, left, store, running.workers, patience))
        _finish([replace(task, patience=patience) for task in left], store, running, done)
        at_once = False
    finally:
        running.close(at_once=at_once)


def _left(tasks: Sequence[Task], store: Store, patience: float, done: Callable[[Task], None]) -> list[Task]:
    """Return the tasks that are to be run; those for which the patience is too short are given up."""
    left = list({task.key: task for task in tasks if not store.has(task.key)}.values())
    given_up = without_end(left, store, patience)
    for task in left:
        if task.key in given_up:
            store.give_up(task.key, task.label, given_up[task.key])
            done(task)
    return [task for task in left if task.key not in given_up]


def _finish(tasks: Sequence[Task], store: Store, engine: Engine, done: Callable[[Task], None]) -> None:
    for task, result in _results(tasks, engine):
        if result is not None:
            store.put(task.key, task.label, result)
        done(task)


def _results(tasks: Sequence[Task], engine: Engine) -> Iterator[tuple[Task, Result | None]]:
    # No more is submitted than keeps the workers busy: a trace travels with every task.
    waiting = list(reversed(tasks))
    attempts: dict[str, int] = {}
    flying: dict[Future[Any], Task] = {}
    while waiting or flying:
        while waiting and len(flying) < 2 * engine.workers:
            task = waiting.pop()
            attempts[task.key] = attempts.get(task.key, 0) + 1
            flying[engine.submit(task)] = task
        finished, _ = wait(flying, return_when=FIRST_COMPLETED)
        for future in finished:
            task = flying.pop(future)
            fault = future.exception()
            if fault is None:
                yield task, future.result()
            elif engine.lost(fault) and attempts[task.key] < MOST_ATTEMPTS:
                waiting.append(task)
            else:
                raise EngineError(f"{task.label}: {type(fault).__name__}: {fault}") from fault


def _start() -> multiprocessing.context.BaseContext:
    """Return how processes are started: as forks of one that has loaded what a simulation needs, and done nothing more.

    A fork of this process, which has threads (a solver's, a progress bar's), may never come back; and processes that
    load all by themselves take most of a second each, and memory that these share. The solver, which brings threads of
    its own, is loaded by each that needs it.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    # A process reads the main module anew, and what that imports of ours is in `sys.modules` here.
    context.set_forkserver_preload([name for name in sys.modules if name.partition(".")[0] == _OURS])
    return context


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def read_task(path: Path) -> Task:
    """Return the task of a file that an engine wrote."""
    return Task.from_json(json.loads(path.read_text(encoding="utf-8")))
