"""Why a request does not fit, in one line: what `flux submit` prints, and what a scheduler may log.

That a request never fits is found once for each kind of request, so there is time to look for the conflict. That it
does not fit now is found again and again by a scheduler that mostly asks no further: the line is made when it is read.
"""

from __future__ import annotations

from ..cpsat.budget import Budget
from ..demand.request import Request
from ..errors import InfeasibleRequest
from ..knowledge import Knowledge
from ..state.pool_state import PoolState
from .conflict import find_conflict
from .numbers import count_all
from .sentences import Speaker
from .trials import Trials

PATIENCE = 0.5
"""Seconds of work that the search for a reason may take."""


class Reasons:
    """Finds reasons on one machine.

    Parameters
    ----------
    knowledge
        Of the machine.
    """

    def __init__(self, knowledge: Knowledge) -> None:
        self._knowledge = knowledge

    def insufficient(self, request: Request, state: PoolState) -> str:
        """Return what to say of a request that could be placed on the empty pool, but not now."""
        return self._reason(request, state, Budget(PATIENCE)) or "does not fit now"

    def infeasible(self, request: Request, budget: Budget) -> str:
        """Return why a request cannot be placed even on the empty pool, as far as what is left of a budget suffices."""
        try:
            self._knowledge.problem(request.shape)
            refused = ""
        except InfeasibleRequest as error:
            refused = str(error)
        found = self._reason(request, self._knowledge.changes.initial(), budget.at_most(PATIENCE))
        return found or refused or "does not fit on this machine"

    def _reason(self, request: Request, state: PoolState, budget: Budget) -> str:
        """Return the path of the vertex that lacks something, and what; empty where the work does not suffice."""
        try:
            trials = Trials(self._knowledge, state, request, PATIENCE, budget)
            conflict = find_conflict(trials, budget.part(1 / 2), jobs_apart=False)
            if conflict is None:
                return ""
            speaker = Speaker(trials, conflict, count_all(trials, budget))
            return f"{speaker.subject}: {'; '.join(speaker.sentences())}"
        except Exception:  # a verdict must not be lost, nor a scheduler die, because its reason could not be found
            return ""
