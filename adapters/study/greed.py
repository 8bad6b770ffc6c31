"""The price of greed: what pools place of a batch, one job after the other, against the optimum of the whole batch.

A job weighs one, or its work: the part of the machine's cores or GPUs that it asks for, the larger one; or that times
its time limit. Beside the optimum of each weight stands what there is in the order of the jobs for a pool that knows
them all: each job is placed if it can be beside those that were placed before it. What is lacking up to there is the
price of not knowing what comes; what is lacking from there to the optimum is the price of the order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ...solver.joint import BatchJob, place_mixed
from ...solver.options import Options
from ...solver.pool import Pool
from ...topology.machine import Machine
from ..flux.requests import ParsedRequest
from ..flux.upstream import InfeasibleRequest, InsufficientResources, ResourcePool
from ..twin.jobs import R
from .outline import Outline, outline_of
from .patience import Patience
from .pools import PoolName
from .submissions import Submission, Workload
from .task import Result, Task
from .task_simulation import START, Twin

UNITS = 100_000
"""Work is counted in so many parts of the machine, and of the machine for an hour."""

MOST_IN_ORDER = 32
"""Jobs of a batch up to which it is found out what can be placed in their order: the first weighs twice the second."""

_HOUR = 3600.0

Weights = dict[str, list[int]]
"""By kind of weight, of each job of a batch."""


def compare(task: Task, machine: Machine, workload: Workload) -> Result:
    """Return a row for each batch and pool.

    Parameters
    ----------
    task
        Its first pool makes the states; all of them place the batches.
    machine, workload
        As the task has them.

    Notes
    -----
    A batch is the jobs that come next at a moment.
    """
    # Batches take most of the time, so that the part of the jobs that started tells nothing of it.
    twin = Twin(task, machine, workload, Patience(0.0))
    outline = outline_of(machine)
    rows: list[dict[str, Any]] = []
    for number in range(task.snapshots):
        moment = workload.span * (number + 0.5) / task.snapshots
        twin.simulation.run(until=START + moment)
        running = dict(twin.measures.running)
        batch = [job for job in workload.jobs if job.submit > moment][: task.batch]
        if not batch:
            continue
        weights = _weights(batch, workload, outline)
        placed = {pool: _one_by_one(pool, task, workload, running, batch) for pool in task.pools}
        best = _optima(task, machine, workload, running, batch, weights)
        for pool, places in placed.items():
            row: dict[str, Any] = {"pool": pool, "batch": number, "time": moment, "jobs": len(batch)}
            for kind, weight in weights.items():
                # What was found by the time limit may be less than what a pool finds, which is a placement too.
                optimum = max(best[kind][0], *(_sum(weight, some) for some in placed.values()))
                row |= _figures(kind, _sum(weight, places), optimum, max(optimum, best[kind][1]), best[kind][2])
            rows.append(row)
    columns = {name: [row[name] for row in rows] for name in rows[0]} if rows else {}
    return {"figures": {}, "greed": columns}


def _figures(kind: str, placed: int, optimum: int, bound: int, in_order: int | None) -> dict[str, Any]:
    """Return the columns of a kind of weight: jobs as numbers, work in machines, or machines for an hour."""
    part: Callable[[int], float] = (lambda value: value) if not kind else (lambda value: value / UNITS)
    names = ("placed", "optimum", "bound") if not kind else (kind, f"{kind} optimum", f"{kind} bound")
    found = dict(zip(names, map(part, (placed, optimum, bound)), strict=True))
    return {**found, f"{kind} in order".strip(): None if in_order is None else part(in_order)}


def _weights(batch: Sequence[Submission], workload: Workload, outline: Outline) -> Weights:
    forms = [workload.forms[job.form] for job in batch]
    shares = [outline.share(form.cores, form.gpus) * UNITS for form in forms]
    times = [share * job.limit / _HOUR for share, job in zip(shares, batch, strict=True)]
    return {
        "": [1] * len(batch),
        "work": [max(1, round(share)) for share in shares],
        "work time": [max(1, round(time)) for time in times],
    }


def _sum(weight: Sequence[int], places: Sequence[int]) -> int:
    return sum(weight[place] for place in places)


def _optima(
    task: Task,
    machine: Machine,
    workload: Workload,
    running: Mapping[int, R],
    batch: Sequence[Submission],
    weights: Weights,
) -> dict[str, tuple[int, int, int | None]]:
    """Return for each weight the most that fits together, the bound of it, and what fits in the order of the jobs."""
    solver = Pool(machine, Options(time_limit=task.joint_limit, **task.meaning))
    for job, resources in running.items():
        solver.register_alloc(job, resources)
    requests = [ParsedRequest(workload.forms[job.form].jobspec(0.0)).request for job in batch]

    def together(weight: Sequence[int]) -> tuple[int, int]:
        jobs = [BatchJob(i, request, weight=w) for i, (request, w) in enumerate(zip(requests, weight, strict=True))]
        best = place_mixed(solver, jobs, task.joint_limit, local=False)
        return best.weight, best.bound

    in_order: list[int] | None = None
    if len(batch) <= MOST_IN_ORDER:
        first, _ = together([1 << place for place in reversed(range(len(batch)))])
        in_order = [place for place in range(len(batch)) if first >> (len(batch) - 1 - place) & 1]
    found = {}
    for kind, weight in weights.items():
        most, bound = together(weight)
        kept = None if in_order is None else _sum(weight, in_order)
        found[kind] = max(most, kept or 0), bound, kept
    return found


def _one_by_one(
    name: str, task: Task, workload: Workload, running: Mapping[int, R], batch: Sequence[Submission]
) -> list[int]:
    """Return which jobs of a batch a pool places in their order, those that do not fit passed over."""
    pool_name = PoolName.read(name)
    pool_class: Any = pool_name.load()
    pool = pool_class(task.R, **pool_name.keywords(task.choice, task.time_limit))
    for job, resources in running.items():
        # Without its tree: some pools make no pool of the tree of a job on any ranks.
        pool.register_alloc(job, ResourcePool({"version": 1, "execution": resources["execution"]}))
    placed = []
    for place, one in enumerate(batch):
        request = pool.parse_resource_request(workload.forms[one.form].jobspec(one.limit))
        try:
            pool.alloc(one.number, request)
        except (InsufficientResources, InfeasibleRequest):
            continue
        placed.append(place)
    return placed
