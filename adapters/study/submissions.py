"""Jobs with their shapes, ready to be submitted: what a simulation reads, in few plain values that travel well."""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from operator import eq
from typing import Any, overload

from ...grammar.jobspec import parse_resources
from ...grammar.shape import parse_shape, shape_text
from .outline import Outline
from .rules import Rules
from .spill import Rows
from .workloads.trace import Trace, TraceJob, WorkloadError

LEAST_LOAD, MOST_LOAD = 0.001, 100.0
"""What may be offered, 1 for all that the machine can do."""
_SHAKEN = 300.0
"""Seconds by which a later seed moves a trace's submissions, at most."""


@dataclass(frozen=True, slots=True)
class Form:
    """What jobs ask for that ask for the same.

    Attributes
    ----------
    text
        RFC 46, for people.
    resources
        RFC 14.
    constraint
        RFC 31, None for none.
    cores, gpus
        That it takes at least.
    """

    text: str
    resources: Sequence[Mapping[str, Any]]
    constraint: Mapping[str, Any] | None
    cores: int
    gpus: int

    def jobspec(self, limit: float) -> dict[str, Any]:
        """Return the jobspec (RFC 25) of a job with a time limit in seconds, 0 for none."""
        system: dict[str, Any] = {"duration": limit}
        if self.constraint is not None:
            system["constraints"] = self.constraint
        return {
            "version": 1,
            "resources": self.resources,
            "tasks": [{"command": ["job"], "slot": "task", "count": {"per_slot": 1}}],
            "attributes": {"system": system},
        }


@dataclass(frozen=True, slots=True)
class Submission:
    """A job: its number from 1, when it comes, how long it runs and may run, its priority, its place in the forms."""

    number: int
    submit: float
    runtime: float
    limit: float
    priority: int
    form: int


_WIDTH = len(fields(Submission))


class Submissions(Sequence[Submission]):
    """Jobs that are made again from their numbers each time they are looked at, as a million of them fill a memory."""

    def __init__(self, rows: Iterable[tuple[int, float, float, float, int, int]] = ()) -> None:
        self._rows = Rows(_WIDTH)
        for row in rows:
            self._rows.add(*row)

    def add(self, *row: float) -> None:
        """Add a job: its fields in the order of `Submission`."""
        self._rows.add(*row)

    def packed(self) -> str:
        """Return them as text, for a task."""
        return self._rows.packed()

    @classmethod
    def unpacked(cls, text: str) -> Submissions:
        """Return those that `packed` made a text of; none for no text."""
        found = cls()
        if text:
            found._rows = Rows.unpacked(_WIDTH, text)
        return found

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Submission]:
        for block in self._rows.blocks():
            yield from map(_submission, block.tolist())

    @overload
    def __getitem__(self, place: int) -> Submission: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[Submission]: ...

    def __getitem__(self, place: int | slice) -> Submission | Sequence[Submission]:
        """Return one job, or some."""
        if isinstance(place, slice):
            return tuple(self[one] for one in range(*place.indices(len(self))))
        return _submission(self._rows.row(place + len(self) if place < 0 else place))

    def __eq__(self, other: object) -> bool:
        """Tell whether there are the same jobs in the same order."""
        return isinstance(other, Sequence) and len(self) == len(other) and all(map(eq, self, other))

    def __hash__(self) -> int:
        return hash(len(self))


def _submission(row: Sequence[float]) -> Submission:
    number, submit, runtime, limit, priority, form = row
    return Submission(int(number), submit, runtime, limit, int(priority), int(form))


@dataclass(frozen=True, slots=True)
class Rounding:
    """What rules made of a trace's processors.

    Attributes
    ----------
    jobs
        That have a shape by a rule.
    up, down
        How many of them have more cores than processors, and fewer.
    work, more, less
        Processor-seconds of all of them, and by how many core-seconds these have more, and fewer.
    most_up, most_down
        The processors and cores of the job for which the difference is largest.
    """

    jobs: int = 0
    up: int = 0
    down: int = 0
    work: float = 0.0
    more: float = 0.0
    less: float = 0.0
    most_up: tuple[int, int] = (0, 0)
    most_down: tuple[int, int] = (0, 0)

    def with_job(self, processors: int, cores: int, runtime: float) -> Rounding:
        """Return this with another job."""
        over = cores - processors
        found = replace(self, jobs=self.jobs + 1, work=self.work + processors * runtime)
        if over > 0:
            most = max(self.most_up, (processors, cores), key=_apart)
            return replace(found, up=self.up + 1, more=self.more + over * runtime, most_up=most)
        if over < 0:
            most = max(self.most_down, (processors, cores), key=_apart)
            return replace(found, down=self.down + 1, less=self.less - over * runtime, most_down=most)
        return found


def _apart(pair: tuple[int, int]) -> int:
    return abs(pair[1] - pair[0])


