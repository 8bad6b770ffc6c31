"""Lexicographic optimisation with CP-SAT: one goal after the other, each kept at its optimum.

Goals whose joint range is small are folded into one objective, each weighed above all that follow, so that most
models take one solve. The only module that runs `CpSolver`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from .budget import STEPS, Budget
from .status import Status

if TYPE_CHECKING:
    from ortools.sat.python import cp_model


Expression: TypeAlias = "cp_model.LinearExpr | int"
"""A linear expression over a model's variables, or a number."""

FOLD = 1 << 40
"""Goals are folded as long as the number of their joint values stays below this, well inside CP-SAT's integers."""

SOLVE_STEPS = 500
"""What a solve costs at the least, beside what CP-SAT counts."""

ENTRY_STEPS = 30
"""What a variable or a constraint costs beside that, to be made, read and presolved."""

SHORT = 0.03
"""Seconds that CP-SAT counts up to which a second of them is a second of work."""

LINEAR_WORK, OTHER_WORK = 2.0, 1.5
"""Seconds of work that a second is beyond that, with linear relaxations and without: while it presolves much and makes
cuts it counts less than it does, from a second to nearly three, as measured on models of runs and of slots."""

HEED = 0.85
"""CP-SAT looks at its count of work now and then only, and is given so much of what is left."""


@dataclass(frozen=True)
class Goal:
    """Something to minimise.

    Attributes
    ----------
    expression
        Over the model's variables.
    low, high
        Bounds that surely hold.
    """

    expression: Expression
    low: int
    high: int


@dataclass(frozen=True)
class LexicographicResult:
    """What a search found.

    Attributes
    ----------
    status
        OPTIMAL when every goal is proven.
    values, bounds
        Of each goal: what the solution gives, and what no solution beats given the goals before it.
    solver
        The solver that holds the solution, when there is one.
    """

    status: Status
    values: tuple[int, ...] = ()
    bounds: tuple[int, ...] = ()
    solver: cp_model.CpSolver | None = None


def lexmin(
    model: cp_model.CpModel,
    goals: Sequence[Goal],
    budget: Budget,
    *,
    linear: bool = True,
    nearly_linear: bool = False,
) -> LexicographicResult:
    """Minimise the goals one after the other.

    Parameters
    ----------
    linear
        Whether linear relaxations are worth their time: for models of many counts they are.
    nearly_linear
        Whether a linear relaxation of all there is nearly solves the model as it stands, so that clauses are relaxed
        too and nothing is presolved.

    Notes
    -----
    The search is single-threaded with a fixed seed and ends by its own count of work, so that the same model gives the
    same answer everywhere.
    """
    values: list[int] = []
    bounds: list[int] = []
    best: cp_model.CpSolver | None = None
    for fold in _folds(goals) or [[]]:
        weights = _weights(fold)
        if fold:
            model.minimize(sum(goal.expression * weight for goal, weight in zip(fold, weights, strict=True)))
        solver, status = _solve(model, budget, linear=linear, nearly_linear=nearly_linear)
        if status is Status.INFEASIBLE and best is None:
            return LexicographicResult(Status.INFEASIBLE)
        if not status.found:
            if best is None:
                return LexicographicResult(Status.CUT_OFF)
            return _cut_off(goals, values, bounds, best)
        best = solver
        found = [solver.value(goal.expression) for goal in fold]
        if status is Status.FEASIBLE and fold:  # without a goal any solution is the best
            bounds.extend(_fold_bounds(fold, weights, solver.best_objective_bound, found))
            return _cut_off(goals, values, bounds, best)
        values.extend(found)
        bounds.extend(found)
        if len(values) < len(goals):
            model.clear_objective()  # type: ignore[no-untyped-call]  # ortools leaves it unannotated
            for goal, value in zip(fold, found, strict=True):
                model.add(goal.expression == value)
            _hint(model, solver)
    return LexicographicResult(Status.OPTIMAL, tuple(values), tuple(bounds), best)


