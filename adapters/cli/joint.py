"""`exactfit place --joint` and `--moves`: several jobs at once."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from .errors import InputError
from .job_input import Job
from .outcome import INFEASIBLE, INSUFFICIENT, PLACED, Outcome

if TYPE_CHECKING:
    from ...solver.pool import Pool


def decide_jointly(pool: Pool, jobs: Sequence[Job], seconds: float) -> tuple[list[Outcome], str]:
    """Place a batch together.

    Parameters
    ----------
    pool
        As it is before the batch; it gets the jobs that are placed.
    jobs
        All of equal worth.
    seconds
        That the search may take.

    Returns
    -------
    Of each job what became of it, and a line on how good the whole is.

    Raises
    ------
    InputError
        For a job of a form that is placed one by one only.
    """
    from ...solver.errors import InfeasibleRequest
    from ...solver.joint import BatchJob, NotJointError, place_in_parts, want_of
    from ...solver.joint.ids import batch_R
    from ...solver.request import Request

    requests = [Request.from_jobspec(job.jobspec) for job in jobs]
    wants = {}
    for job, request in zip(jobs, requests, strict=True):
        try:
            wants[job.number] = want_of(request)
        except NotJointError as fault:
            raise InputError(f"--joint: job {job.number} ({job.name}): {fault}") from None
    start = time.perf_counter()
    batch = [BatchJob(job.number, request) for job, request in zip(jobs, requests, strict=True)]
    found = place_in_parts(pool, batch, seconds)
    each = (time.perf_counter() - start) / max(1, len(jobs))
    placed = batch_R(pool.machine, found, wants)
    outcomes = []
    for job, request in zip(jobs, requests, strict=True):
        if job.number in placed:
            pool.register_alloc(job.number, placed[job.number])
            outcomes.append(Outcome(job, PLACED, placed[job.number], None, each))
            continue
        status, reason = INSUFFICIENT, "not among the most jobs of the batch that fit together"
        try:
            pool.check_feasibility(request)
        except InfeasibleRequest as error:
            status, reason = INFEASIBLE, str(error)
        except OSError:
            # Cut off before it was known: then it is not known.
            pass
        outcomes.append(Outcome(job, status, None, reason, each))
    weight, bound = found.terms["weight"], found.bounds["weight"]
    words = "no more fit" if weight == bound else f"at most {bound} fit, a gap of {100 * found.gap:.1f} %"
    return outcomes, f"joint: {weight} of {len(jobs)} jobs placed; {words}"


def with_moves(
    pool: Pool, outcomes: Sequence[Outcome], most: int, seconds: float, before: Mapping[int, str]
) -> list[Outcome]:
    """Return the outcomes, those of jobs that do not fit now with the fewest moves of running jobs that change that.

    Parameters
    ----------
    pool
        In which jobs run.
    outcomes
        Of all jobs.
    most
        Moves.
    seconds
        For each search.
    before
        What the jobs are called that ran before, by id.
    """
    return [
        replace(outcome, reason=f"{outcome.reason}; {_moves(pool, outcome.job, most, seconds, before)}")
        if outcome.status == INSUFFICIENT
        else outcome
        for outcome in outcomes
    ]


def _moves(pool: Pool, job: Job, most: int, seconds: float, before: Mapping[int, str]) -> str:
    from ...solver.joint import NotJointError, plan_moves
    from ...solver.request import Request
    from ...solver.status import Status

    try:
        plan = plan_moves(pool, Request.from_jobspec(job.jobspec), most, seconds)
    except NotJointError as fault:
        return f"no moves are looked for: {fault}"
    if plan is None:
        return f"no {most} moves of running jobs were found that make room"
    text = []
    for move in plan.moves:
        name = before.get(move.job, f"job {move.job}")
        text.append(f"{name} from ranks {pool.machine.ids_of(move.old)} to {pool.machine.ids_of(move.new)}")
    fewest = "" if plan.status is Status.OPTIMAL else " (perhaps fewer will do)"
    together = f", the last {plan.together} of them stopped before they start again" if plan.together else ""
    ranks = pool.machine.ids_of(plan.nodes)
    return f"it fits on ranks {ranks} after {len(plan.moves)} moves{fewest}: {'; '.join(text)}{together}"
