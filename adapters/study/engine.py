"""What runs tasks: the interface of an engine, and how one fails."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any, Protocol

from .task import Task

MOST_ATTEMPTS = 4
"""A task whose worker dies so often is given up: it is the task that kills them."""


class EngineError(RuntimeError):
    """An engine that is not there, or a task that it could not run."""


class LostWorkerError(RuntimeError):
    """A worker died before its task was done."""


class Engine(Protocol):
    """Submits a task; the result comes with the future, None where it is in the store already."""

    workers: int

    def submit(self, task: Task) -> Future[Any]:
        """Let a task be run."""

    def close(self, *, at_once: bool) -> None:
        """Let go of the workers, without waiting for what they do if asked to."""

    def lost(self, fault: BaseException) -> bool:
        """Tell whether a task failed because its worker was lost; make what is needed to run it again."""
