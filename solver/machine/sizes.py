"""The largest counts that fit, where a request leaves some open (`slot=2-8`).

A placement with a count holds one with any smaller count, so whether a count fits is monotone: the largest
admissible one that fits is found by halving, vertex after vertex in pre-order, those to come at their smallest. It
costs about log2 of the range in decisions whether there is any placement.
Counts inside slots that take amounts are uneven: a larger one may fit where a smaller does not, so each is tried.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

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
        if self._problem.uneven and not self._bound_uneven():
            return None
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
        if place in self._problem.uneven:
            every = count.descending(self._most[place])
            return next(number for number in every if self._fits({**fixed, place: number}))
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
        """Tell whether some counts fit with those that are fixed: the others at their least, all of the uneven ones."""
        open_places = sorted(self._problem.uneven - fixed.keys())
        choices = self._problem.choices
        least = [fixed.get(i, choice.vertex.count.min) for i, choice in enumerate(choices)]
        every = [choices[i].vertex.count.descending(self._most[i]) for i in open_places]
        self._budget.charge(TRIAL_STEPS)
        for tried, numbers in enumerate(product(*every)):
            if tried:
                self._budget.spend(TRIAL_STEPS)
            for place, number in zip(open_places, numbers, strict=True):
                least[place] = number
            if self._fit(self._problem.demand(tuple(least)), self._budget):
                self._known = tuple(least)
                return True
        return False

    def _bound_uneven(self) -> bool:
        """Bound the uneven counts by what fits without amounts; tell whether anything does."""
        relaxed = self._problem.without_amounts
        sizes = Sizes(relaxed, self._fit, self._budget)
        if not sizes._fits({}):
            return False
        places = {choice.vertex.path: i for i, choice in enumerate(relaxed.choices)}
        for place in self._problem.uneven:
            self._most[place] = sizes._largest(places[self._problem.choices[place].vertex.path], {})
        return True
