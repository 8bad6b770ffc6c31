"""Goals of a batch, one after the other, each with its share of the work.

What one goal has not proven in its share does not keep the next from being looked for, among placements that are as
good in those before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..cpsat.budget import Budget
from ..cpsat.lexicographic import Goal, lexmin

if TYPE_CHECKING:
    from ortools.sat.python import cp_model


@dataclass(frozen=True, slots=True)
class Found:
    """What was found.

    Attributes
    ----------
    values
        Of each goal.
    bounds
        Of each goal what no solution beats that is as good in those before it.
    solver
        Holds the solution; None where it is the one that was known before.
    """

    values: tuple[int, ...]
    bounds: tuple[int, ...]
    solver: cp_model.CpSolver | None


def search(
    model: cp_model.CpModel, goals: Sequence[Goal], budget: Budget, known: Sequence[int], hint: Callable[[], None]
) -> Found:
    """Return the best solution found.

    Parameters
    ----------
    model
        Which is changed.
    goals
        To be minimised, the first compared first.
    budget
        In all. What one goal does not need is there for those after it.
    known
        The goals' values in a solution that is known.
    hint
        Lets the search start from that one.
    """
    best = Found(tuple(known), (), None)
    bounds: list[int] = []
    hint()
    for place, goal in enumerate(goals):
        # The first one decides what there is to place for all others.
        share = 1 / (len(goals) - place) if place else 1 / 2
        bounds.append(goal.low)
        # Nothing is looked for where what is known cannot be beaten.
        found = lexmin(model, [goal], budget.part(share)) if best.values[place] > goal.low else None
        if found is not None and found.status.found and found.solver is not None:
            bounds[-1] = found.bounds[0]
            values = tuple(found.solver.value(each.expression) for each in goals)
            if values < best.values:
                best = Found(values, (), found.solver)
        model.add(goal.expression <= best.values[place])
        model.clear_objective()  # type: ignore[no-untyped-call]  # ortools leaves both unannotated
        model.clear_hints()  # type: ignore[no-untyped-call]
        if best.solver is None:
            hint()
        else:
            for index, value in enumerate(best.solver.response_proto.solution):
                model.add_hint(model.get_int_var_from_proto_index(index), value)
    return Found(best.values, tuple(bounds), best.solver)
