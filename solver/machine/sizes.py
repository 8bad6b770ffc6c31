"""The largest counts that fit, where a request leaves some open (`slot=2-8`).

A placement with a count holds one with any smaller count, so whether a count fits is monotone: the largest
admissible one that fits is found by halving, vertex after vertex in pre-order, those to come at their smallest. It
costs about log2 of the range in decisions whether there is any placement.
"""

from __future__ import annotations

from collections.abc import Callable

from ..cpsat.budget import Budget, CutOff
from ..demand.demand import Demand
from ..demand.problem import Problem

TRIAL_STEPS = 100
"""What it costs to try some counts, beside what it takes to tell whether they fit."""


class Sizes:
    """The search for the largest counts that fit.

    Parameters
    ----------
    problem, budget
        What to search, and how much work that may take.
    fits
        Tells whether there is a placement of a demand.

    Attributes
    ----------
    most_sizes
        Where it was cut off with some counts found: what no counts that fit exceed, compared in order. Else empty.
    """

    def __init__(self, problem: Problem, fits: Callable[[Demand, Budget], bool], budget: Budget) -> None:
        self.most_sizes: tuple[int, ...] = ()
        self._known: tuple[int, ...] = ()
        self._problem = problem
        self._fit = fits
        self._budget = budget
        self._most = [choice.most for choice in problem.choices]

    def find(self) -> tuple[int, ...] | None:
        """Return the largest counts that fit, in pre-order; None when none do.

        Raises
        ------
        CutOff
            When the work was used up before it was known whether any fit; later, the best that were found are returned.
        """
        if not self._fits({}):
            return None
        fixed: dict[int, int] = {}
        try:
            for place in range(len(self._problem.choices)):
                fixed[place] = self._largest(place, fixed)
        except CutOff:
            left = range(len(fixed), len(self._most))
            self.most_sizes = (*fixed.values(), *(self._most[place] for place in left))
            return self._known
        return tuple(fixed.values())

    def _largest(self, place: int, fixed: dict[int, int]) -> int:
        """Return the largest count of one choice that fits with those that are fixed; there is one."""
        count = self._problem.choices[place].vertex.count
        low, high = count.min, self._most[place]
        while (most := count.largest(high)) is not None and most > low:
            middle = count.largest((low + most + 1) // 2)
            if middle is None or middle <= low:
                middle = most
            if self._fits({**fixed, place: middle}):
                low = middle
            else:
                high = self._most[place] = middle - 1
        return low

    def _fits(self, fixed: dict[int, int]) -> bool:
        """Tell whether some counts fit with those that are fixed, the others at their least."""
        choices = self._problem.choices
        sizes = tuple(fixed.get(i, choice.vertex.count.min) for i, choice in enumerate(choices))
        self._budget.charge(TRIAL_STEPS)
        if not self._fit(self._problem.demand(sizes), self._budget):
            return False
        self._known = sizes
        return True
