"""How long a simulation may take, and what is known of one that was given up.

Time is the processor's. How long a simulation takes in all is estimated from the part of its jobs that have started, so
that one which would take far longer than there is patience for ends early. Decisions grow slower as a machine fills,
so that the estimate is rather too low; at the end of the patience a simulation ends in any case, within a decision too.
"""

from __future__ import annotations

import ctypes
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from time import process_time, thread_time
from types import FrameType
from typing import Any

GAVE_UP = "gave up"
"""In the place of a result's figures: what is known of a simulation that was given up."""

SHORTEST = 10.0
"""Seconds of patience below which nothing is estimated before its end."""
_LOOK = 0.1
"""Part of the patience after which the estimate counts."""
_TICK = 0.1
"""Seconds between looks at another thread's time."""
_FAR = 2.0
"""An estimate is rough: it ends a simulation only where it is so many times the patience."""


class OutOfPatienceError(BaseException):
    """A simulation takes too long. No `Exception`: a pool that catches those in `alloc` must not swallow it."""


@dataclass(frozen=True, slots=True)
class GaveUp:
    """A simulation that was given up.

    Attributes
    ----------
    patience
        Seconds that it might have taken.
    seconds
        That it took.
    needed
        Seconds that it would take in all, by the part of its jobs that had started; None where none had.
    """

    patience: float
    seconds: float
    needed: float | None

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> GaveUp:
        """Return what `to_json` made JSON values of."""
        return cls(value["patience"], value["seconds"], value["needed"])

    def is_final(self, patience: float) -> bool:
        """Tell whether a patience is too short as well: no longer than that which ended, or far too short."""
        return self.patience >= patience or (self.needed is not None and self.needed > _FAR * patience)


class Patience:
    """Watches the time that a simulation takes.

    Parameters
    ----------
    seconds
        Of the processor; 0 for no limit.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        # Another thread of a worker may run another simulation.
        self._clock = process_time if _is_main() else thread_time
        self._begin = self._clock()
        self._part: Callable[[], float] | None = None

    def measure(self, part: Callable[[], float]) -> None:
        """Take what tells the part of the jobs that have started."""
        self._part = part

    def taken(self) -> float:
        """Return the seconds of the processor since this was made."""
        return self._clock() - self._begin

    def look(self) -> None:
        """End the simulation if it takes too long; called before each decision."""
        if not self._seconds:
            return
        taken = self.taken()
        if taken > self._seconds:
            raise OutOfPatienceError
        if taken > _LOOK * self._seconds and self._seconds > SHORTEST:
            needed = self.gave_up().needed
            if needed is not None and needed > _FAR * self._seconds:
                raise OutOfPatienceError

    def gave_up(self) -> GaveUp:
        """Return what is known of the simulation if it ends here."""
        taken = self.taken()
        part = self._part() if self._part is not None else 0.0
        return GaveUp(self._seconds, taken, taken / part if part else None)

    @contextmanager
    def limit(self) -> Iterator[None]:
        """End what is inside at the end of the patience, within a decision too; what runs outside Python ends first."""
        if not self._seconds:
            yield
            return
        with _signalled(self._seconds) if _is_main() else _watched(self._seconds):
            yield


def _is_main() -> bool:
    return threading.current_thread() is threading.main_thread()


@contextmanager
def _signalled(seconds: float) -> Iterator[None]:
    """End what is inside by a signal, which the main thread alone can get.

    The timer is of the clock, and asks for the time of the processor: while a timer of the processor's time runs, Linux
    tells that time by ticks of some milliseconds, and decisions are shorter.
    """
    until = process_time() + seconds

    def ring(_number: int, _frame: FrameType | None) -> None:
        left = until - process_time()
        if left <= 0:
            raise OutOfPatienceError
        signal.setitimer(signal.ITIMER_REAL, max(left, _TICK))

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def _watched(seconds: float) -> Iterator[None]:
    """End what is inside by an exception that another thread raises in this one, as workers of Dask run tasks so."""
    if not hasattr(time, "pthread_getcpuclockid"):
        # A system that does not tell the time of one thread: between decisions it is looked at all the same.
        yield
        return
    thread = threading.get_ident()
    clock = time.pthread_getcpuclockid(thread)
    until = time.clock_gettime(clock) + seconds
    over = threading.Event()

    def watch() -> None:
        while not over.wait(_TICK):
            if time.clock_gettime(clock) >= until:
                _raise_in(thread, OutOfPatienceError)
                return

    watcher = threading.Thread(target=watch, name="patience", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        # What was raised has come when the other thread is waited for: the wait itself is steps in Python. To take it
        # back by raising nothing would leave the interpreter looking for it at every step until it ends, and a
        # profiler waiting for ever.
        over.set()
        watcher.join()


def _raise_in(thread: int, fault: type[BaseException]) -> None:
    """Let a thread raise a fault at its next step in Python."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(fault))
