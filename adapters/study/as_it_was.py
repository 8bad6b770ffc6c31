"""Judges where the jobs of a trace really ran: legal or not, worth what, and what the best of the same moment is worth.

The state of each moment is that of the trace: what the jobs hold that had started before. The checker, which shares no
code with the solver, judges the site's placement; the solver places the same job in the same state. Nodes that jobs
share without the trace saying which cores each had count as taken while such a job runs, so that the best is rather too
bad than too good.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ...grammar.jobspec import parse_jobspec
from ...solver.checker import Checker
from ...solver.demand.request import Request
from ...solver.errors import InfeasibleRequest, InsufficientResources
from ...solver.options import Options
from ...solver.pool import Pool
from ...topology.machine import Machine
from ..worth import first_better, value_of
from .lived import History, Lived
from .remedies import Remedies, Remedy

LEGAL, ILLEGAL, UNSAID, OVERLAP = "legal", "illegal", "shared", "overlap"
"""What a placement was: as asked; not as asked; on nodes whose cores the trace does not tell apart; on what another
job of the trace held at the time."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A job as it was, and as it might have been.

    Attributes
    ----------
    job
        The job.
    what
        `LEGAL`, `ILLEGAL`, `UNSAID` or `OVERLAP`.
    fault
        Why it is not legal.
    terms
        The checker's value of each term of the policy.
    status
        Of the best placement: OPTIMAL where it is proven; "" where there is none to compare.
    best
        Its value of each term, first compared first.
    remedies
        What it would have taken that it was not torn, for each level over which it was.
    """

    job: Lived
    what: str
    fault: str = ""
    terms: Mapping[str, Any] = field(default_factory=dict)
    status: str = ""
    best: Mapping[str, Any] = field(default_factory=dict)
    remedies: Sequence[Remedy] = ()

    @property
    def compared(self) -> bool:
        """Whether there is a best placement, and a value in each of its terms."""
        return bool(self.best) and None not in (value_of(self.terms, name) for name in self.best)

    @property
    def better(self) -> str | None:
        """The first term in which the best is better."""
        return first_better(self.best, self.terms) if self.compared else None


class _Moment:
    """The state of the machine as a trace goes on, for the checker and the solver alike."""

    def __init__(self, machine: Machine, options: Options) -> None:
        self._options = options
        # The same request is asked for in another order of terms too.
        self._pool = Pool(machine, replace(options, job_policy="any"))
        self._checker = Checker(machine, options.policy.usual.text)
        self._held: dict[int, Judged] = {}
        self._blocked: dict[int, int] = {}
        self._remedies = Remedies(machine, self._pool.copy())

    @property
    def blocked(self) -> int:
        """Nodes that jobs hold of which it is not known what."""
        found = 0
        for nodes in self._blocked.values():
            found |= nodes
        return found

    def judge(self, job: Lived) -> Judged:
        """Judge a job that starts now."""
        if job.held is None or job.nodes & self.blocked:
            return Judged(job, UNSAID)
        try:
            self._checker.allocate(job.held)
        except ValueError as fault:
            return Judged(job, OVERLAP, str(fault))
        self._checker.release(job.held)
        jobspec = parse_jobspec(job.form.jobspec(0.0))
        self._checker.down(self.blocked)
        verdict = self._checker.judge(
            jobspec.vertices,
            job.held,
            constraint=jobspec.constraint,
            slot_exclusive=self._options.slot_exclusive,
            unknown_types=self._options.unknown_types,
        )
        if not verdict.legal:
            return Judged(job, ILLEGAL, verdict.violations[0], verdict.terms)
        status, best = self._best(job.number, Request.from_jobspec(jobspec))
        running = [(one.job, one.terms) for one in self._held.values() if one.what == LEGAL]
        remedies = self._remedies.of(self._pool, job, verdict.terms, running)
        return Judged(job, LEGAL, "", verdict.terms, status, best, remedies)

    def _best(self, number: int, request: Request) -> tuple[str, Mapping[str, Any]]:
        try:
            certificate = self._pool.alloc(number, request).certificate
        except (InfeasibleRequest, InsufficientResources):
            return "", {}
        self._pool.free(number)
        return certificate["status"], certificate["terms"]

    def start(self, judged: Judged) -> None:
        """Let a job hold what it held."""
        job = judged.job
        if judged.what in (UNSAID, OVERLAP) or job.held is None:
            self._blocked[job.number] = job.nodes
            self._pool.mark_down(job.nodes)
            return
        self._checker.allocate(job.held)
        self._pool.register_alloc(job.number, job.held)
        self._held[job.number] = judged

    def end(self, number: int) -> None:
        """Let a job return it."""
        judged = self._held.pop(number, None)
        if judged is not None and judged.job.held is not None:
            self._checker.release(judged.job.held)
            self._pool.free(number)
            return
        up = self._blocked.pop(number) & ~self.blocked
        if up:
            self._pool.mark_up(up)


def judge_all(
    machine: Machine, history: History, options: Options, done: Callable[[Judged], None] = lambda _: None
) -> list[Judged]:
    """Judge the jobs of a history, each in the state of the moment at which it started.

    Parameters
    ----------
    machine, history
        Where they ran.
    options
        The policy by which placements are compared, and the time for one.
    done
        Told of each.
    """
    found = []
    for judged in _judged(_Moment(machine, options), history):
        done(judged)
        found.append(judged)
    return found


def _judged(moment: _Moment, history: History) -> Iterator[Judged]:
    ends: list[tuple[float, int]] = []
    for job in history.jobs:
        # What ends at the second at which another starts has left before.
        while ends and ends[0][0] <= job.start:
            moment.end(heapq.heappop(ends)[1])
        judged = moment.judge(job)
        moment.start(judged)
        heapq.heappush(ends, (job.end, job.number))
        yield judged
