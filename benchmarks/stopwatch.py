"""How time is taken, and what is said of many times."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

_T = TypeVar("_T")


@dataclass(frozen=True)
class Time:
    """Seconds of one call: CPU time of the process, all threads, and the clock's."""

    cpu: float
    wall: float

    def __add__(self, other: Time) -> Time:
        return Time(self.cpu + other.cpu, self.wall + other.wall)


def timed(call: Callable[[], _T]) -> tuple[_T, Time]:
    """Return what a call returns, and how long it took."""
    wall, cpu = time.perf_counter_ns(), time.process_time_ns()
    result = call()
    cpu, wall = time.process_time_ns() - cpu, time.perf_counter_ns() - wall
    return result, Time(cpu / 1e9, wall / 1e9)


@dataclass(frozen=True)
class Summary:
    """Seconds of many calls.

    Attributes
    ----------
    median, p99, worst
        Of the CPU time.
    wall
        The median by the clock.
    wall_p99
        The 99th percentile by the clock.
    calls
        How many there were.
    """

    median: float
    p99: float
    worst: float
    wall: float
    wall_p99: float
    calls: int


def summarize(times: Sequence[Time]) -> Summary | None:
    """Return what is said of some times; None of none."""
    if not times:
        return None
    cpu, wall = sorted(time.cpu for time in times), sorted(time.wall for time in times)
    middle, high = len(times) // 2, min(len(times) - 1, len(times) * 99 // 100)
    return Summary(cpu[middle], cpu[high], cpu[-1], wall[middle], wall[high], len(times))
