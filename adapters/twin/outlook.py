"""When there can be room for a job at the earliest, by counting what is free: before that no pool need be asked.

A scheduler that looks ahead lets running jobs end one after the other and asks the pool each time. On a large machine
most of these questions are answered by counting free cores and gpus node by node, which is no pool's to decide.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .jobs import Outcome, R
from .observers import Observer, pieces

Counts = npt.NDArray[np.int64]
"""A row a node: free cores, free gpus."""
Rows = npt.NDArray[np.int64]
"""Numbers of rows."""


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

    def fits(self, free: Counts, total: Counts) -> bool:
        """Tell whether counts allow it; where nothing else is asked for, they are all that it takes."""
        enough = (free == total).all(axis=1) if self.whole else np.ones(len(free), dtype=bool)
        if self.nodes:
            enough &= (free[:, 0] >= self.cores) & (free[:, 1] >= self.gpus)
            return int(enough.sum()) >= self.nodes
        by_kind = [free[:, kind] // need for kind, need in enumerate((self.cores, self.gpus)) if need]
        return int(np.minimum.reduce(by_kind)[enough].sum()) >= self.slots if by_kind else True


class Outlook(Observer):
    """Follows what is free of each node, and what each running job will give back.

    Parameters
    ----------
    resources
        The instance's R, whose ranks all stay up.
    """

    def __init__(self, resources: R) -> None:
        counts = [(rank, cores.bit_count(), gpus.bit_count()) for rank, cores, gpus in pieces(resources)]
        self._row = {rank: row for row, (rank, _, _) in enumerate(counts)}
        self._total: Counts = np.array([held for _, *held in counts], dtype=np.int64)
        self._free: Counts = self._total.copy()
        self._held: dict[int, tuple[Rows, Counts]] = {}
        self._known: dict[Need, bool] = {}

    def started(self, outcome: Outcome) -> None:
        """Follow a job that got resources."""
        found = pieces(outcome.resources)
        rows = np.array([self._row[rank] for rank, _, _ in found], dtype=np.int64)
        held = np.array([(cores.bit_count(), gpus.bit_count()) for _, cores, gpus in found], dtype=np.int64)
        self._held[outcome.job.id] = rows, held
        self._free[rows] -= held
        self._known.clear()

    def freed(self, outcome: Outcome, resources: R) -> None:  # noqa: ARG002 (the twin's interface)
        """Follow a job that returned them, all at once."""
        rows, held = self._held.pop(outcome.job.id)
        self._free[rows] += held
        self._known.clear()

    def now(self, need: Need) -> bool:
        """Tell whether there can be room now."""
        known = self._known.get(need)
        if known is None:
            known = self._known[need] = need.fits(self._free, self._total)
        return known

    def without(self, need: Need, jobs: Iterable[int]) -> bool:
        """Tell whether there can be room when some jobs have ended."""
        return need.fits(self._with(self._free, [list(jobs)]), self._total)

    def after(self, need: Need, ends: Sequence[Sequence[int]]) -> int | None:
        """Return after how many of these sets of jobs have ended there can be room; None where all are not enough."""
        low, high = 0, len(ends)
        free, at = self._free, 0
        if not need.fits(self._with(free, ends), self._total):
            return None
        while low < high:
            middle = (low + high) // 2
            trial = self._with(free, ends[at:middle])
            if need.fits(trial, self._total):
                high = middle
            else:
                low, free, at = middle + 1, trial, middle
        return low

    def _with(self, free: Counts, ends: Sequence[Sequence[int]]) -> Counts:
        """Return what is free when some more jobs have ended."""
        held = [self._held[job] for jobs in ends for job in jobs if job in self._held]
        if not held:
            return free
        rows = np.concatenate([some for some, _ in held])
        counts = np.concatenate([some for _, some in held])
        back = [np.bincount(rows, counts[:, kind], len(free)) for kind in (0, 1)]
        return free + np.stack(back, axis=1).astype(np.int64)
