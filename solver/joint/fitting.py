"""What the pool answers when it is asked whether a request fits after some jobs have ended."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from ..cpsat.budget import Budget
from ..demand.request import Request
from ..knowledge import Knowledge
from ..state.pool_state import PoolState
from .giving_way import Candidate

JOB_STEPS = 100
"""What it costs to let a job end."""


class Fitting:
    """Asks of one request.

    Parameters
    ----------
    knowledge
        Of the pool.
    request
        What is to fit.
    budget
        For all answers; each of them raises `CutOff` when it is used up.
    """

    def __init__(self, knowledge: Knowledge, request: Request, budget: Budget) -> None:
        self._knowledge = knowledge
        self._request = request
        self._budget = budget

    def fits(self, state: PoolState, jobs: Collection[int] = ()) -> bool:
        """Tell whether the request fits in a state when some jobs have ended."""
        self._budget.spend(JOB_STEPS * (1 + len(jobs)))
        return self._knowledge.fits(self._request, self._knowledge.changes.ended(state, sorted(jobs)), self._budget)

    def needed(self, state: PoolState, jobs: Collection[int], candidates: Iterable[Candidate]) -> list[int]:
        """Return jobs of which one has to end, though these and all other candidates do: none of them without need."""
        rest = [one for one in candidates if one.job not in jobs]
        # The dear ones are the first to be left out: what is left is to be cheap to meet.
        rest.sort(key=lambda one: (-one.rank, -one.lost, one.job))
        ended, needed = self._knowledge.changes.ended(state, sorted(jobs)), []
        parts = [[one.job for one in rest]]
        while parts:
            some = parts.pop()
            more = self._knowledge.changes.ended(ended, some)
            if not self.fits(more):
                ended = more
            elif len(some) == 1:
                needed += some
            else:
                parts += [some[len(some) // 2 :], some[: len(some) // 2]]
        return needed
