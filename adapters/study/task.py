"""One simulation to be run, in plain values: what goes to a worker, and what a result is kept under."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, astuple, dataclass, field
from functools import lru_cache
from typing import Any

from ...topology.machine import Machine
from .altered import AS_IT_IS
from .generate import Generator, generate, read_mix
from .onset import Onset
from .outline import Outline
from .submissions import Form, Submissions, Workload, shaken, under_load

RUN, GREED = "run", "greed"
"""Kinds of tasks: a pool runs the whole workload; pools place batches of it, against the optimum."""

EASY, FLUX, CONSERVATIVE, FIFO = "easy", "flux", "conservative", "fifo"
SCHEDULING = {
    EASY: "EASY backfill (Lifka 1995; Mu'alem and Feitelson 2001)",
    FLUX: "backfill as Flux's sched-backfill does it: only jobs that end before the reservation",
    CONSERVATIVE: "conservative backfill (Mu'alem and Feitelson 2001)",
    FIFO: "strictly in order",
}
"""Policies of the queue, by name, and what they are."""

Result = dict[str, Any]
"""``figures`` by name; ``moment``: what jobs hold at one time; ``jobs``, ``decisions``, ``series``, or for `GREED`
``greed``: tables as columns."""

WRITTEN = "written"
"""In a result whose tables are files: the folder where they are."""

VERSION = 13
"""Goes up when the same task would give another result, so that what was kept is not taken for it."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a task's jobs come from.

    Attributes
    ----------
    generator
        As `Generator` reads it; "" for a trace.
    mix
        Text of a mix for it; "" for the usual one.
    jobs, forms
        Of a trace; the packed `Submissions`, and rows of `Form`.
    offered
        The load of the trace.
    onset
        The state in which it begins; None for the idle machine.
    outline
        Of the machine that jobs are made for, where that is another than the one that they run on: `Outline`'s values.
    """

    generator: str = ""
    mix: str = ""
    jobs: str = ""
    forms: tuple[tuple[Any, ...], ...] = ()
    offered: float = 0.0
    onset: Onset | None = None
    outline: Mapping[str, Any] | None = None

    @classmethod
    def of(cls, workload: Workload) -> Source:
        """Return the source that a trace's workload is."""
        jobs = workload.jobs
        if not isinstance(jobs, Submissions):
            jobs = Submissions(astuple(job) for job in jobs)
        forms = tuple((f.text, list(f.resources), f.constraint, f.cores, f.gpus) for f in workload.forms)
        return cls(jobs=jobs.packed(), forms=forms, offered=workload.load)

    def workload(self, outline: Outline, seed: int, load: float | None) -> Workload:
        """Return the jobs; those that wait at the beginning come first, whatever the seed and the load.

        Parameters
        ----------
        outline
            Of the machine.
        seed
            From 1. A trace is taken as it is for 1; every other seed shakes its submissions.
        load
            What is to be offered; None for what the source says.
        """
        coming = self._coming(Outline(**self.outline) if self.outline is not None else outline, seed, load)
        return coming if self.onset is None else self.onset.before(coming)

    def _coming(self, outline: Outline, seed: int, load: float | None) -> Workload:
        if self.generator:
            generator = Generator.read(self.generator)
            if load is not None:
                values = asdict(generator)
                generator = Generator(**{**values, "load": load}).checked()
            return generate(generator, outline, seed, read_mix(self.mix, "the mix") if self.mix else None)
        jobs = Submissions.unpacked(self.jobs)
        workload = Workload(jobs, tuple(Form(*row) for row in self.forms), self.offered)
        if seed > 1:
            workload = shaken(workload, seed)
        return workload if load is None else under_load(workload, load)


@dataclass(frozen=True, slots=True)
class Task:
    """One simulation.

    Attributes
    ----------
    kind
        `RUN` or `GREED`.
    R
        The machine.
    source
        The jobs.
    pools
        One for a run; several to be compared for `GREED`, the first of which makes the states.
    scheduling
        One of `SCHEDULING`.
    queue_depth
        How many jobs the scheduler sees at a time.
    seed, load
        Of the workload.
    prove
        Whether our solver is asked about each refusal.
    snapshots, batch
        For `GREED`: how many batches, of how many jobs.
    time_limit
        Seconds for one decision of our pool, and for one proof.
    joint_limit
        For `GREED`: seconds for the optimum of a batch.
    choice
        What the site chose for our solver, as keywords of its pool: the policy of the pool that names none, and what
        a request means.
    files
        Digests of what stands in files that the policies of our pools name.
    patience
        Seconds of the processor after which the simulation is given up, 0 for none; no part of what it is.
    machine
        What is different of the machine, in words; no part of what it is either, as R says it.
    """

    kind: str
    R: Mapping[str, Any] = field(hash=False)
    source: Source = field(hash=False)
    pools: tuple[str, ...]
    scheduling: str = EASY
    queue_depth: int = 8
    seed: int = 1
    load: float | None = None
    prove: bool = True
    snapshots: int = 0
    batch: int = 0
    time_limit: float = 0.5
    joint_limit: float = 10.0
    choice: Mapping[str, str] = field(default_factory=dict, hash=False)
    files: tuple[str, ...] = ()
    patience: float = 0.0
    machine: str = AS_IT_IS

    @property
    def meaning(self) -> dict[str, Any]:
        """The part of the choice that says what a request means, whatever the policy."""
        return {name: value for name, value in self.choice.items() if name != "policy"}

    @property
    def key(self) -> str:
        """A name for the result: equal tasks have equal ones."""
        values = self.to_json()
        del values["patience"], values["machine"]
        # Many tasks are of one trace.
        values["source"]["jobs"] = _digest(self.source.jobs)
        if self.source.outline is None:
            del values["source"]["outline"]
        text = json.dumps([VERSION, values], sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:20]

    @property
    def label(self) -> str:
        """A name for people."""
        load = f" load {self.load:g}" if self.load is not None else ""
        load += f" {self.machine}" if self.machine else ""
        what = ", ".join(self.pools) if self.kind == RUN else "price of greed"
        return f"{what} {self.scheduling}{load} seed {self.seed}"

    def to_json(self) -> dict[str, Any]:
        """Return the task as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Task:
        """Return the task of JSON values that `to_json` made."""
        source = dict(value["source"])
        source["forms"] = tuple(tuple(row) for row in source["forms"])
        source["onset"] = Onset.from_json(source["onset"]) if source.get("onset") else None
        return cls(
            **{**value, "source": Source(**source), "pools": tuple(value["pools"]), "files": tuple(value["files"])}
        )


@lru_cache(maxsize=8)
def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def machine_R(machine: Machine) -> dict[str, Any]:
    """Return a machine as the R that every pool of a study is made of."""
    from ...topology.rset import write_R

    return write_R(machine, machine.holdings)
