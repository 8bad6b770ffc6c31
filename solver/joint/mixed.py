"""A batch in which some jobs are of no form that the joint model takes: these are placed by the pool, one by one.

Three ways are tried, in this order, until one meets the bound: the joint jobs first and the others in what they leave;
all in turn, by weight, of which the others keep their places while the rest is placed together; the others first. Of a
way that places the others first, those that found no room are tried again at the end. What is worth most is kept.

Open counts are placed at their least, as what counts is how much is placed; in the end each of these jobs gets as much
of what is left as it can have.

The bound is the lower of two: that of the joint jobs alone on the machine, with the weight of every other job that
would fit alone; and what all free cores and GPUs can hold of both, counted as if the machine were one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..allocator import Allocator
from ..cpsat.budget import Budget
from ..cpsat.status import Status
from ..errors import InfeasibleRequest, InsufficientResources
from .batch import Batch
from .ids import batch_R
from .parts import in_parts_within, upper_bound
from .room import joint_levels, rooms
from .wants import BatchJob, NotJointError, Want, at_least, check_batch, want_of

_FIRST_SHARE, _BOUND_SHARE = 0.4, 0.1
"""The parts of the time of the first way, which gives one bound, and of the other bound."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A batch that was placed.

    Attributes
    ----------
    R
        RFC 20, by job id, of those placed.
    weight, bound
        What is placed, and what no placement exceeds.
    alone
        Why a job was placed by itself, by id: of jobs that the joint model does not take.
    status
        OPTIMAL: all jobs are in one model, and every term is proven; FEASIBLE otherwise.
    """

    R: Mapping[int, Mapping[str, Any]]
    weight: int
    bound: int
    alone: Mapping[int, str] = field(default_factory=dict)
    status: Status = Status.FEASIBLE

    @property
    def gap(self) -> float:
        """How far the weight may be from the best, as a part of the bound: 0 when it is proven."""
        return (self.bound - self.weight) / self.bound if self.bound else 0.0


def place_mixed(pool: Allocator, jobs: Sequence[BatchJob], seconds: float, *, local: bool = True) -> Placed:
    """Place a batch of any jobs on what is free in a pool, which stays as it is.

    Parameters
    ----------
    pool, jobs, local
        As for `place_batch`.
    seconds
        Of work that the searches for joint jobs may take in all; each other job takes what its decision does.

    Notes
    -----
    What comes out is never worth less than the jobs placed one by one, the heaviest first.
    """
    check_batch(jobs, seconds)
    budget = Budget(seconds)
    mix = _Mix(pool, jobs, local)
    if not mix.others and not mix.open:
        whole = in_parts_within(pool, mix.joint, budget, local=local)
        placed = batch_R(pool.machine, whole, mix.wants)
        return Placed(placed, whole.terms["weight"], whole.bounds["weight"], status=whole.status)
    batch, best = mix.after(budget.part(_FIRST_SHARE))
    fitting = [job for job in mix.others if mix.fits_alone(job)]
    bound = min(
        (batch.bounds["weight"] if batch else 0) + sum(job.weight for job in fitting),
        upper_bound(pool, mix.joint, rooms(pool), budget.at_most(_BOUND_SHARE * seconds), fitting),
    )
    for found in mix.other_ways(budget):
        if mix.weight(best) >= bound:
            break
        best = max(best, found, key=mix.weight)
    weight = mix.weight(best)
    bound = max(bound, weight)
    told = {job: _of_the_whole(R, weight, bound) for job, R in mix.grown(best).items()}
    return Placed(told, weight, bound, mix.alone)


def _of_the_whole(R: Mapping[str, Any], weight: int, bound: int) -> Mapping[str, Any]:
    """Let the certificate of a job that was placed together with others tell of the whole batch, not of its part."""
    certificate = R["scheduling"]["certificate"]
    if not certificate.get("joint"):
        return R
    whole = {
        **certificate,
        "status": Status.FEASIBLE.name,
        "terms": {**certificate["terms"], "weight": weight},
        "bound": {"weight": bound},
    }
    return {**R, "scheduling": {**R["scheduling"], "certificate": whole}}


_Rs = dict[int, Mapping[str, Any]]


class _Mix:
    """The ways to place a batch of both kinds."""

    def __init__(self, pool: Allocator, jobs: Sequence[BatchJob], local: bool) -> None:
        self.pool = pool
        self.local = local
        self.asked = sorted(jobs, key=lambda job: -job.weight)
        self.jobs = [replace(job, request=at_least(job.request)) for job in self.asked]
        self.open = {job.id for job, asked in zip(self.jobs, self.asked, strict=True) if job != asked}
        self.wants: dict[int, Want] = {}
        self.alone: dict[int, str] = {}
        levels = joint_levels(pool.machine)
        for job in self.jobs:
            try:
                self.wants[job.id] = want_of(job.request, levels, slot_exclusive=pool.options.slot_exclusive)
            except NotJointError as fault:
                self.alone[job.id] = str(fault)
        self.joint = [job for job in self.jobs if job.id in self.wants]
        self.others = [job for job in self.jobs if job.id in self.alone]
        self._weights = {job.id: job.weight for job in jobs}

    def weight(self, placed: _Rs) -> int:
        return sum(self._weights[job] for job in placed)

    def fits_alone(self, job: BatchJob) -> bool:
        """Tell whether a job may fit on what is free now: all but what is proven not to."""
        try:
            self.pool.copy().alloc(job.id, job.request)
        except InsufficientResources as refusal:
            return not refusal.proven
        except InfeasibleRequest:
            return False
        return True

    def after(self, budget: Budget) -> tuple[Batch | None, _Rs]:
        """Place the others in what the joint jobs leave."""
        here = self.pool.copy()
        batch, placed = self._together(here, budget)
        return batch, placed | _in_turn(here, self.others)

    def other_ways(self, budget: Budget) -> Iterator[_Rs]:
        """Yield what comes of placing the others no later than the joint jobs."""
        here = self.pool.copy()
        in_turn = _in_turn(here, self.jobs)
        for job in self.joint:
            if job.id in in_turn:
                here.free(job.id)
        kept = {job: R for job, R in in_turn.items() if job in self.alone}
        yield self._around(here, kept, budget.part(1 / 2))
        here = self.pool.copy()
        first = _in_turn(here, self.others)
        if first != kept:
            yield self._around(here, first, budget)
        # What a search that was cut off is held to.
        yield _in_turn(self.pool.copy(), self.asked)

    def grown(self, placed: _Rs) -> _Rs:
        """Let jobs with open counts have as much as they can of what is left, the heaviest first."""
        here = self.pool.copy()
        for number, R in placed.items() if self.open else ():
            here.register_alloc(number, R)
        found = dict(placed)
        for job in self.asked:
            if job.id in self.open and job.id in placed:
                here.free(job.id)
                more = _in_turn(here, [job])
                found |= more
                if not more:
                    # The search was cut off: it keeps what it had.
                    here.register_alloc(job.id, placed[job.id])
        return found

    def _around(self, here: Allocator, kept: _Rs, budget: Budget) -> _Rs:
        """Place the joint jobs in what some others leave, then those others that are left."""
        _, placed = self._together(here, budget)
        rest = _in_turn(here, [job for job in self.others if job.id not in kept])
        return kept | placed | rest

    def _together(self, here: Allocator, budget: Budget) -> tuple[Batch | None, _Rs]:
        if not self.joint:
            return None, {}
        batch = in_parts_within(here, self.joint, budget, local=self.local)
        placed: _Rs = dict(batch_R(here.machine, batch, self.wants))
        for number, R in placed.items():
            here.register_alloc(number, R)
        return batch, placed


def _in_turn(here: Allocator, jobs: Sequence[BatchJob]) -> _Rs:
    """Place jobs one by one; those that do not fit are passed over."""
    placed: _Rs = {}
    for job in jobs:
        try:
            placed[job.id] = here.alloc(job.id, job.request).to_dict()
        except (InsufficientResources, InfeasibleRequest):
            continue
    return placed
