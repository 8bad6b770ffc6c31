"""A queue to be planned: of the system that runs here, of a snapshot, or of files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ...grammar.errors import printable
from ...grammar.idset import IdSet
from ...grammar.jobspec import parse_jobspec
from ..snapshot.model import Snapshot, Waiting
from ..snapshot.take import take
from .case import Case
from .errors import InputError
from .job_input import read_jobs
from .machine_input import NamedMachine, of_snapshot, read_machine
from .options import CaseOptions
from .pools import make_pool, occupy
from .snapshot_state import announce, reserved_of
from .source import Sources
from .what_if import as_it_would_be

if TYPE_CHECKING:
    from ...solver.demand.request import Request
    from ...solver.explain import Kept
    from ...solver.pool import Pool

FIRST_ID = 2**40
"""Ids from here on are those of the queue."""


@dataclass(frozen=True)
class QueueCase:
    """A queue on a machine in a state.

    Attributes
    ----------
    read
        The machine, who holds what, how jobs are decided.
    queue
        Name and request of each job, the highest priority first.
    kept
        What they have to keep off, with what it is called.
    left_out
        What is not planned, and why, a line each.
    """

    read: Case
    queue: Sequence[tuple[str, Request]]
    kept: Sequence[tuple[str, Kept]]
    left_out: Sequence[str]

    @property
    def requests(self) -> list[tuple[int, Request]]:
        """The requests, by ids that no running job has."""
        return [(FIRST_ID + number, request) for number, (_, request) in enumerate(self.queue)]

    def pool(self) -> Pool:
        """Return the pool as it is; what is reserved now counts as kept, not as down."""
        read, snapshot = self.read, self.read.named.snapshot
        down = read.down
        if snapshot is not None:
            broken = 0
            for one in snapshot.down:
                broken |= read.machine.mask_of(IdSet.parse(one.ranks))
            down = (down & ~reserved_of(snapshot, read.machine, snapshot.taken)) | broken
        pool = make_pool(read.machine, read.options)
        occupy(pool, read.before, down, first_id=len(read.jobs) + 1)
        read.choice.announce()
        return pool


def read_queue(
    given: CaseOptions, snapshot: str | None, jobs: Sequence[str], most: int, seconds: float
) -> tuple[QueueCase, Snapshot | None]:
    """Return what is to be planned.

    Parameters
    ----------
    given
        Its machine is empty where a snapshot or the system that runs here is.
    snapshot
        A file.
    jobs
        The queue; none where it is that of a snapshot.
    most
        Jobs of the queue.
    seconds
        How long jobs run that do not say so; 0 where that is not known.

    Raises
    ------
    InputError
        For what cannot be read.
    SystemDownError
        When the system does not answer.
    """
    from ...solver.demand.request import Request

    sources = Sources()
    named = as_it_would_be(_named(given.machine, snapshot, sources), given.what_if)
    wanted = read_jobs(jobs, given.requires or [], sources)
    read = Case.of(named, given, wanted, sources)
    taken = named.snapshot
    if taken is not None:
        announce(taken)
    elif not wanted:
        raise InputError(f"{named.name}: a machine without a queue, and no JOB is given: there is nothing to plan")
    left_out: list[str] = []
    if wanted or taken is None:
        queue = [(job.name, Request.from_jobspec(job.jobspec)) for job in wanted[:most]]
    else:
        queue = _waiting(taken, most, left_out)
    queue = [(name, replace(request, duration=request.duration or seconds)) for name, request in queue]
    return QueueCase(read, queue, _kept(taken, read), left_out), taken


def _named(machine: str, snapshot: str | None, sources: Sources) -> NamedMachine:
    if machine and snapshot is not None:
        raise InputError("--snapshot and a MACHINE exclude each other: the snapshot has one")
    if not machine and snapshot is None:
        taken = take()
        return of_snapshot(taken.system, taken)
    named = read_machine(snapshot or machine, sources)
    if snapshot is not None and named.snapshot is None:
        raise InputError(f"--snapshot: {snapshot} is a machine without a queue: exactfit snapshot takes one with it")
    return named


def _waiting(taken: Snapshot, most: int, left_out: list[str]) -> list[tuple[str, Request]]:
    """Return the first jobs of a queue that could start; of those before the last of them, say who could not."""
    from ...solver.demand.request import Request

    found: list[tuple[str, Request]] = []
    for job in taken.waiting:
        if len(found) == most:
            left_out.append(f"{len(taken.waiting)} jobs wait; the first {most} of those that could start are planned")
            break
        why = _not_planned(taken, job)
        if not why:
            try:
                found.append((job.id, Request.from_jobspec(parse_jobspec(job.jobspec))))
            except ValueError as error:
                why = str(error)
        if why:
            left_out.append(f"job {printable(job.id)}: {printable(why)}")
    return found


def _not_planned(taken: Snapshot, job: Waiting) -> str:
    if job.blocked:
        return job.blocked
    if job.begin > taken.taken:
        return "is not to start before a time that it gives"
    return f"runs in reservation {job.reservation}" if job.reservation else ""


def _kept(taken: Snapshot | None, read: Case) -> list[tuple[str, Kept]]:
    from ...solver.explain import Kept

    found = []
    for one in taken.reservations if taken is not None else ():
        if taken is not None and one.end > taken.taken:
            nodes = read.machine.mask_of(IdSet.parse(one.ranks))
            found.append((one.name, Kept(nodes, one.start, one.end)))
    return found
