"""Runs a task: one simulation of a workload, a machine, a pool and a policy of the queue, or the price of greed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...solver.cpsat.loading import clock, load_solver
from ...topology.machine import Machine
from ...topology.rset import read_R
from .figures import figures, slowdown
from .greed import compare
from .outline import outline_of
from .patience import GAVE_UP, OutOfPatienceError, Patience
from .slots import placement_of
from .submissions import Workload
from .task import GREED, Result, Task
from .task_simulation import START, Twin


def run_task(value: Mapping[str, Any]) -> Result:
    """Run a task given as JSON values, and return its result as such."""
    task = Task.from_json(value)
    machine = read_R(task.R)
    workload = task.source.workload(outline_of(machine), task.seed, task.load)
    if task.patience:
        # Loading is no part of what a simulation takes, and not to be interrupted.
        load_solver()
    patience = Patience(task.patience)
    try:
        with patience.limit():
            if task.kind == GREED:
                return compare(task, machine, workload)
            return run(task, machine, workload, patience)
    except OutOfPatienceError:
        return {GAVE_UP: patience.gave_up().to_json()}


def run(task: Task, machine: Machine, workload: Workload, patience: Patience | None = None) -> Result:
    """Run a workload through one pool."""
    begin = clock()
    twin = Twin(task, machine, workload, patience or Patience(0.0))
    moment = START + fullest(workload)
    twin.simulation.run(until=moment)
    running = twin.measures.running
    held = [[job, dict(R["execution"])] for job, R in running.items()]
    placements = [placement_of(machine, R, twin.size_of(job)) for job, R in running.items()]
    twin.simulation.run()
    wall = clock() - begin
    measures = twin.measures
    return {
        "figures": figures(twin.outcomes, measures, twin.recorder.decisions, outline_of(machine), wall, twin.begun),
        "moment": {"time": moment - START, "held": held, "placements": placements},
        "jobs": _job_columns(twin),
        "decisions": _decision_columns(twin),
        "series": {"time": [time - START for time in measures.series.times], **measures.series.columns},
    }


def fullest(workload: Workload) -> float:
    """Return the time at which most jobs would run, were the machine without end: one moment for all pools."""
    changes = [(job.submit, 1) for job in workload.jobs] + [(job.submit + job.runtime, -1) for job in workload.jobs]
    running = most = 0
    moment = 0.0
    for time, change in sorted(changes):
        running += change
        if running > most:
            most, moment = running, time
    return moment


def _job_columns(twin: Twin) -> dict[str, Sequence[Any]]:
    levels = twin.measures.machine.levels
    rows: list[dict[str, Any]] = []
    for number, outcome in sorted(twin.outcomes.items()):
        place = twin.measures.places.get(number)
        started, ended = outcome.started, outcome.ended
        wait = started - outcome.submitted if started is not None else None
        row: dict[str, Any] = {
            "job": number,
            "shape": twin.workload.forms[twin._forms[number]].text,
            "submit": outcome.submitted - START,
            "start": started - START if started is not None else None,
            "end": ended - START if ended is not None else None,
            "wait": wait,
            "slowdown": slowdown(wait, ended - started) if wait is not None and ended and started else None,
            "cores": place.cores if place else None,
            "gpus": place.gpus if place else None,
            "nodes": place.nodes if place else None,
            "slots": place.locality.slots if place else None,
        }
        for level in levels:
            row[f"touched.{level}"] = place.locality.touched[level] if place else None
            row[f"local.{level}"] = place.locality.local[level] if place else None
        rows.append(row)
    return {name: [row[name] for row in rows] for name in rows[0]} if rows else {}


def _decision_columns(twin: Twin) -> dict[str, Sequence[Any]]:
    decisions = twin.recorder.decisions
    return {
        "time": [d.time - START for d in decisions],
        "job": [d.job for d in decisions],
        "seconds": [d.seconds for d in decisions],
        "answer": [d.answer for d in decisions],
        "busy": [d.busy for d in decisions],
        "wrong": [d.wrong for d in decisions],
    }