@dataclass(frozen=True, slots=True)
class Workload:
    """Jobs by time of submission.

    Attributes
    ----------
    jobs
        The first at 0.
    forms
        What they ask for.
    load
        What is offered: the jobs' shares of the machine times their run times, over the time in which they come.
    rounding
        Of a trace's processors.
    """

    jobs: Sequence[Submission]
    forms: tuple[Form, ...]
    load: float
    rounding: Rounding = Rounding()

    @property
    def span(self) -> float:
        """Seconds from the first to the last submission."""
        return self.jobs[-1].submit - self.jobs[0].submit if self.jobs else 0.0


class Forms:
    """Collects what jobs ask for, equal ones once.

    Parameters
    ----------
    outline
        The machine.
    """

    def __init__(self, outline: Outline) -> None:
        self.outline = outline
        self.found: list[Form] = []
        self._places: dict[str, int] = {}

    def of_shape(self, text: str) -> int:
        """Return the place of a shape. ValueError when it is none."""
        place = self._places.get(text)
        if place is None:
            resources = _resources(text)
            place = self._places[text] = self._add(text, resources, None)
        return place

    def of_resources(self, resources: Sequence[Mapping[str, Any]], constraint: Mapping[str, Any] | None) -> int:
        """Return the place of RFC 14 resources. ValueError when they are none."""
        key = repr((resources, constraint))
        place = self._places.get(key)
        if place is None:
            try:
                text = shape_text(list(resources))
            except ValueError:
                text = "jobspec"
            place = self._places[key] = self._add(text, resources, constraint)
        return place

    def _add(self, text: str, resources: Sequence[Mapping[str, Any]], constraint: Mapping[str, Any] | None) -> int:
        cores, gpus = self.outline.appetite(parse_resources(resources))
        self.found.append(Form(text, resources, constraint, cores, gpus))
        return len(self.found) - 1


@lru_cache(maxsize=4096)
def _resources(text: str) -> list[dict[str, Any]]:
    return parse_shape(text)


def from_trace(trace: Trace, rules: Rules, most: int | None = None) -> Workload:
    """Return the workload of a trace.

    Parameters
    ----------
    trace
        The jobs.
    rules
        For jobs without a jobspec.
    most
        The first so many jobs alone.

    Raises
    ------
    WorkloadError
        When a rule fails or makes no shape.
    """
    forms = Forms(rules.outline)
    jobs = Submissions()
    rounding = Rounding()
    asked, places = rules.asked(), dict[tuple[Any, ...], int]()
    first = trace.jobs[0].submit
    for number, job in enumerate(trace.jobs[:most], start=1):
        if job.resources is not None:
            place = forms.of_resources(job.resources, job.constraint)
        else:
            key = tuple(getattr(job, name) for name in asked)
            known = places.get(key)
            place = places[key] = _shaped(job, rules, forms) if known is None else known
            rounding = rounding.with_job(job.processors, forms.found[place].cores, job.runtime)
        jobs.add(number, job.submit - first, job.runtime, job.limit, job.priority, place)
    return replace(measured(jobs, forms.found, rules.outline), rounding=rounding)


def _shaped(job: TraceJob, rules: Rules, forms: Forms) -> int:
    """Return the place of the shape that rules give to a job. WorkloadError where it is none."""
    shape = rules.shape(job)
    try:
        return forms.of_shape(shape)
    except ValueError as fault:
        raise WorkloadError(rules.name, None, f"job {job.name} becomes {shape[:80]!r}: {fault}") from None


def measured(jobs: Iterable[Submission], forms: Sequence[Form], outline: Outline) -> Workload:
    """Return a workload with its load."""
    kept = jobs if isinstance(jobs, Sequence) else tuple(jobs)
    work = sum(outline.share(forms[job.form].cores, forms[job.form].gpus) * job.runtime for job in kept)
    span = kept[-1].submit - kept[0].submit if kept else 0.0
    return Workload(kept, tuple(forms), work / span if span else 0.0)


def under_load(workload: Workload, load: float) -> Workload:
    """Return the workload with its submissions closer together or farther apart, so that the load is this."""
    if not workload.load:
        return workload
    factor = workload.load / load
    jobs = ((job.number, job.submit * factor, *_rest(job)) for job in workload.jobs)
    return replace(workload, jobs=Submissions(jobs), load=load)


def shaken(workload: Workload, seed: int) -> Workload:
    """Return the workload with each submission up to five minutes later, a sample of what might have been as well."""
    first = None
    jobs = Submissions()
    for number, (time, _, job) in enumerate(_moved(workload.jobs, random.Random(seed)), start=1):
        first = time if first is None else first
        jobs.add(number, time - first, *_rest(job))
    return replace(workload, jobs=jobs)


def _moved(jobs: Iterable[Submission], draw: random.Random) -> Iterator[tuple[float, int, Submission]]:
    """Yield the jobs by their later submissions; no more are held than come within five minutes."""
    held: list[tuple[float, int, Submission]] = []
    for job in jobs:
        while held and held[0][0] < job.submit:
            yield heapq.heappop(held)
        heapq.heappush(held, (job.submit + draw.uniform(0.0, _SHAKEN), job.number, job))
    while held:
        yield heapq.heappop(held)


def _rest(job: Submission) -> tuple[float, float, int, int]:
    return job.runtime, job.limit, job.priority, job.form
