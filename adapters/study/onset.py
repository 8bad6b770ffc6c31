"""The state in which a study begins: who holds what and until when, what is down, and who waits already.

What runs ends when its limit says, and what waits runs as long as it may, as nobody knows better. The queue comes
first, in its order, and the workload after it.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import astuple, dataclass, replace
from typing import Any

from ...grammar.errors import printable
from ...grammar.idset import IdSet
from ...topology.expect import array_of, mapping
from ..snapshot.model import Snapshot, Waiting
from .outline import Outline
from .submissions import Form, Forms, Submission, Submissions, Workload

_PRIORITY = 16
"""That of a job that says nothing of it; the order of the queue is that of the numbers."""
_NAMED = 4


@dataclass(frozen=True)
class Onset:
    """A state.

    Attributes
    ----------
    held
        R of each job that runs, and the seconds that it has left; 0 for one that has no end.
    down
        Ranks that take no jobs, as an idset.
    jobs, forms
        The queue; rows of `Submission` and `Form`.
    """

    held: tuple[tuple[Mapping[str, Any], float], ...] = ()
    down: str = ""
    jobs: tuple[tuple[Any, ...], ...] = ()
    forms: tuple[tuple[Any, ...], ...] = ()

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Onset:
        """Return the state of JSON values that `dataclasses.asdict` made."""
        rows = {name: tuple(tuple(row) for row in value[name]) for name in ("held", "jobs", "forms")}
        return cls(down=value["down"], **rows)

    def before(self, workload: Workload) -> Workload:
        """Return a workload with the queue before it."""
        queue = sorted((Submission(*row) for row in self.jobs), key=_submitted)
        forms = tuple(Form(*row) for row in self.forms)
        shifted = (replace(job, form=job.form + len(forms)) for job in workload.jobs)
        jobs = heapq.merge(queue, shifted, key=_submitted)
        numbered = Submissions(astuple(replace(job, number=number)) for number, job in enumerate(jobs, start=1))
        return replace(workload, jobs=numbered, forms=(*forms, *workload.forms))


def _submitted(job: Submission) -> float:
    return job.submit


def onset_of(snapshot: Snapshot, outline: Outline) -> tuple[Onset, list[str]]:
    """Return the state of a snapshot, and in words what of it there is and what is left out.

    Raises
    ------
    ValueError
        For an R or a jobspec that is none.
    """
    held = tuple(_held(snapshot))
    forms = Forms(outline)
    jobs: list[Submission] = []
    without: list[str] = []
    for job in snapshot.waiting:
        if job.blocked or not job.seconds:
            without.append(job.id)
            continue
        submit = max(0.0, job.begin - snapshot.taken)
        place = forms.of_resources(array_of(job.jobspec.get("resources"), f"job {job.id}: resources"), _constraint(job))
        jobs.append(Submission(len(jobs) + 1, submit, job.seconds, job.seconds, _PRIORITY, place))
    down = IdSet.parse("")
    for gone in snapshot.down:
        down |= IdSet.parse(gone.ranks)
    rows = tuple((j.number, j.submit, j.runtime, j.limit, j.priority, j.form) for j in jobs)
    made = tuple((f.text, list(f.resources), f.constraint, f.cores, f.gpus) for f in forms.found)
    said = [
        f"It begins as {printable(snapshot.system)} was: {len(held)} jobs run, each to its limit; {len(jobs)} wait and "
        "come first, each for as long as it may run."
    ]
    endless = sum(1 for _, left in held if not left)
    if endless:
        said.append(f"{endless} of those that run have no end, and hold what they have to the last.")
    if without:
        named = ", ".join(printable(name) for name in without[:_NAMED]) + (", ..." if len(without) > _NAMED else "")
        said.append(
            f"Of those that wait {len(without)} cannot start or do not say how long, and are left out: {named}."
        )
    if snapshot.reservations:
        said.append(f"{len(snapshot.reservations)} reservations are not looked at.")
    return Onset(held, str(down), rows, made), said


def _held(snapshot: Snapshot) -> Iterator[tuple[Mapping[str, Any], float]]:
    for job in snapshot.running:
        execution = mapping(job.R.get("execution"), f"job {job.id}: R: execution")
        # One that is over its limit ends with the next breath.
        left = max(job.end - snapshot.taken, 1.0) if job.end > 0 else 0.0
        yield {**job.R, "execution": dict(execution)}, left


def _constraint(job: Waiting) -> Mapping[str, Any] | None:
    attributes = mapping(job.jobspec.get("attributes", {}), f"job {job.id}: attributes")
    system = mapping(attributes.get("system", {}), f"job {job.id}: attributes.system")
    constraint = system.get("constraints")
    return None if constraint is None else mapping(constraint, f"job {job.id}: constraints")


def beginning(held: tuple[Mapping[str, Any], float], start: float) -> dict[str, Any]:
    """Return the R of a job that runs, on a clock that begins then."""
    R, left = held
    times = {"starttime": start, "expiration": start + left if left else 0.0}
    return {**R, "execution": {**R["execution"], **times}}
