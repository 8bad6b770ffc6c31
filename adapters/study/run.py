"""One simulation: a workload, a machine, a pool, a policy of the queue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from ...solver.cpsat.loading import clock
from ...solver.joint.wants import want_of
from ...topology.machine import Machine
from ...topology.rset import read_R
from ..flux.requests import ParsedRequest
from ..flux.upstream import InfeasibleRequest
from ..twin.events import Submit
from ..twin.jobs import Job
from ..twin.outlook import Need, Outlook
from ..twin.policies import EasyBackfill, Fifo, earliest_start
from ..twin.scheduler import PendingJob, Scheduler
from ..twin.simulation import Simulation
from .figures import figures, slowdown
from .locality import SlotSize, slot_size
from .measures import Measures
from .outline import outline_of
from .pools import PoolName
from .probe import Recorder, Shadow
from .submissions import Form, Workload
from .task import GREED, Task

SCHEDULING = ("easy", "fifo")
"""Policies of the queue, by name."""

START = 1.0
"""The twin's clock begins here, as times of 0 stand for none in Flux."""

Result = dict[str, Any]
"""``figures`` by name; ``moment``: what jobs hold at one time; ``jobs``, ``decisions``, ``series``, or for `GREED`
``greed``: tables as columns."""


def run_task(value: Mapping[str, Any]) -> Result:
    """Run a task given as JSON values, and return its result as such."""
    task = Task.from_json(value)
    machine = read_R(task.R)
    workload = task.source.workload(outline_of(machine), task.seed, task.load)
    if task.kind == GREED:
        from .greed import compare

        result: Result = compare(task, machine, workload)
        return result
    return run(task, machine, workload)


def run(task: Task, machine: Machine, workload: Workload) -> Result:
    """Run a workload through one pool."""
    begin = clock()
    twin = Twin(task, machine, workload)
    moment = START + fullest(workload)
    twin.simulation.run(until=moment)
    held = [[job, dict(R["execution"])] for job, R in twin.measures.running.items()]
    twin.simulation.run()
    wall = clock() - begin
    outcomes, measures = twin.simulation.jobs, twin.measures
    return {
        "figures": figures(outcomes, measures, twin.recorder.decisions, outline_of(machine), wall),
        "moment": {"time": moment - START, "held": held},
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


class Twin:
    """A simulation that is set up and not yet run.

    Parameters
    ----------
    task
        What is to be run; its first pool runs it.
    machine, workload
        As the task has them.
    """

    def __init__(self, task: Task, machine: Machine, workload: Workload) -> None:
        name = PoolName.read(task.pools[0])
        self.workload = workload
        self._sizes = [slot_size(form.resources) for form in workload.forms]
        self._forms = {job.number: job.form for job in workload.jobs}
        self._shadow = Shadow(machine, task.time_limit) if task.prove and not name.ours else None
        self._ours = name.ours
        self._needs = [_need(form, exact=name.ours) for form in workload.forms]
        self._outlook = Outlook(task.R)
        self.measures = Measures(machine, self._size_of, self._clock, self._shadow)
        self.recorder = Recorder(self._clock, self.measures.busy, self._wrong)
        self.simulation = Simulation(
            self.recorder.of(name.load()),
            task.R,
            policy=lambda: EasyBackfill(self._foresee, self._hopeful) if task.scheduling == "easy" else Fifo(),
            queue_depth=task.queue_depth or None,
            forecast=False,
            observers=[self.measures, self._outlook],
            pool_kwargs={**name.options, "time_limit": task.time_limit} if name.ours else name.options,
            settled=self._settled,
            start=START,
        )
        for job in workload.jobs:
            spec = workload.forms[job.form].jobspec(job.limit)
            self.simulation.at(START + job.submit, Submit(Job(job.number, spec, job.runtime, job.priority)))

    def _clock(self) -> float:
        return self.simulation.now

    def _size_of(self, job: int) -> SlotSize | None:
        return self._sizes[self._forms[job]]

    def _wrong(self, job: int, now: bool) -> bool | None:
        """Tell whether a refusal was wrong; our own pool's are proven by itself."""
        if self._shadow is None:
            return False if self._ours else None
        form = self._forms[job]
        return self._shadow.fits(form, self.workload.forms[form].jobspec(0.0), now=now)

    def _settled(self, job: int) -> bool:
        """Tell whether a job was refused before and the answer is clear: the same state, or too little that is free."""
        return self.recorder.settled(job) or (job in self.recorder.refused and not self._hopeful(job))

    def _hopeful(self, job: int) -> bool:
        need = self._needs[self._forms[job]]
        return need is None or self._outlook.now(need)

    def _foresee(self, scheduler: Scheduler, job: PendingJob) -> float | None:
        """Find the time of a reservation: on a copy of the pool, or by counting alone where that is all it takes."""
        need = self._needs[self._forms[job.jobid]]
        room = partial(self._outlook.after, need) if need is not None else None
        counted = self._ours and need is not None and job.resource_request.constraint is None
        pool = _Counted(scheduler.resources) if counted else scheduler.resources.copy()
        return earliest_start(pool, job.jobid, job.resource_request, 0.0, room)


class _Counted:
    """Stands for a copy of a pool that finds a place wherever counts allow one."""

    def __init__(self, pool: Any) -> None:
        self.job_end_times = pool.job_end_times

    def free(self, job: int) -> None:
        pass

    def alloc(self, job: int, request: object) -> None:
        pass


def _need(form: Form, *, exact: bool) -> Need | None:
    """Return what any placement of a form takes, where it is of equal slots; None elsewhere."""
    try:
        want = want_of(ParsedRequest(form.jobspec(0.0)).request)
    except (ValueError, InfeasibleRequest):
        # Another form, or none at all, which the pool will say.
        return None
    # Not every pool keeps nodes whole that are asked for so.
    whole = want.whole and exact
    if want.hosts:
        return Need(want.hosts, 0, want.slots * want.cores, want.slots * want.gpus, whole)
    return Need(0, want.slots, want.cores, want.gpus)


def _job_columns(twin: Twin) -> dict[str, Sequence[Any]]:
    levels = twin.measures.machine.levels
    rows: list[dict[str, Any]] = []
    for number, outcome in sorted(twin.simulation.jobs.items()):
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
