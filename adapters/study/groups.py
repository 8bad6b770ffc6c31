"""Results to be compared: a group for each pool, policy of the queue, load and machine, a result for each seed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from .altered import AS_IT_IS, called
from .figures import mean, percentile
from .store import Store
from .task import GREED, RUN, Result, Task

# Student's t for 95 %, two-sided, by degrees of freedom from 1.
_T = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131)
_T_MORE = ((20, 2.086), (30, 2.042), (60, 2.000))
_T_LAST = 1.960


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over seeds, and half the width of its 95 % confidence interval; None for one seed."""

    mean: float
    half: float | None


class Situation(NamedTuple):
    """What several pools are compared under.

    Attributes
    ----------
    scheduling, load
        The order of the queue; what is offered, None for what the workload says.
    machine
        What is different of the machine.
    """

    scheduling: str
    load: float | None
    machine: str = AS_IT_IS

    @property
    def words(self) -> str:
        """It in words."""
        load = f", load {self.load:g}" if self.load is not None else ""
        return f"{self.scheduling}{load}" + (f", {self.machine}" if self.machine else "")

    def parts(self, among: Iterable[Situation]) -> list[str]:
        """Return the queue, the load and the machine, each where there are several among some."""
        orders, loads, machines = (set(some) for some in zip(*among, strict=True))
        return [
            *([self.scheduling] if len(orders) > 1 else []),
            *([f"load {self.load:g}"] if len(loads) > 1 and self.load is not None else []),
            *([called(self.machine)] if len(machines) > 1 else []),
        ]


@dataclass(frozen=True, slots=True)
class Group:
    """Results of one pool under one policy and one load, over seeds.

    Attributes
    ----------
    pool, scheduling, load
        What they have in common.
    results
        One for each seed.
    seeds
        Of the results.
    left_out
        Jobs that not every pool ran on every machine, which are in no waits and slowdowns.
    machine
        What is different of the machine.
    """

    pool: str
    scheduling: str
    load: float | None
    results: Sequence[Result]
    seeds: Sequence[int]
    left_out: int = 0
    machine: str = AS_IT_IS

    @property
    def situation(self) -> Situation:
        """What it shares with the groups that it is compared with."""
        return Situation(self.scheduling, self.load, self.machine)

    def figure(self, name: str) -> Estimate | None:
        """Return a figure over the seeds, None where there is none of this name."""
        values = [result["figures"][name] for result in self.results if name in result["figures"]]
        return estimate(values) if values else None

    def total(self, name: str) -> float:
        """Return a figure added up over the seeds."""
        return float(sum(result["figures"].get(name, 0) for result in self.results))

    def less(self, other: Group, name: str) -> Estimate | None:
        """Return how much more a figure is than another group's, seed by seed, so that luck that both had is out."""
        there = {seed: result["figures"].get(name) for seed, result in zip(other.seeds, other.results, strict=True)}
        pairs = [
            (result["figures"].get(name), there.get(seed))
            for seed, result in zip(self.seeds, self.results, strict=True)
        ]
        values = [mine - theirs for mine, theirs in pairs if mine is not None and theirs is not None]
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
    runs = [task for task in tasks if task.kind == RUN and store.has(task.key)]
    alike: dict[tuple[str, float | None, int], list[tuple[Task, Result]]] = {}
    for task in runs:
        alike.setdefault((task.scheduling, task.load, task.seed), []).append((task, store.get(task.key)))
    found: dict[tuple[str, Situation], list[tuple[int, Result, int]]] = {}
    kept = {}
    for some in alike.values():
        missing = {job for _, result in some for job in _never_ran(result)}
        for task, result in some:
            kept[task.key] = (task.seed, _without(result, missing), len(missing))
    for task in runs:
        situation = Situation(task.scheduling, task.load, task.machine)
        found.setdefault((task.pools[0], situation), []).append(kept[task.key])
    return [
        Group(
            pool,
            scheduling,
            load,
            [r for _, r, _ in some],
            [seed for seed, _, _ in some],
            sum(left for _, _, left in some),
            machine,
        )
        for (pool, (scheduling, load, machine)), some in found.items()
    ]


def _never_ran(result: Result) -> list[int]:
    jobs = result["jobs"]
    return [job for job, wait in zip(jobs.get("job", ()), jobs.get("wait", ()), strict=True) if wait is None]


def _without(result: Result, missing: set[int]) -> Result:
    """Return a result with the waits and slowdowns of jobs alone that every pool ran: a job refused waits nowhere."""
    if not missing:
        return result
    jobs = result["jobs"]
    figures = dict(result["figures"])
    for name in ("wait", "slowdown"):
        values = [x for job, x in zip(jobs["job"], jobs[name], strict=True) if job not in missing and x is not None]
        figures[name], figures[f"{name} p95"] = mean(values), percentile(values, 0.95)
    return {**result, "figures": figures}


def greed_rows(tasks: Sequence[Task], store: Store) -> list[dict[str, Any]]:
    """Return a row for each batch and pool that was compared with the optimum."""
    rows: list[dict[str, Any]] = []
    for task in tasks:
        if task.kind == GREED and store.has(task.key):
            columns = store.get(task.key)["greed"]
            head = {"load": task.load, "machine": task.machine, "seed": task.seed}
            rows += [{**head, **dict(zip(columns, row, strict=True))} for row in zip(*columns.values(), strict=True)]
    return rows
