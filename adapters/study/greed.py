"""The price of greed: what pools place of a batch, one job after the other, against the optimum of the whole batch."""

from __future__ import annotations

from typing import Any

from ...solver.joint import BatchJob, place_mixed
from ...solver.options import Options
from ...solver.pool import Pool
from ...topology.machine import Machine
from ..flux.requests import ParsedRequest
from ..flux.upstream import InfeasibleRequest, InsufficientResources, ResourcePool
from ..twin.jobs import R
from .pools import PoolName
from .submissions import Submission, Workload
from .task import Result, Task
from .task_simulation import START, Twin


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
    twin = Twin(task, machine, workload)
    requests = [ParsedRequest(form.jobspec(0.0)).request for form in workload.forms]
    rows: list[dict[str, Any]] = []
    for number in range(task.snapshots):
        moment = workload.span * (number + 0.5) / task.snapshots
        twin.simulation.run(until=START + moment)
        running = dict(twin.measures.running)
        batch = [job for job in workload.jobs if job.submit > moment][: task.batch]
        if not batch:
            continue
        solver = Pool(machine, Options(time_limit=task.joint_limit, **task.meaning))
        for job, resources in running.items():
            solver.register_alloc(job, resources)
        jobs = [BatchJob(job.number, requests[job.form]) for job in batch]
        best = place_mixed(solver, jobs, task.joint_limit, local=False)
        counts = {pool: _one_by_one(pool, task, workload, running, batch) for pool in task.pools}
        # What was found by the time limit may be less than what a pool finds one by one, which is a placement too.
        optimum = max(best.weight, *counts.values())
        bound = max(optimum, best.bound)
        for pool, placed in counts.items():
            row = {"pool": pool, "batch": number, "time": moment, "jobs": len(batch), "placed": placed}
            rows.append({**row, "optimum": optimum, "bound": bound})
    columns = {name: [row[name] for row in rows] for name in rows[0]} if rows else {}
    return {"figures": {}, "greed": columns}


def _one_by_one(name: str, task: Task, workload: Workload, running: dict[int, R], batch: list[Submission]) -> int:
    """Return how many jobs of a batch a pool places in their order, those that do not fit passed over."""
    pool_name = PoolName.read(name)
    pool_class: Any = pool_name.load()
    pool = pool_class(task.R, **pool_name.keywords(task.choice, task.time_limit))
    for job, resources in running.items():
        # Without its tree: some pools make no pool of the tree of a job on any ranks.
        pool.register_alloc(job, ResourcePool({"version": 1, "execution": resources["execution"]}))
    placed = 0
    for one in batch:
        request = pool.parse_resource_request(workload.forms[one.form].jobspec(one.limit))
        try:
            pool.alloc(one.number, request)
        except (InsufficientResources, InfeasibleRequest):
            continue
        placed += 1
    return placed
