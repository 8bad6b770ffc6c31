"""Runs a task: one simulation of a workload, a machine, a pool and a policy of the queue, or the price of greed."""

from __future__ import annotations

import heapq
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...solver.cpsat.loading import load_solver
from ...topology.machine import Machine
from ...topology.rset import read_R
from .columns import has_parquet
from .figures import by_level, figures
from .greed import compare
from .outline import outline_of
from .patience import GAVE_UP, OutOfPatienceError, Patience
from .slots import placement_of
from .submissions import Workload
from .tables import Table
from .task import GREED, WRITTEN, Result, Task
from .task_simulation import START, Twin, needs_solver


def run_task(value: Mapping[str, Any], into: str | None = None) -> Result:
    """Run a task given as JSON values, and return its result as such.

    Parameters
    ----------
    value
        The task.
    into
        A folder that is made anew, where its tables are written as they grow, so that no more of them is in memory
        than a block; None: they come with the result.
    """
    task = Task.from_json(value)
    machine = read_R(task.R)
    workload = task.source.workload(outline_of(machine), task.seed, task.load)
    if task.patience and (task.kind == GREED or needs_solver(task)):
        # Loading is no part of what a simulation takes, and not to be interrupted.
        load_solver()
    patience = Patience(task.patience)
    try:
        with patience.limit():
            if task.kind == GREED:
                return compare(task, machine, workload)
            if into is None:
                return run(task, machine, workload, patience)
            folder = Path(into)
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            return {**run(task, machine, workload, patience, folder), WRITTEN: into}
    except OutOfPatienceError:
        if into is not None:
            shutil.rmtree(into, ignore_errors=True)
        return {GAVE_UP: patience.gave_up().to_json()}


def run(
    task: Task, machine: Machine, workload: Workload, patience: Patience | None = None, into: Path | None = None
) -> Result:
    """Run a workload through one pool.

    Parameters
    ----------
    task, machine, workload
        What is run.
    patience
        When it is given up.
    into
        Where its tables are written as they grow; None: they come with the result.
    """
    taking = patience or Patience(0.0)
    parquet = has_parquet()
    moment = START + fullest(workload)
    twin = Twin(
        task,
        machine,
        workload,
        taking,
        lambda name, kinds: Table(kinds, into / name if into else None, parquet=parquet),
        moment,
    )
    begin = taking.taken()
    twin.simulation.run(until=moment)
    running = twin.measures.running
    held = [[job, dict(R["execution"])] for job, R in running.items()]
    placements = [placement_of(machine, R, twin.size_of(job)) for job, R in running.items()]
    twin.simulation.run()
    tables = twin.finish()
    totals, outline = twin.records.totals, outline_of(machine)
    means = dict.fromkeys(twin.records.columns, 0.0)
    means |= zip(twin.records.columns, twin.series.means(), strict=False)
    return {
        "figures": {
            **figures(totals, means, START + (workload.jobs[0].submit if workload.jobs else 0.0), outline),
            "time in all": taking.taken() - begin,
            **by_level(totals, means, machine, twin.measures.intact.total),
        },
        "moment": {
            "time": moment - START,
            "held": held,
            "placements": placements,
            "around": twin.around.told(),
        },
        **tables,
    }


def fullest(workload: Workload) -> float:
    """Return the time at which most jobs would run, were the machine without end: one moment for all pools."""
    ends: list[float] = []
    most, moment = 0, 0.0
    for job in workload.jobs:
        while ends and ends[0] <= job.submit:
            heapq.heappop(ends)
        heapq.heappush(ends, job.submit + job.runtime)
        if len(ends) > most:
            most, moment = len(ends), job.submit
    return moment
