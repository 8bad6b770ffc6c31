"""Dual certificates: multipliers of a program's rows from which anybody can compute that no solution is cheaper.

For any multipliers ``y`` of the right signs, and whatever they are, no solution of ``low <= A x <= high`` within the
bounds of the variables has a lower objective than ``y b`` plus what the reduced costs ``c - y A`` come to where each
variable is at its better bound (weak duality). So what is checked is only arithmetic, in fractions; how the multipliers
were found does not matter. With the objective 0, a bound above 0 says that there is no solution at all (Farkas).
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import ceil, inf
from typing import Any

from .program import Program, Terms

DENOMINATOR = 2**20
"""Multipliers are written as multiples of its inverse."""

Multipliers = Mapping[int, Fraction]
"""By the number of the row; the others are 0."""


def bound_of(program: Program, objective: Terms, multipliers: Multipliers) -> Fraction | None:
    """Return what no solution's objective is below; None where a multiplier has a sign that proves nothing.

    Parameters
    ----------
    program
        The program. Its variables are whole numbers, of which nothing is used.
    objective
        Coefficients.
    multipliers
        One for each row: above 0 for what has to be at least a number, below 0 for what may be at most one.
    """
    total = Fraction(0)
    reduced = {variable: Fraction(factor) for variable, factor in objective.items()}
    for row, factor in multipliers.items():
        if not 0 <= row < len(program.rows):
            return None
        terms, low, high = program.rows[row]
        right = low if factor > 0 else high
        if factor and abs(right) == inf:
            return None
        total += factor * Fraction(right) if factor else 0
        for variable, coefficient in terms.items():
            reduced[variable] = reduced.get(variable, Fraction(0)) - factor * coefficient
    for variable, factor in reduced.items():
        total += factor * (program.lower[variable] if factor > 0 else program.upper[variable])
    return total


def proves(program: Program, objective: Terms, multipliers: Multipliers, value: int) -> bool:
    """Whether multipliers prove that no solution in whole numbers has a lower objective than a value."""
    bound = bound_of(program, objective, multipliers)
    return bound is not None and ceil(bound) >= value


def proves_impossible(program: Program, multipliers: Multipliers) -> bool:
    """Whether multipliers prove that there is no solution."""
    bound = bound_of(program, {}, multipliers)
    return bound is not None and bound > 0


def elastic(program: Program, seconds: float) -> Multipliers:
    """Return multipliers that say of a program without a solution that it has none, as HiGHS finds them.

    They are those of the program in which rows may be missed at a price: they say that some have to be.
    """
    import highspy

    loose = Program(list(program.lower), list(program.upper), [])
    price: Terms = {}
    for terms, low, high in program.rows:
        made = dict(terms)
        for sign, side in ((1, low), (-1, high)):
            if abs(side) != inf:
                slack = loose.variable(10**6)
                price[slack] = 1
                made[slack] = sign
        loose.rows.append((made, low, high))
    solver = highspy._core._Highs()
    for name, setting in (("output_flag", False), ("threads", 1), ("time_limit", max(seconds, 0.01))):
        solver.setOptionValue(name, setting)
    lp = loose.as_highs(price)
    lp.integrality_ = []
    solver.passModel(lp)
    solver.run()
    return fractions(program, solver.getSolution().row_dual)


def fractions(program: Program, duals: Any) -> Multipliers:
    """Return what HiGHS says of rows as fractions, those of a sign that proves something."""
    found: dict[int, Fraction] = {}
    for row, dual in enumerate(duals):
        factor = Fraction(round(float(dual) * DENOMINATOR), DENOMINATOR)
        _, low, high = program.rows[row]
        if factor and abs(low if factor > 0 else high) != inf:
            found[row] = factor
    return found
