"""A linear program to which columns and rows are added while it is solved: the revised simplex method.

    minimise c x  so that  A x <= b for some rows, A x >= b for others,  x >= 0

What breaks a row costs a fixed price, so that there always is a solution. Everything is small: the inverse of the basis
is a dense matrix. What comes of it are prices of rows, which are no proof of anything: who takes them for one rounds
them to whole numbers first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ...cpsat.budget import Budget

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

TINY = 1e-9
"""What is smaller is nothing."""

LOOSE = 1e-6
"""By about so much rows are looser than they are given, each by another amount, so that hardly any change ties."""

REFRESH = 50
"""Changes of the basis after which its inverse is made anew."""

PIVOT_STEPS = 40
"""Steps of work for a change of the basis, beside those for its size."""

NUMBERS_A_STEP = 1_000
"""Numbers that are gone through in a step of work."""

FIRST = 256
"""Columns for which there is room at first."""


class Simplex:
    """A linear program.

    Parameters
    ----------
    rows
        For each row its right side, not below zero.
    needed
        Which rows must reach it; the others must not exceed it.
    broken
        What each unit costs by which a row is broken.
    budget
        What is done is spent.

    Attributes
    ----------
    columns
        How many there are.
    """

    def __init__(self, rows: Sequence[float], needed: Sequence[bool], broken: float, budget: Budget) -> None:
        import numpy  # here, since most pools never need it

        self._np = numpy
        self._budget = budget
        self._broken = broken
        signs = numpy.where(needed, -1.0, 1.0)
        self._right = numpy.array(rows, float) + signs * LOOSE * _uneven(len(rows))
        self._right = numpy.maximum(self._right, 0)
        self._signs = signs  # of what is left of a row; what breaks it has the other
        self._matrix = numpy.zeros((len(rows), FIRST))
        self._costs = numpy.zeros(FIRST)
        self.columns = 0
        # Of each row what is in the basis: a column, what is left of a row (-1 - 2 row), what breaks it (-2 - 2 row).
        self._basis = [-1 - 2 * row - int(is_needed) for row, is_needed in enumerate(needed)]
        self._inverse = numpy.eye(len(rows))
        self._values = self._right.copy()
        self._age = 0

    def add_column(self, entries: Mapping[int, float]) -> int:
        """Add a column, which costs nothing yet, and return its number."""
        number = self.columns
        if number == len(self._costs):
            self._matrix = self._np.hstack([self._matrix, self._np.zeros_like(self._matrix)])
            self._costs = self._np.hstack([self._costs, self._np.zeros_like(self._costs)])
        for row, entry in entries.items():
            self._matrix[row, number] = entry
        self.columns += 1
        return number

    def add_row(self, entries: Sequence[float], right: float) -> int:
        """Add a row that must not be exceeded, with an entry for each column, and return its number."""
        np, number = self._np, len(self._right)
        row = np.zeros((1, self._matrix.shape[1]))
        row[0, : self.columns] = entries
        self._matrix = np.vstack([self._matrix, row])
        right += LOOSE * (1 + number % 7 / 7)
        self._right = np.append(self._right, right)
        self._signs = np.append(self._signs, 1.0)
        of_basis = np.array([row[0, column] if column >= 0 else 0.0 for column in self._basis])
        left = right - of_basis @ self._values
        sign = 1.0 if left >= 0 else -1.0
        self._inverse = np.block(
            [
                [self._inverse, np.zeros((number, 1))],
                [-sign * (of_basis @ self._inverse)[None, :], np.array([[sign]])],
            ]
        )
        self._basis.append(-1 - 2 * number - int(left < 0))
        self._values = np.append(self._values, abs(left))
        return number

    def set_costs(self, costs: Sequence[float]) -> None:
        """Say what each column costs."""
        self._costs[: self.columns] = costs

    def set_cost(self, column: int, cost: float) -> None:
        """Say what a column costs."""
        self._costs[column] = cost

    def solve(self) -> Array:
        """Find the best with the columns that there are, and return the prices of the rows."""
        np = self._np
        while True:
            prices = self._basis_costs() @ self._inverse
            reduced = self._costs[: self.columns] - prices @ self._matrix[:, : self.columns]
            left = -prices * self._signs
            column = int(reduced.argmin()) if self.columns else -1
            row = int(left.argmin())
            if column >= 0 and reduced[column] <= left[row]:
                least, entering = reduced[column], column
                through = self._inverse @ self._matrix[:, column]
            else:
                least, entering = left[row], -1 - 2 * row
                through = self._inverse[:, row] * self._signs[row]
            self._budget.spend(
                PIVOT_STEPS + self._matrix.shape[0] * (self.columns + self._matrix.shape[0]) // NUMBERS_A_STEP
            )
            if least > -TINY * self._broken:
                return prices
            rising = np.where(through > TINY, self._values / np.maximum(through, TINY), np.inf)
            leaving = int(rising.argmin())
            if not np.isfinite(rising[leaving]):
                return prices  # no such program has no end: the inverse is worn out
            self._change(leaving, entering, through)

    def solution(self) -> dict[int, float]:
        """Return the columns of the last solution, and how much of each."""
        return {
            column: float(value)
            for column, value in zip(self._basis, self._values, strict=True)
            if column >= 0 and value > TINY
        }

    def _basis_costs(self) -> Array:
        return self._np.array([self._costs[c] if c >= 0 else (0.0 if c % 2 else self._broken) for c in self._basis])

    def _change(self, leaving: int, entering: int, through: Array) -> None:
        np = self._np
        pivot = through[leaving]
        row = self._inverse[leaving] / pivot
        step = self._values[leaving] / pivot
        self._inverse -= np.outer(through, row)
        self._inverse[leaving] = row
        self._values = np.maximum(self._values - step * through, 0)
        self._values[leaving] = step
        self._basis[leaving] = entering
        self._age += 1
        if self._age >= REFRESH:
            self._refresh()

    def _refresh(self) -> None:
        """Make the inverse anew, from the basis."""
        np = self._np
        basis = np.zeros_like(self._inverse)
        for place, column in enumerate(self._basis):
            if column >= 0:
                basis[:, place] = self._matrix[:, column]
            else:
                row, broken = divmod(-1 - column, 2)
                basis[row, place] = -self._signs[row] if broken else self._signs[row]
        self._inverse = np.linalg.inv(basis)
        self._values = np.maximum(self._inverse @ self._right, 0)
        self._age = 0


def _uneven(number: int) -> Array:
    """Return numbers from one to two, hardly two of them equal."""
    import numpy as np

    return 1 + np.array(np.arange(number) * 0.6180339887 % 1, np.float64)
