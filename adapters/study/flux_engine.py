"""Tasks as jobs of the Flux instance around us, by `flux.job.FluxExecutor`."""

from __future__ import annotations

import json
import os
import sys
from concurrent.futures import Future
from contextlib import suppress
from importlib import import_module
from typing import Any

from .engine import EngineError, LostWorkerError
from .store import Store
from .task import Task

_FAULT = 1
"""The status with which Python ends for an exception; any other has come from outside."""

_LOST = ("JobException", "CancelledError", "LostWorkerError")


class Flux:
    """Jobs of one core each.

    Parameters
    ----------
    store
        Where the tasks are put and the results come back.
    workers
        How many jobs run at a time at most; 0: one for each core of the instance.
    """

    def __init__(self, store: Store, workers: int = 0) -> None:
        try:
            self._job: Any = import_module("flux.job")
            handle = import_module("flux").Flux()
            self._executor: Any = self._job.FluxExecutor()
        except (ImportError, AttributeError):
            raise EngineError("the engine flux needs Flux's own Python (flux python) inside an instance") from None
        except OSError as fault:
            raise EngineError(f"the engine flux runs inside a Flux instance, and finds none: {fault}") from None
        self._handle = handle
        self._store = store
        self._flying: set[Any] = set()
        resources = import_module("flux.resource").resource_list(handle).get()
        self.workers = max(1, workers or resources.up.ncores)

    def submit(self, task: Task) -> Future[Any]:
        """Let a task be run by a process that reads and writes the study's folder."""
        path = self._store.write_text(f"tasks/{task.key}.json", json.dumps(task.to_json()))
        command = [sys.executable, "-m", "exactfit.adapters.study.worker", str(path), str(self._store.folder)]
        jobspec = self._job.JobspecV1.from_command(command, num_tasks=1, cores_per_task=1)
        jobspec.cwd, jobspec.environment = os.getcwd(), dict(os.environ)
        jobspec.stdout = jobspec.stderr = str(path.with_suffix(".out").absolute())
        found: Future[None] = Future()
        job = self._executor.submit(jobspec)
        self._flying.add(job)
        job.add_done_callback(lambda job: self._ended(job, task, found))
        return found

    def _ended(self, job: Any, task: Task, found: Future[None]) -> None:
        self._flying.discard(job)
        fault = LostWorkerError("its job was cancelled") if job.cancelled() else job.exception()
        if fault is None and not (self._store.has(task.key) or self._store.gave_up(task.key)):
            status, path = job.result(), self._store.folder / "tasks" / f"{task.key}.out"
            said = path.read_text(encoding="utf-8", errors="replace").strip() if path.exists() else ""
            words = f"the job ended with status {status} and left no result; the end of {path}: {said[-300:]}"
            fault = EngineError(words) if status == _FAULT else LostWorkerError(words)
        if fault is None:
            found.set_result(None)
        else:
            found.set_exception(fault)

    def close(self, *, at_once: bool) -> None:
        """Let go of the executor; jobs are cancelled where that is asked for."""
        for job in list(self._flying) if at_once else ():
            # One that has no id yet, or has ended since, is not to be cancelled.
            with suppress(Exception):
                self._job.cancel(self._handle, job.jobid(0))
        self._executor.shutdown(wait=not at_once, cancel_futures=at_once)

    def lost(self, fault: BaseException) -> bool:
        """Tell whether a job was cancelled or killed, as when its node is lost."""
        return type(fault).__name__ in _LOST
