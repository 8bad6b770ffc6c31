"""`exactfit place --joint` and `--moves`: several jobs at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ...grammar.idset import IdSet
from .errors import InputError
from .job_input import Job
from .outcome import INFEASIBLE, INSUFFICIENT, PLACED, Outcome

if TYPE_CHECKING:
    from ...solver.demand.request import Request
    from ...solver.joint import Placed
    from ...solver.pool import Pool

TOGETHER = 20
"""A batch that is placed together, or a plan of moves, may take the work of so many single decisions."""

_DIGITS = 9
"""Of a priority, at most."""


def read_priorities(text: str | None, jobs: Sequence[Job]) -> list[int]:
    """Return what each job is worth, from numbers with commas between; 1 each where nothing is given.

    Raises
    ------
    InputError
        For other than one whole number above 0 for each job.
    """
    if text is None:
        return [1] * len(jobs)
    parts = [part.strip() for part in text.split(",")]
    for part in parts:
        if not (part.isascii() and part.isdigit() and 0 < len(part) <= _DIGITS and int(part)):
            raise InputError(f"--priority: {part[:20]!r} is no whole number from 1 to {10**_DIGITS - 1}")
    if len(parts) != len(jobs):
        raise InputError(f"--priority: {len(parts)} numbers for {len(jobs)} jobs; each needs one, in their order")
    return [int(part) for part in parts]


def decide_jointly(
    pool: Pool, jobs: Sequence[Job], priorities: Sequence[int], seconds: float
) -> tuple[list[Outcome], list[str]]:
    """Place a batch together.

    Parameters
    ----------
    pool
        As it is before the batch; it gets the jobs that are placed.
    jobs
        To be placed.
    priorities
        What each is worth.
    seconds
        That the search may take.

    Returns
    -------
    Of each job what became of it, and lines on how good the whole is.
    """
    from ...solver.cpsat.loading import clock
    from ...solver.demand.request import Request
    from ...solver.joint import BatchJob, place_mixed

    start = clock()
    requests = [Request.from_jobspec(job.jobspec) for job in jobs]
    batch = [
        BatchJob(job.number, request, worth) for job, request, worth in zip(jobs, requests, priorities, strict=True)
    ]
    found = place_mixed(pool, batch, TOGETHER * seconds)
    each = (clock() - start) / max(1, len(jobs))
    outcomes = []
    for job, request in zip(jobs, requests, strict=True):
        told = {"weight": found.weight, "bound": found.bound, "together": job.number not in found.alone}
        R = found.R.get(job.number)
        if R is not None:
            pool.register_alloc(job.number, R)
            outcomes.append(Outcome(job, PLACED, R, None, each, told))
        else:
            outcomes.append(Outcome(job, *_refusal(pool, request), each, told))
    return outcomes, _summary(found, jobs, weighed=len(set(priorities)) > 1)


def _refusal(pool: Pool, request: Request) -> tuple[str, None, str]:
    from ...solver.errors import InfeasibleRequest

    try:
        pool.check_feasibility(request)
    except InfeasibleRequest as error:
        return INFEASIBLE, None, str(error)
    except OSError:
        # Cut off before it was known: then it is not known.
        pass
    return INSUFFICIENT, None, "not among the jobs of the batch that were found to fit together"


def _summary(found: Placed, jobs: Sequence[Job], *, weighed: bool) -> list[str]:
    text = f"joint: {len(found.R)} of {len(jobs)} jobs placed"
    if weighed:
        text += f", of priority {found.weight} in all"
    if found.weight == found.bound:
        text += "; no better batch fits" if weighed else "; no more fit"
    else:
        text += f"; at most {found.bound} {'can be had' if weighed else 'fit'}, a gap of {100 * found.gap:.1f} %"
    lines = [text]
    if found.alone:
        lines.append("placed one by one, as the joint model does not take them:")
        by_reason: dict[str, list[int]] = {}
        for number, reason in sorted(found.alone.items()):
            by_reason.setdefault(reason, []).append(number)
        for reason, numbers in by_reason.items():
            lines.append(f"  job{'s' if len(numbers) > 1 else ''} {IdSet.of(numbers)}: {reason}")
    return lines


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
    from ...solver.cpsat.status import Status
    from ...solver.demand.request import Request
    from ...solver.joint import NotJointError, plan_moves

    try:
        plan = plan_moves(pool, Request.from_jobspec(job.jobspec), most, TOGETHER * seconds)
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
