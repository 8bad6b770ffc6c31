"""Work in a process of its own, so that an allocator that takes its process with it takes nothing else."""

from __future__ import annotations

import os
import pickle
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, TypeVar

Done = TypeVar("Done")


@dataclass(frozen=True, slots=True)
class Died:
    """A process that did not come to its end.

    Attributes
    ----------
    status
        Its exit status, below zero the signal that ended it.
    """

    status: int

    def __str__(self) -> str:
        how = f"by signal {-self.status}" if self.status < 0 else f"with exit status {self.status}"
        return f"the process ended {how}"


def isolated(work: Callable[[], Done]) -> Done | Died:
    """Return what work comes to in a process of its own, or how that died.

    Where the system cannot fork, the work is done in this process. What it raises is raised here.
    """
    if not hasattr(os, "fork"):
        return work()
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        # The solver's threads are gone between searches; none is there to be lost.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if not child:
        os.close(reading)
        _work_and_end(work, writing)
    os.close(writing)
    try:
        with os.fdopen(reading, "rb") as pipe:
            said = pipe.read()
    finally:
        _, how = os.waitpid(child, 0)
    status = os.waitstatus_to_exitcode(how)
    if status or not said:
        return Died(status)
    good, result = pickle.loads(said)
    if not good:
        raise result
    done: Done = result
    return done


def _work_and_end(work: Callable[[], object], writing: int) -> None:
    """Do the work, write what it came to, and end the process without what else would be done at its end."""
    try:
        try:
            said = pickle.dumps((True, work()))
        except BaseException as fault:
            said = pickle.dumps((False, fault))
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(said)
        os._exit(0)
    finally:
        os._exit(70)


class Journal:
    """What a process is at, for who comes after it."""

    def __enter__(self) -> Journal:
        self._file = tempfile.TemporaryFile()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def write(self, note: object) -> None:
        """Note where it is, in the place of the note before."""
        self._file.seek(0)
        self._file.truncate()
        pickle.dump(note, self._file)
        self._file.flush()

    def read(self) -> Any:
        """Return the last note."""
        self._file.seek(0)
        return pickle.load(self._file)
