"""An integer program: variables, rows of coefficients with bounds, and HiGHS or SCIP to solve it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from math import ceil, inf
from typing import Any, cast

Terms = dict[int, int]
"""Coefficients by variable."""

TOLERANCE = 1e-4
"""How far a number that stands for a whole one may be from it."""


class Solver(Enum):
    """Who solves it."""

    HIGHS = "highs"
    SCIP = "scip"


class Outcome(Enum):
    """What a solve came to."""

    OPTIMAL = "optimal"
    INFEASIBLE = "infeasible"
    CUT_OFF = "cut off"


@dataclass(frozen=True, slots=True)
class Solved:
    """What a solve came to.

    Attributes
    ----------
    outcome
        How it ended.
    bound
        No solution has a lower objective.
    value
        The objective of the best solution found, None for none.
    values
        That solution, by variable.
    """

    outcome: Outcome
    bound: int | None = None
    value: int | None = None
    values: tuple[int, ...] = ()


@dataclass
class Program:
    """An integer program that grows; all variables and coefficients are whole numbers.

    Attributes
    ----------
    lower, upper
        The bounds of the variables.
    rows
        Coefficients by variable, with the bounds of their sum.
    solver
        Who solves it.
    """

    lower: list[int] = field(default_factory=list)
    upper: list[int] = field(default_factory=list)
    rows: list[tuple[Terms, float, float]] = field(default_factory=list)
    solver: Solver = Solver.HIGHS

    def variable(self, upper: int, lower: int = 0) -> int:
        """Add a variable within bounds, and return its number."""
        self.lower.append(lower)
        self.upper.append(upper)
        return len(self.lower) - 1

    def at_most(self, terms: Mapping[int, int], right: int) -> None:
        """Let a sum be at most a number."""
        self.rows.append((dict(terms), -inf, right))

    def at_least(self, terms: Mapping[int, int], right: int) -> None:
        """Let a sum be at least a number."""
        self.rows.append((dict(terms), right, inf))

    def equal(self, terms: Mapping[int, int], right: int) -> None:
        """Let a sum be a number."""
        self.rows.append((dict(terms), right, right))

    def minimise(self, objective: Mapping[int, int], seconds: float, presolve: bool = True) -> Solved:
        """Find a solution of the lowest objective.

        Parameters
        ----------
        objective
            Coefficients.
        seconds
            How long it may take.
        presolve
            Whether the solver may make the program smaller first. HiGHS 1.16 has called programs infeasible for that
            which are not, so whoever is surprised asks again without.

        Raises
        ------
        ImportError
            Where HiGHS is not installed.
        RuntimeError
            Where SCIP is not.
        """
        if any(not terms and not low <= 0 <= high for terms, low, high in self.rows):
            return Solved(Outcome.INFEASIBLE)
        if not self.lower:
            return Solved(Outcome.OPTIMAL, 0, 0)
        if self.solver is Solver.SCIP:
            from .scip import minimise

            told = self.lower, self.upper, self.rows, objective
            ended, bound, value, values = minimise(*told, seconds, presolve=presolve)
            return Solved(Outcome(ended), bound, value, values)
        return self._by_highs(objective, seconds, presolve)

    def _by_highs(self, objective: Mapping[int, int], seconds: float, presolve: bool) -> Solved:
        import highspy

        # What it is wrapped in prints a banner when it is made, whatever its options are.
        solver = highspy._core._Highs()
        for name, setting in (
            ("output_flag", False),
            ("threads", 1),
            ("random_seed", 0),
            ("time_limit", float(max(seconds, 0.01))),
            ("mip_rel_gap", 0.0),
            # All values are whole: a bound above the last whole number below says all.
            ("mip_abs_gap", 0.5),
            ("presolve", "on" if presolve else "off"),
        ):
            solver.setOptionValue(name, setting)
        solver.passModel(self.as_highs(objective))
        solver.run()
        return _read(solver, highspy.HighsModelStatus, len(self.lower))

    def as_highs(self, objective: Mapping[int, int]) -> Any:
        """Return the program as HiGHS takes it."""
        import highspy
        import numpy as np

        lp = highspy.HighsLp()
        number = len(self.lower)
        lp.num_col_, lp.num_row_ = number, len(self.rows)
        cost = np.zeros(number)
        for variable, factor in objective.items():
            cost[variable] = factor
        lp.col_cost_ = cost
        lp.col_lower_ = np.array(self.lower, dtype=np.double)
        lp.col_upper_ = np.array(self.upper, dtype=np.double)
        lp.row_lower_ = np.array([low for _, low, _ in self.rows], dtype=np.double)
        lp.row_upper_ = np.array([high for _, _, high in self.rows], dtype=np.double)
        starts, index, value = [0], [], []
        for terms, _, _ in self.rows:
            index += list(terms)
            value += list(terms.values())
            starts.append(len(index))
        lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        lp.a_matrix_.start_ = np.array(starts, dtype=np.int32)
        lp.a_matrix_.index_ = np.array(index, dtype=np.int32)
        lp.a_matrix_.value_ = np.array(value, dtype=np.double)
        lp.integrality_ = [highspy.HighsVarType.kInteger] * number
        return lp


def _read(solver: object, statuses: object, number: int) -> Solved:
    """Translate what HiGHS says."""
    highs, names = cast("Any", solver), cast("Any", statuses)
    status = highs.getModelStatus()
    if status == names.kInfeasible:
        return Solved(Outcome.INFEASIBLE)
    info = highs.getInfo()
    bound = None if abs(info.mip_dual_bound) > 1e15 else ceil(info.mip_dual_bound - TOLERANCE)
    if status == names.kModelEmpty:
        return Solved(Outcome.OPTIMAL, 0, 0, (0,) * number)
    found = highs.getSolution().col_value if info.primal_solution_status == 2 else None
    if status == names.kOptimal and found is not None:
        value = round(info.objective_function_value)
        return Solved(Outcome.OPTIMAL, value, value, tuple(round(one) for one in found))
    if found is not None:
        return Solved(Outcome.CUT_OFF, bound, round(info.objective_function_value), tuple(round(one) for one in found))
    return Solved(Outcome.CUT_OFF, bound)