def _solve(
    model: cp_model.CpModel, budget: Budget, *, linear: bool, nearly_linear: bool
) -> tuple[cp_model.CpSolver, Status]:
    """Run CP-SAT once and translate its status. It takes little more than what is left of the budget."""
    from ortools.sat.python import cp_model as cp

    solver = cp.CpSolver()
    steps = SOLVE_STEPS + ENTRY_STEPS * (len(model.proto.variables) + len(model.proto.constraints))
    # What presolving alone would use up is not begun; it took that much or less to make the model.
    budget.charge(min(steps, math.ceil(budget.left * STEPS)))
    if not budget.left:
        return solver, Status.CUT_OFF
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = 1
    solver.parameters.max_deterministic_time = _counted(HEED * budget.left, linear=linear)
    solver.parameters.max_time_in_seconds = budget.clock_left
    if not linear:
        solver.parameters.linearization_level = 0
    if nearly_linear:
        solver.parameters.linearization_level = 2
        solver.parameters.cp_model_presolve = False
    status = solver.solve(model)
    budget.charge_seconds(_work(solver.response_proto.deterministic_time, linear=linear))
    if status == cp.OPTIMAL:
        return solver, Status.OPTIMAL
    if status == cp.INFEASIBLE:
        return solver, Status.INFEASIBLE
    budget.look()
    if status == cp.FEASIBLE:
        return solver, Status.FEASIBLE
    if status == cp.UNKNOWN:
        return solver, Status.CUT_OFF
    raise RuntimeError(f"CP-SAT says {solver.status_name(status)}: {model.validate()}")


def _work(counted: float, *, linear: bool) -> float:
    """Return the seconds of work that some seconds are which CP-SAT counts."""
    return counted + max(0.0, counted - SHORT) * ((LINEAR_WORK if linear else OTHER_WORK) - 1)


def _counted(work: float, *, linear: bool) -> float:
    """Return the seconds that CP-SAT counts in some seconds of work."""
    return min(work, SHORT) + max(0.0, work - SHORT) / (LINEAR_WORK if linear else OTHER_WORK)


def _hint(model: cp_model.CpModel, solver: cp_model.CpSolver) -> None:
    """Let the next search start from this solution."""
    model.clear_hints()  # type: ignore[no-untyped-call]  # ortools leaves it unannotated
    for index, value in enumerate(solver.response_proto.solution):
        model.add_hint(model.get_int_var_from_proto_index(index), value)


def _cut_off(
    goals: Sequence[Goal], values: list[int], bounds: list[int], best: cp_model.CpSolver
) -> LexicographicResult:
    """Return what the last solution gives, with the bounds that are known."""
    values = [best.value(goal.expression) for goal in goals]
    bounds = bounds + [goal.low for goal in goals[len(bounds) :]]
    return LexicographicResult(Status.FEASIBLE, tuple(values), tuple(bounds), best)


def _folds(goals: Sequence[Goal]) -> list[list[Goal]]:
    """Cut the goals into runs whose joint range stays below `FOLD`."""
    folds: list[list[Goal]] = []
    size = FOLD
    for goal in goals:
        span = goal.high - goal.low + 1
        if size * span >= FOLD:
            folds.append([])
            size = 1
        folds[-1].append(goal)
        size *= span
    return folds


def _weights(fold: Sequence[Goal]) -> list[int]:
    weights: list[int] = []
    weight = 1
    for goal in reversed(fold):
        weights.append(weight)
        weight *= goal.high - goal.low + 1
    return weights[::-1]


def _fold_bounds(fold: Sequence[Goal], weights: Sequence[int], bound: float, found: Sequence[int]) -> list[int]:
    """Return what a bound on the folded objective says of its first goal; the others keep what always holds."""
    bounds = [goal.low for goal in fold]
    rest = sum(goal.high * weight for goal, weight in zip(fold[1:], weights[1:], strict=True))
    first = -((rest - math.floor(bound)) // weights[0])
    bounds[0] = max(bounds[0], min(first, found[0]))
    return bounds
