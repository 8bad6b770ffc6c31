"""A thread that decides while the reactor goes on: one question at a time, and the reactor is told of each end."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Task(Generic[T]):
    """A question that is being answered.

    Parameters
    ----------
    future
        Of its answer and the seconds of the processor that it took.
    """

    def __init__(self, future: Future[tuple[T, float]]) -> None:
        self._future = future

    def wait(self, seconds: float) -> bool:
        """Wait a while for the answer; tell whether it is there."""
        return bool(wait([self._future], seconds).done)

    @property
    def is_done(self) -> bool:
        """Whether the answer is there."""
        return self._future.done()

    @property
    def answer(self) -> tuple[T, float]:
        """The answer, and the seconds of the processor that it took; what was raised is raised here."""
        return self._future.result()


class Worker:
    """Answers questions in a thread, one after the other.

    Parameters
    ----------
    handle
        Flux's, whose reactor is woken.
    at_end
        Called in the reactor when a question has been answered.
    """

    def __init__(self, handle: Any, at_end: Callable[[], None]) -> None:
        self._threads = ThreadPoolExecutor(1, "exactfit")
        self._last: Task[Any] | None = None
        self._at_end = at_end
        # A pipe, since nothing else of a reactor may be touched from another thread.
        self._ended, self._end = os.pipe()
        os.set_blocking(self._ended, False)
        self._watcher = handle.fd_watcher_create(self._ended, self._wake, events=1)  # FLUX_POLLIN
        self._watcher.start()

    @property
    def last(self) -> Task[Any] | None:
        """The question that is being answered; None for none."""
        if self._last is not None and self._last.is_done:
            self._last = None
        return self._last

    def start(self, question: Callable[[], T]) -> Task[T]:
        """Have a question answered; there must be no other."""

        def timed() -> tuple[T, float]:
            begin = time.thread_time()
            return question(), time.thread_time() - begin

        future = self._threads.submit(timed)
        task = self._last = Task(future)
        future.add_done_callback(lambda _: os.write(self._end, b"."))
        return task

    def _wake(self, *_: object) -> None:
        os.read(self._ended, 4096)
        self._at_end()
