"""Proofs by cases: a tree whose branches part a variable's values, and whose leaves are dual certificates.

Where the multipliers of one program without whole numbers do not reach the value, two programs are looked at: one in
which a variable is at most ``k``, and one in which it is at least ``k + 1``. One of the two holds, as it is a whole
number. Who reads the tree follows it and computes a bound at each leaf; nothing is searched.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from .duals import Multipliers, elastic, fractions, proves, proves_impossible
from .program import TOLERANCE, Program, Terms

Json = dict[str, Any]
LEAVES = 400
"""How many leaves a proof may have: what needs more is a search, and the solver's word."""


def holds(program: Program, objective: Terms, value: int | None, tree: Mapping[str, Any]) -> bool:
    """Whether a tree proves that no solution has a lower objective than a value; for None, that there is no solution.

    Raises
    ------
    KeyError, ValueError, TypeError
        For what is no tree.
    """
    if "multipliers" in tree:
        multipliers = {int(row): Fraction(factor) for row, factor in tree["multipliers"].items()}
        impossible = proves_impossible(program, multipliers)
        return impossible or (value is not None and proves(program, objective, multipliers, value))
    variable, at = tree["variable"], tree["at"]
    if not (isinstance(at, int) and isinstance(variable, int) and 0 <= variable < len(program.lower)):
        raise ValueError("no branch")
    return all(
        holds(_within(program, variable, low, high), objective, value, tree[side])
        for side, low, high in (
            ("below", program.lower[variable], min(at, program.upper[variable])),
            ("above", max(at + 1, program.lower[variable]), program.upper[variable]),
        )
    )


def _within(program: Program, variable: int, low: int, high: int) -> Program:
    """Return the program with other bounds of a variable."""
    lower, upper = list(program.lower), list(program.upper)
    lower[variable], upper[variable] = low, high
    return Program(lower, upper, program.rows)


class _TooManyError(Exception):
    """More leaves than a proof may have, or no time."""


class _Grower:
    """Grows a tree, with HiGHS for the programs without whole numbers, each begun where the one before it ended."""

    def __init__(self, program: Program, objective: Terms, value: int | None, until: float) -> None:
        import highspy

        self.objective, self.value, self.until = objective, value, until
        self.leaves = 0
        self.infeasible = highspy.HighsModelStatus.kInfeasible
        self.optimal = highspy.HighsModelStatus.kOptimal
        self.solver = highspy._core._Highs()
        for name, setting in (("output_flag", False), ("threads", 1), ("presolve", "off")):
            self.solver.setOptionValue(name, setting)
        lp = program.as_highs(objective)
        lp.integrality_ = []
        self.solver.passModel(lp)

    def grow(self, program: Program) -> Json:
        """Return a tree for a program.

        Raises
        ------
        _TooManyError
            When there would be too many leaves, or a solution has a lower objective.
        """
        if self.leaves >= LEAVES or time.process_time() > self.until:
            raise _TooManyError
        self.solver.run()
        status = self.solver.getModelStatus()
        if status == self.infeasible:
            self.leaves += 1
            return self._leaf(program, elastic(program, self.until - time.process_time()))
        if status != self.optimal:
            raise _TooManyError
        solution = self.solver.getSolution()
        multipliers = fractions(program, solution.row_dual)
        if self.value is not None and proves(program, self.objective, multipliers, self.value):
            self.leaves += 1
            return self._leaf(program, multipliers)
        variable, at = _split(solution.col_value, self.objective)
        tree: Json = {"variable": variable, "at": at}
        low, high = program.lower[variable], program.upper[variable]
        for side, bounds in (("below", (low, at)), ("above", (at + 1, high))):
            self.solver.changeColBounds(variable, float(bounds[0]), float(bounds[1]))
            tree[side] = self.grow(_within(program, variable, *bounds))
        self.solver.changeColBounds(variable, float(low), float(high))
        return tree

    def _leaf(self, program: Program, multipliers: Multipliers) -> Json:
        leaf = {"multipliers": {str(row): str(factor) for row, factor in multipliers.items()}}
        if not holds(program, self.objective, self.value, leaf):
            raise _TooManyError
        return leaf


def _split(values: Any, objective: Terms) -> tuple[int, int]:
    """Return a variable that is not whole, of those that matter most, and the whole number below."""
    best: tuple[float, int, int] | None = None
    for variable, one in enumerate(values):
        below = int(one + TOLERANCE)
        part = one - below
        if TOLERANCE < part < 1 - TOLERANCE:
            weight = min(part, 1 - part) * (1 + abs(objective.get(variable, 0)))
            if best is None or weight > best[0]:
                best = weight, variable, below
    if best is None:
        # A solution in whole numbers that is better than the value, or nothing that can be told apart.
        raise _TooManyError
    return best[1], best[2]


def grown(program: Program, objective: Terms, value: int | None, seconds: float) -> Json | None:
    """Return a tree that proves a value, or with None that there is no solution; None where none was found.

    Parameters
    ----------
    program, objective, value
        As for `holds`.
    seconds
        Of the processor, that it may take.
    """
    if any(not terms and not low <= 0 <= high for terms, low, high in program.rows):
        row = next(k for k, (terms, low, high) in enumerate(program.rows) if not terms and not low <= 0 <= high)
        factor = "1" if program.rows[row][1] > 0 else "-1"
        return {"multipliers": {str(row): factor}}
    try:
        return _Grower(program, objective, value, time.process_time() + seconds).grow(program)
    except _TooManyError:
        return None
