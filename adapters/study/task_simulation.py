"""A task's simulation, set up: the twin of a machine under its scheduler, with what measures it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from ...solver.cpsat.loading import load_solver
from ...solver.joint.wants import want_of
from ...topology.machine import Machine
from ..flux.requests import ParsedRequest
from ..flux.upstream import InfeasibleRequest
from ..twin.conservative import ConservativeBackfill
from ..twin.events import Down
from ..twin.jobs import Job, Outcome
from ..twin.observers import Observer
from ..twin.outlook import Need, Outlook
from ..twin.policies import EasyBackfill, Fifo, FluxBackfill, earliest_start
from ..twin.scheduler import PendingJob, Policy, Scheduler
from ..twin.simulation import Simulation
from .around import Around
from .locality import SlotSize, slot_size
from .measures import Measures, Place, Series
from .onset import Onset, beginning
from .patience import Patience
from .pools import PoolName
from .probe import Recorder, Shadow
from .records import Records
from .submissions import Form, Workload
from .tables import Kinds, Table
from .task import CONSERVATIVE, EASY, FLUX, Task

START = 1.0
"""The twin's clock begins here, as times of 0 stand for none in Flux."""


class Twin:
    """A simulation that is set up and not yet run.

    Parameters
    ----------
    task
        What is to be run; its first pool runs it.
    machine, workload
        As the task has them.
    patience
        Looked to before each decision.
    tables
        Makes the table of a name and columns.
    moment
        On the twin's clock: who stands where around it is kept.
    observers
        Told of what the twin's observers are.
    """

    def __init__(
        self,
        task: Task,
        machine: Machine,
        workload: Workload,
        patience: Patience,
        tables: Callable[[str, Kinds], Table] = lambda _, kinds: Table(kinds),
        moment: float = float("inf"),
        observers: Sequence[Observer] = (),
    ) -> None:
        name = PoolName.read(task.pools[0])
        self.workload = workload
        self._sizes = [slot_size(form.resources) for form in workload.forms]
        self._forms: dict[int, int] = {}
        self._shadow = Shadow(machine, task.time_limit, task.meaning) if task.prove and not name.ours else None
        self._ours = name.ours
        if needs_solver(task):
            # Loading it is no part of the first decision or proof that needs it.
            load_solver()
        self._needs = [_need(form, exact=name.ours) for form in workload.forms]
        self._outlook = Outlook(machine.holdings)
        self.around = Around(machine, moment, START)
        self.records = Records(machine, tables, START)
        series = Series(self.records.series, START, START + (workload.jobs[-1].submit if workload.jobs else 0.0))
        self.measures = Measures(
            machine, self.size_of, self._clock, series, self._over, shadow=self._shadow, outlook=self._outlook
        )
        self.series = series
        self.recorder = Recorder(self._clock, self.measures.busy, self._wrong, self.records.decided, patience.look)
        patience.measure(self._started)
        self.simulation = Simulation(
            self.recorder.of(name.load()),
            task.R,
            policy=lambda: self._policy(task.scheduling),
            queue_depth=task.queue_depth or None,
            forecast=False,
            observers=[self.measures, *observers],
            pool_kwargs=name.keywords(task.choice, task.time_limit),
            settled=self._settled,
            brief=True,
            start=START,
        )
        self._onset = task.source.onset
        self._begin(self._onset)
        self.simulation.stream(self._submissions())

    def _submissions(self) -> Iterator[tuple[float, Job]]:
        """Yield jobs as they come, so that no more of them are made than wait and run."""
        for job in self.workload.jobs:
            self._forms[job.number] = job.form
            spec = self.workload.forms[job.form].jobspec(job.limit)
            yield START + job.submit, Job(job.number, spec, job.runtime, job.priority)

    def _over(self, outcome: Outcome, place: Place | None) -> None:
        """Write down a job that is over, and forget it."""
        job = outcome.job.id
        self.around.add(outcome, place, self.size_of(job))
        if job > len(self.workload.jobs):
            self.records.totals.begin(outcome, place)
            return
        self.recorder.refused.pop(job, None)
        self.records.over(outcome, place, self.workload.forms[self._forms[job]].text)
        del self._forms[job]

    def finish(self) -> dict[str, dict[str, list[Any]]]:
        """Write down what never ran, and return the tables that are in memory."""
        for outcome in list(self.simulation.jobs.values()):
            self._over(outcome, self.measures.place_of(outcome.job.id))
        return self.records.close()

    def _begin(self, onset: Onset | None) -> None:
        """Let those run that hold something at the beginning, and take down what is down."""
        if onset is None:
            return
        first = len(self.workload.jobs) + 1
        self.simulation.begin(
            (Job(number, {}, left or float("inf")), beginning((R, left), START))
            for number, (R, left) in enumerate(onset.held, start=first)
        )
        if onset.down:
            self.simulation.at(START, Down(onset.down))

    def _started(self) -> float:
        """Return the part of the jobs that have started or never will."""
        begun = self.measures.begun - (len(self._onset.held) if self._onset is not None else 0)
        return begun / len(self.workload.jobs)

    def _policy(self, name: str) -> Policy:
        if name == EASY:
            return EasyBackfill(self._foresee, self._hopeful, self._counted)
        if name == FLUX:
            return FluxBackfill(self._foresee, self._hopeful, self._counted)
        return ConservativeBackfill(self._hopeful_after) if name == CONSERVATIVE else Fifo()

    def _clock(self) -> float:
        return self.simulation.now

    def size_of(self, job: int) -> SlotSize | None:
        """Return what each slot of a job holds, None where they are of several kinds, or it ran at the beginning."""
        return self._sizes[self._forms[job]] if job in self._forms else None

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

    def _hopeful_after(self, job: int, ended: Iterable[int]) -> bool:
        need = self._needs[self._forms[job]]
        return need is None or self._outlook.without(need, ended)

    def _counted(self, job: int) -> bool:
        """Tell whether the pool finds a place for a job wherever counts allow one."""
        form = self._forms[job]
        return self._ours and self._needs[form] is not None and self.workload.forms[form].constraint is None

    def _foresee(self, scheduler: Scheduler, job: PendingJob) -> float | None:
        """Find the time of a reservation: on a copy of the pool, or by counting alone where that is all it takes."""
        need = self._needs[self._forms[job.jobid]]
        if need is not None and self._counted(job.jobid):
            return self._outlook.earliest(need)
        room = partial(self._outlook.after, need) if need is not None else None
        return earliest_start(scheduler.resources.copy(), job.jobid, job.resource_request, 0.0, room)


def needs_solver(task: Task) -> bool:
    """Tell whether the solver decides in a run, or proves."""
    return task.prove or PoolName.read(task.pools[0]).ours


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
