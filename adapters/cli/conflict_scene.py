"""The machine as a job that does not fit sees it: which nodes fail on what, and who is in its way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...grammar.errors import printable
from ..drawing.groups import amounts_taken
from ..drawing.palette import MOST_JOBS
from ..drawing.scene import HELD_BEFORE, Holding, Scene, Tenant, holdings, make_scene
from .case import Case
from .console import clip, clip_start
from .job_input import Job

if TYPE_CHECKING:
    from ...solver.explain import Explanation

_NAME = 52
_SECONDS = 1.0
"""For finding out what the nodes have for a job."""


def conflict_scene(read: Case, job: Job, explanation: Explanation) -> Scene:
    """Return the machine with the jobs that are in conflict, each node with what it fails on or has room for."""
    from ...solver.explain.places import node_findings

    conflict = explanation.conflict
    guilty = conflict.all_jobs if conflict is not None else ()
    # Those for which no mark is left are drawn as one, so that they make no more states than they differ in.
    numbers = {jobid: min(number, MOST_JOBS + 1) for number, jobid in enumerate(guilty, start=1)}
    tenants = [
        Tenant(number, f"in conflict: {clip_start(printable(read.running[jobid][0]), _NAME)}")
        for jobid, number in numbers.items()
        if number <= MOST_JOBS
    ]
    if len(guilty) > MOST_JOBS:
        tenants.append(Tenant(MOST_JOBS + 1, f"in conflict: {len(guilty) - MOST_JOBS} more jobs"))
    notes = [(nodes, printable(text)) for nodes, text in node_findings(explanation.trials, _SECONDS)]
    if conflict is not None and conflict.all_down:
        notes.append((conflict.all_down, "in conflict"))
    title = f"{printable(read.named.name)}, job {job.number}: {clip(printable(job.name), _NAME)}"
    used = amounts_taken(read.machine, [R for _, R in read.running.values()])
    return make_scene(title, read.machine, _held(read, numbers), read.down, tenants, notes, used)


def _held(read: Case, numbers: dict[int, int]) -> Iterator[Holding]:
    for jobid, (_, R) in read.running.items():
        yield from holdings(read.machine, numbers.get(jobid, HELD_BEFORE), R)
