"""Which jobs have to end for a request to fit: as few as possible of those that end first.

What is free only grows as jobs end, so the first end after which the request fits is found by steps that double and
halves; of the jobs that have ended by then, those that need not are left out the way `conflict` leaves parts out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import chain

from ..cpsat.budget import Budget, CutOff
from .trials import Trial, Trials, ended

MOST = 256
"""Jobs of which the fewest are looked for."""


def in_order_of_ends(trials: Trials, jobs: Iterable[int]) -> list[int]:
    """Return jobs in the order in which they end, those of unknown ends last."""
    known = trials.state.jobs
    return sorted(jobs, key=lambda jobid: (known[jobid].end_time or float("inf"), jobid))


def fewest_ended(trials: Trials, base: Trial, budget: Budget) -> tuple[int, ...]:
    """Return as few as possible of the jobs that have ended when the request fits first; none where it never does.

    Parameters
    ----------
    base
        What is assumed beside.
    budget
        For all of it; what it is not enough for is that none is left out.

    Raises
    ------
    CutOff
        When it is not enough to find any.
    """
    jobs = trials.state.jobs
    order = in_order_of_ends(trials, jobs)
    states = [base.state]
    low, step = 0, 1
    while True:
        high = min(low + step, len(order))
        if high == low:
            return ()
        while len(states) <= high:
            states.append(ended(trials.knowledge.changes, states[-1], (order[len(states) - 1],)))
        if trials.fits(replace(base, state=states[high]), budget):
            break
        low, step = high, 2 * step
    while high - low > 1:
        middle = (low + high) // 2
        if trials.fits(replace(base, state=states[middle]), budget):
            high = middle
        else:
            low = middle
    useful = trials.eligible(base) & base.state.up
    some = [jobid for jobid in order[:high] if jobs[jobid].nodes & useful or jobs[jobid].group_used]
    try:
        return _needed(trials, base, some, budget) if len(some) <= MOST else tuple(sorted(some))
    except CutOff:
        return tuple(sorted(some))


def _needed(trials: Trials, base: Trial, jobs: Sequence[int], budget: Budget) -> tuple[int, ...]:
    """Return as few as possible of some jobs whose ends suffice; those that end last are kept first."""
    needed: list[int] = []

    def reduce(some: Sequence[int], others: Sequence[int]) -> None:
        """Keep those of `some` that must end although `others` do."""
        if trials.fits(trials.freed(base, chain(needed, others)), budget):
            return
        if len(some) == 1 or not budget.left:
            needed.extend(some)
            return
        middle = len(some) // 2
        reduce(some[:middle], [*some[middle:], *others])
        reduce(some[middle:], others)

    reduce(jobs, ())
    return tuple(sorted(needed))
