"""When there can be room for a job at the earliest, by counting what is free: before that no pool need be asked.

A scheduler that looks ahead lets running jobs end one after the other and asks the pool each time. On a large machine
most of these questions are answered by counting free cores and gpus node by node, which is no pool's to decide.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .jobs import Part

Array = npt.NDArray[np.int64]


class Counts(NamedTuple):
    """Cores and gpus, a place a node."""

    cores: Array
    gpus: Array


class Held(NamedTuple):
    """What a job holds: numbers of nodes, and of each its cores and gpus; and all cores and gpus."""

    rows: Array
    cores: Array
    gpus: Array
    total: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Need:
    """What any placement of a job takes.

    Attributes
    ----------
    nodes
        How many nodes; 0: any number of them.
    slots
        In all, where `nodes` is 0.
    cores, gpus
        Of each node; of each slot where `nodes` is 0.
    whole
        Whether the nodes have to be idle.
    """

    nodes: int
    slots: int
    cores: int
    gpus: int
    whole: bool = False

    @property
    def total(self) -> tuple[int, int]:
        """Cores and gpus in all."""
        times = self.nodes or self.slots
        return times * self.cores, times * self.gpus

    def fits(self, free: Counts, all_: Counts) -> bool:
        """Tell whether counts allow it; where nothing else is asked for, they are all that it takes."""
        if self.nodes:
            enough = free.cores >= self.cores
            if self.gpus:
                enough &= free.gpus >= self.gpus
            if self.whole:
                enough &= (free.cores == all_.cores) & (free.gpus == all_.gpus)
            return int(np.count_nonzero(enough)) >= self.nodes
        by_kind = [have // need for have, need in zip(free, (self.cores, self.gpus), strict=True) if need]
        if not by_kind:
            return True
        return int((by_kind[0] if len(by_kind) == 1 else np.minimum(*by_kind)).sum()) >= self.slots


class Outlook:
    """Follows what is free of each node, and what each running job will give back when.

    Parameters
    ----------
    parts
        The instance's nodes, which all stay up.
    """

    def __init__(self, parts: Sequence[Part]) -> None:
        size = max((nodes.bit_length() for nodes, _, _ in parts), default=0)
        self._all = Counts(np.zeros(size, np.int64), np.zeros(size, np.int64))
        held = _held(parts)
        self._all.cores[held.rows] += held.cores
        self._all.gpus[held.rows] += held.gpus
        self._free = Counts(self._all.cores.copy(), self._all.gpus.copy())
        self._left = held.total
        self._held: dict[int, Held] = {}
        self._end_of: dict[int, float] = {}
        self._ends: list[tuple[float, int]] = []
        self._known: dict[Need, bool] = {}

    def started(self, job: int, parts: Sequence[Part], end: float) -> None:
        """Follow a job that holds parts until an end at the latest, 0 for none."""
        held = self._held[job] = _held(parts)
        self._free.cores[held.rows] -= held.cores
        self._free.gpus[held.rows] -= held.gpus
        self._left = self._left[0] - held.total[0], self._left[1] - held.total[1]
        self._end_of[job] = end
        if end > 0:
            insort(self._ends, (end, job))
        self._known.clear()

    def freed(self, job: int) -> None:
        """Follow a job that returned all it had."""
        held = self._held.pop(job)
        self._free.cores[held.rows] += held.cores
        self._free.gpus[held.rows] += held.gpus
        self._left = self._left[0] + held.total[0], self._left[1] + held.total[1]
        end = self._end_of.pop(job)
        if end > 0:
            self._ends.remove((end, job))
        self._known.clear()

    def now(self, need: Need) -> bool:
        """Tell whether there can be room now."""
        known = self._known.get(need)
        if known is None:
            known = self._known[need] = need.fits(self._free, self._all)
        return known

    def without(self, need: Need, jobs: Iterable[int]) -> bool:
        """Tell whether there can be room when some jobs have ended."""
        return need.fits(self._with(self._free, jobs), self._all)

    def earliest(self, need: Need) -> float | None:
        """Return when there can be room as running jobs end; 0 for now, None where that never helps."""
        if self.now(need):
            return 0.0
        ended = self._after(need, [job for _, job in self._ends])
        return None if ended is None else self._ends[ended - 1][0]

    def after(self, need: Need, ends: Sequence[Sequence[int]]) -> int | None:
        """Return after how many of these sets of jobs have ended there can be room; None where all are not enough."""
        ended = 0 if self.now(need) else self._after(need, [job for jobs in ends for job in jobs if job in self._held])
        if ended is None:
            return None
        sizes = accumulate(sum(job in self._held for job in jobs) for jobs in ends)
        return next((place for place, size in enumerate(sizes, start=1) if ended and size >= ended), 0)

    def _after(self, need: Need, jobs: Sequence[int]) -> int | None:
        """Return after how many jobs, ending in this order, there can be room, where there is none now.

        Before the cores and gpus suffice in all there is none. From there on the steps double, and are halved again.
        """
        low = self._enough(need, jobs)
        if low is None:
            return None
        free, at, step = self._free, 0, 1
        high = low
        while True:
            trial = self._with(free, jobs[at:high])
            if need.fits(trial, self._all):
                break
            if high == len(jobs):
                return None
            free, at, low = trial, high, high + 1
            high = min(high + step, len(jobs))
            step *= 2
        while low < high:
            middle = (low + high) // 2
            trial = self._with(free, jobs[at:middle])
            if need.fits(trial, self._all):
                high = middle
            else:
                free, at, low = trial, middle, middle + 1
        return low

    def _enough(self, need: Need, jobs: Sequence[int]) -> int | None:
        """Return after how many jobs the cores and gpus that are free suffice in all."""
        cores, gpus = (wanted - left for wanted, left in zip(need.total, self._left, strict=True))
        if cores <= 0 and gpus <= 0:
            return 1 if jobs else None
        for place, job in enumerate(jobs, start=1):
            total = self._held[job].total
            cores -= total[0]
            gpus -= total[1]
            if cores <= 0 and gpus <= 0:
                return place
        return None

    def _with(self, free: Counts, jobs: Iterable[int]) -> Counts:
        """Return what is free when some more jobs have ended."""
        held = [self._held[job] for job in jobs if job in self._held]
        if not held:
            return free
        more = Counts(free.cores.copy(), free.gpus.copy())
        rows = np.concatenate([one.rows for one in held])
        np.add.at(more.cores, rows, np.concatenate([one.cores for one in held]))
        if any(one.total[1] for one in held):
            np.add.at(more.gpus, rows, np.concatenate([one.gpus for one in held]))
        return more


def _held(parts: Sequence[Part]) -> Held:
    rows = [_rows(nodes) for nodes, _, _ in parts]
    sizes = [len(some) for some in rows]
    cores, gpus = ([part[kind].bit_count() for part in parts] for kind in (1, 2))
    total = sum(map(int.__mul__, sizes, cores)), sum(map(int.__mul__, sizes, gpus))
    if len(parts) == 1:
        return Held(rows[0], np.full(sizes[0], cores[0]), np.full(sizes[0], gpus[0]), total)
    return Held(np.concatenate([np.zeros(0, np.int64), *rows]), np.repeat(cores, sizes), np.repeat(gpus, sizes), total)


def _rows(nodes: int) -> Array:
    """Return the positions in a bitmask."""
    first = (nodes & -nodes).bit_length() - 1
    if nodes >> first == 1:
        return np.array([first])
    first &= ~7
    raw = (nodes >> first).to_bytes(nodes.bit_length() - first + 7 >> 3, "little")
    return np.flatnonzero(np.unpackbits(np.frombuffer(raw, np.uint8), bitorder="little")) + first
