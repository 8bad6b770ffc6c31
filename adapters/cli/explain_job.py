"""`exactfit explain JOBID`: why a job waits in the system that runs here, or in a snapshot of it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ...grammar.constraint import And
from ...grammar.errors import printable
from ...grammar.jobspec import parse_jobspec
from ...grammar.query import parse_query
from ..snapshot.model import Snapshot, Waiting
from ..snapshot.take import take
from .case import Case
from .conflict_scene import conflict_scene
from .console import make_console
from .errors import InputError
from .explanations import explained, print_json, report
from .job_input import Job
from .machine_input import NamedMachine, of_snapshot, read_machine
from .options import CaseOptions, PictureOptions
from .pictures import show_pictures
from .preempt import Preempting, PreemptOptions
from .report import span
from .snapshot_state import announce, reserved_of
from .source import Sources, is_there
from .status import DONE, NO
from .what_if import as_it_would_be
from .why_waits import before_it, ends_by, why_waits

if TYPE_CHECKING:
    from ...solver.explain import Explanation, Start
    from ...solver.pool import Pool

_MOST_BEFORE = 255
"""Jobs before one of which it is simulated when they start; with more, nothing is said of when."""


def explain_waiting(
    given: CaseOptions,
    more: Sequence[str],
    file: str | None,
    columns: Sequence[str],
    pictures: PictureOptions,
    preempting: PreemptOptions,
    *,
    as_json: bool,
) -> int:
    """Say why jobs wait, and return the exit status: 1 when one does not fit now.

    Parameters
    ----------
    given
        Its machine is the id of the first job.
    more
        The ids of others.
    file
        The snapshot; None for the system that runs here.
    columns
        Of the table of numbers.
    preempting
        Whether it is said who would have to give way.

    Raises
    ------
    InputError
        For a file that is no snapshot, and a job that does not wait in it.
    SystemDownError
        When the system does not answer.
    """
    sources = Sources()
    named = as_it_would_be(_named(given.machine, file, sources), given.what_if)
    assert named.snapshot is not None
    snapshot = named.snapshot
    waiting = [_find(snapshot, ident) for ident in (given.machine, *more)]
    jobs = [_job(number, one, given.requires or []) for number, one in enumerate(waiting, start=1)]
    read = Case.of(named, given, jobs, sources)
    victims = Preempting(read, preempting, snapshot.taken) if preempting.preempt else None
    announce(snapshot)
    answers = _Answers(snapshot, read, victims)
    for job, one in zip(jobs, waiting, strict=True):
        answers.add(job, one)
    found = answers.found
    if as_json:
        print_json(found, answers.starts, answers.names, answers.waits, victims.fields() if victims else None)
    else:
        report(found, {}, snapshot.taken, columns, answers.waits)
        if victims is not None:
            victims.show()
    show_pictures(
        pictures,
        lambda: [conflict_scene(read, job, explanation) for job, explanation in found],
        None if as_json else make_console(),
        legend=True,
    )
    return DONE if all(explanation.status == "fits" for _, explanation in found) else NO


class _Answers:
    """Why each job waits, one after the other."""

    def __init__(self, snapshot: Snapshot, read: Case, victims: Preempting | None) -> None:
        self.victims = victims
        self.snapshot = snapshot
        self.machine = read.machine
        self.pool = read.pool()
        self.names = {jobid: printable(name) for jobid, (name, _) in read.running.items()}
        self.found: list[tuple[Job, Explanation]] = []
        self.waits: dict[int, list[str]] = {}
        self.starts: dict[int, Start] = {}

    def add(self, job: Job, waiting: Waiting) -> None:
        reserved = reserved_of(self.snapshot, self.machine, ends_by(self.snapshot, waiting), waiting.reservation)
        pool = self.pool.copy()
        pool.mark_down(reserved & ~pool.down_mask)
        explanation = explained(pool, job, self.names.__getitem__)
        self.found.append((job, explanation))
        if self.victims is not None:
            self.victims.add(job, pool)
        start = None if waiting.blocked else _start(self.pool, self.snapshot, waiting)
        if start is not None:
            self.starts[job.number] = replace(start, jobid=job.number)
        told = why_waits(self.snapshot, waiting, fits=explanation.status == "fits")
        self.waits[job.number] = [*told, *_when(start, waiting, self.snapshot.taken)]


def _named(ident: str, file: str | None, sources: Sources) -> NamedMachine:
    if file is None:
        if not _may_be_job(ident):
            raise InputError(f"a JOB is missing, or {ident} is no job id (see exactfit explain --help)")
        snapshot = take()
        return of_snapshot(snapshot.system, snapshot)
    named = read_machine(file, sources)
    if named.snapshot is None:
        raise InputError(f"--snapshot: {file} is a machine without a queue: exactfit snapshot takes one with it")
    return named


def are_jobs(arguments: Sequence[str]) -> bool:
    """Tell whether all arguments may be ids of jobs that wait, and none of them is a file."""
    return all(_may_be_job(one) and not is_there(one) for one in arguments)


def _may_be_job(text: str) -> bool:
    """Tell whether a text may be a job id of Slurm (17, 17_3) or of Flux (ƒ2TzTq1Z, f2TzTq1Z)."""
    digits = text.replace("_", "")
    return (digits.isascii() and digits.isdigit()) or (text[:1] in ("ƒ", "f") and len(text) > 1 and text[1:].isalnum())


def _find(snapshot: Snapshot, ident: str) -> Waiting:
    found = snapshot.job(ident) or snapshot.job("ƒ" + ident.removeprefix("f"))
    if isinstance(found, Waiting):
        return found
    if found is not None:
        raise InputError(f"job {ident} runs already")
    some = ", ".join(job.id for job in snapshot.waiting[:5]) or "none"
    raise InputError(f"no job {ident} waits there; jobs that do: {some}{', ...' if len(snapshot.waiting) > 5 else ''}")


def _job(number: int, waiting: Waiting, queries: Sequence[str]) -> Job:
    try:
        jobspec = parse_jobspec(waiting.jobspec)
        more = [parse_query(query) for query in queries]
    except ValueError as error:
        raise InputError(f"job {waiting.id}: {error}") from None
    return Job(number, waiting.id, replace(jobspec, constraint=And((jobspec.constraint, *more))) if more else jobspec)


def _start(pool: Pool, snapshot: Snapshot, job: Waiting) -> Start | None:
    """Return when a job starts if all before it start first, none passes another, and all run as long as they may.

    What is kept from a later time on is not looked at, so that a reservation may make it later; and none of the jobs
    that come after it is, so that backfill cannot make it later.
    """
    from ...solver.demand.request import Request
    from ...solver.explain import forecast

    before = before_it(snapshot, job)
    if len(before) > _MOST_BEFORE:
        return None
    queue = []
    for number, one in enumerate([*before, job], start=1):
        try:
            waiting = _QUEUED + number, Request.from_jobspec(parse_jobspec(one.jobspec))
        except ValueError:
            continue
        # One that waits for what nobody knows is passed by, in any system.
        if one is job or forecast(pool, [waiting], snapshot.taken)[0].time is not None:
            queue.append(waiting)
    return forecast(pool, queue, snapshot.taken)[-1] if queue else None


def _when(start: Start | None, job: Waiting, now: float) -> Iterator[str]:
    """Yield when a job starts at the latest, or why that is not known."""
    if start is not None and start.time is not None:
        latest = max(start.time, job.begin)
        if latest - now < 1:
            return
        clock = time.strftime("%Y-%m-%d %H:%M", time.localtime(latest))
        yield f"it starts by {clock}, in {span(latest - now)}, if those before it go first and all run to their limits"
    elif start is not None and start.unknown:
        yield f"when it starts is not known, as {printable(start.unknown)}"


_QUEUED = 2**40
"""Ids from here on are those of the queue."""
