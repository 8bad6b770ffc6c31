"""A job of a trace, before anybody has decided which shape it has on the machine that is studied."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from ....grammar.errors import printable
from ....topology.expect import short

MOST = 2**40
"""No time in seconds, no number of processors and no amount of memory in a trace is larger."""

_LONGEST = 40
"""No number has more characters."""

Record = TypeVar("Record")


class WorkloadError(ValueError):
    """A trace that cannot be used: what it is called, the line, and what is wrong there."""

    def __init__(self, name: str, line: int | None, fault: str) -> None:
        place = f"{name}:{line}" if line is not None else name
        super().__init__(printable(f"{place}: {fault}"))


@dataclass(frozen=True, slots=True)
class TraceJob:
    """A job as a trace tells it.

    Attributes
    ----------
    name
        What the trace calls it.
    submit
        Seconds since the trace's own zero.
    runtime
        Seconds that it ran.
    limit
        Its time limit in seconds, 0 for none.
    processors, nodes, gpus
        What it had, or asked for; nodes and gpus are 0 where the trace does not say.
    memory
        GiB in all, 0 where the trace does not say.
    priority
        Higher goes first.
    queue, user
        As the trace calls them.
    resources
        RFC 14 resources, where the trace has a jobspec; None: a rule makes them.
    constraint
        RFC 31, from the jobspec.
    start
        When it started, on the clock of `submit`; None where the trace does not say.
    hosts
        RFC 29, where it ran; "" where the trace does not say.
    held
        R (RFC 20) of what it had, where the trace has it.
    """

    name: str
    submit: float
    runtime: float
    limit: float
    processors: int
    nodes: int = 0
    gpus: int = 0
    memory: float = 0.0
    priority: int = 16
    queue: str = ""
    user: str = ""
    resources: tuple[Mapping[str, Any], ...] | None = None
    constraint: Mapping[str, Any] | None = None
    start: float | None = None
    hosts: str = ""
    held: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Trace:
    """What was read.

    Attributes
    ----------
    jobs
        By time of submission.
    left_out
        Jobs of the trace that never ran or held nothing, which a simulation can do nothing with.
    notes
        What else was passed over or taken for granted, in words.
    """

    jobs: tuple[TraceJob, ...]
    left_out: int = 0
    notes: tuple[str, ...] = ()

    @property
    def remarks(self) -> tuple[str, ...]:
        """All that a user must know of what is missing, in words."""
        return (*((f"{self.left_out} that never ran left out",) if self.left_out else ()), *self.notes)


def number(text: object) -> float:
    """Return a number of a trace.

    Raises
    ------
    ValueError
        For what is none, is not finite, or is beyond `MOST`.
    """
    is_long = isinstance(text, str) and len(text) > _LONGEST
    try:
        if is_long or isinstance(text, bool) or not isinstance(text, str | int | float):
            raise ValueError
        value = float(text)
    except (ValueError, OverflowError):
        raise ValueError(f"expected a number, got {short(text)}") from None
    if not math.isfinite(value) or abs(value) > MOST:
        raise ValueError(f"no usable number: {str(text)[:40]}")
    return value


def numbers(fields: Sequence[str]) -> list[float]:
    """Return the numbers of some fields, as `number` has each of them; ValueError for the first that is none."""
    try:
        values = [float(field) for field in fields]
    except (ValueError, OverflowError):
        values = []
    # A sum is no number where a part is none.
    fine = values and max(map(len, fields)) <= _LONGEST and math.isfinite(sum(values))
    if fine and min(values) >= -MOST and max(values) <= MOST:
        return values
    return [number(field) for field in fields]


class Gathered:
    """Jobs as a reader finds them, and how many records of the trace are none that ran.

    Attributes
    ----------
    jobs
        In the order of the trace.
    left_out
        Records of which `add` was told that they never ran or held nothing.

    Parameters
    ----------
    name
        Of the file, for messages.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self.jobs: list[TraceJob] = []
        self.left_out = 0

    def add(self, place: int | None, read: Callable[[Record], TraceJob | None], record: Record) -> TraceJob | None:
        """Read a record, keep its job and return it; count it where it is none.

        Parameters
        ----------
        place
            Its line, None where it has none.
        read, record
            What makes a job of the record, or None of one that never ran.

        Raises
        ------
        WorkloadError
            With the place, for a ValueError of the reader.
        """
        try:
            job = read(record)
        except WorkloadError:
            raise
        except ValueError as fault:
            raise WorkloadError(self._name, place, str(fault)) from None
        if job is None:
            self.left_out += 1
        else:
            self.jobs.append(job)
        return job

    def trace(self, notes: Iterable[str] = ()) -> Trace:
        """Return the jobs by time of submission.

        Raises
        ------
        WorkloadError
            When there are none.
        """
        if not self.jobs:
            none = f"holds no job that ran ({self.left_out} left out)" if self.left_out else "holds no job"
            raise WorkloadError(self._name, None, none)
        return Trace(tuple(sorted(self.jobs, key=lambda job: job.submit)), self.left_out, tuple(notes))
