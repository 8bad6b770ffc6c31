"""The best answer of a small model that is found in time, and in any case an answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...solver.cpsat.budget import Budget
from ...solver.cpsat.lexicographic import Goal, lexmin
from ...solver.cpsat.status import Status

if TYPE_CHECKING:
    from ortools.sat.python import cp_model

ENDLESS = 1e9
"""Seconds of work that no search takes."""


def best_in_time(model: cp_model.CpModel, goals: Sequence[Goal], seconds: float) -> cp_model.CpSolver | None:
    """Return the solver that holds the best solution found in some work; None when the model has no solution.

    Parameters
    ----------
    seconds
        Of work that the search may take.

    Notes
    -----
    `accommodates` and `checkout` must never disagree, so whether there is a solution does not depend on that: where
    none was found and none disproved, any solution is searched for, for as long as it takes.
    """
    result = lexmin(model, goals, Budget(seconds))
    if result.status is Status.CUT_OFF:
        model.clear_objective()  # type: ignore[no-untyped-call]  # ortools leaves it unannotated
        result = lexmin(model, (), Budget(ENDLESS))
    return result.solver
