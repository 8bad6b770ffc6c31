"""Results that are to be compared: one group for each pool, policy of the queue and load, a result for each seed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from .run import Result
from .store import Store
from .task import GREED, RUN, Task

# Student's t for 95 %, two-sided, by degrees of freedom from 1.
_T = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131)
_T_MORE = ((20, 2.086), (30, 2.042), (60, 2.000))
_T_LAST = 1.960


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over seeds, and half the width of its 95 % confidence interval; None for one seed."""

    mean: float
    half: float | None


@dataclass(frozen=True, slots=True)
class Group:
    """Results of one pool under one policy and one load, over seeds.

    Attributes
    ----------
    pool, scheduling, load
        What they have in common.
    results
        By seed.
    """

    pool: str
    scheduling: str
    load: float | None
    results: Sequence[Result]

    def figure(self, name: str) -> Estimate | None:
        """Return a figure over the seeds, None where there is none of this name."""
        values = [result["figures"][name] for result in self.results if name in result["figures"]]
        return estimate(values) if values else None


def estimate(values: Sequence[float]) -> Estimate:
    """Return the mean of some values, with its confidence by Student's t."""
    count = len(values)
    mean = sum(values) / count
    if count == 1:
        return Estimate(mean, None)
    deviation = math.sqrt(sum((value - mean) ** 2 for value in values) / (count - 1))
    return Estimate(mean, _quantile(count - 1) * deviation / math.sqrt(count))


def _quantile(freedom: int) -> float:
    if freedom <= len(_T):
        return _T[freedom - 1]
    return next((t for most, t in _T_MORE if freedom <= most), _T_LAST)


def gather(tasks: Sequence[Task], store: Store) -> list[Group]:
    """Return the groups of a study, in the order of its tasks."""
    found: dict[tuple[str, str, float | None], list[Result]] = {}
    for task in tasks:
        if task.kind == RUN and store.has(task.key):
            found.setdefault((task.pools[0], task.scheduling, task.load), []).append(store.get(task.key))
    return [Group(pool, scheduling, load, results) for (pool, scheduling, load), results in found.items()]


def greed_rows(tasks: Sequence[Task], store: Store) -> list[dict[str, object]]:
    """Return a row for each batch and pool that was compared with the optimum."""
    rows: list[dict[str, object]] = []
    for task in tasks:
        if task.kind == GREED and store.has(task.key):
            columns = store.get(task.key)["greed"]
            head = {"load": task.load, "seed": task.seed}
            rows += [{**head, **dict(zip(columns, row, strict=True))} for row in zip(*columns.values(), strict=True)]
    return rows
