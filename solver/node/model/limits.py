"""What is known of a best placement before the search for it: a lower bound, and a placement that stands.

Both are values of the policy's components, compared lexicographically. So a placement that is as good as the one that
is known has the same values as long as the two agree, and the first value in which they differ lies between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...cpsat.lexicographic import Goal
from ...policy.scale import Scale
from ...policy.terms import Cross

if TYPE_CHECKING:
    from ortools.sat.python import cp_model


@dataclass(frozen=True)
class Limits:
    """Between what the components lie.

    Attributes
    ----------
    least
        No placement is below these.
    known
        The values of a placement.
    """

    least: tuple[int, ...]
    known: tuple[int, ...]

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """What the first components are at least and at most, up to the first one that is open."""
        pairs: list[tuple[int, int]] = []
        for low, high in zip(self.least, self.known, strict=True):
            pairs.append((low, high))
            if low != high:
                break
        return pairs

    def crossed(self, scale: Scale) -> dict[str, int]:
        """Return how often slots cross a level at the most in all, for the levels of which that is known."""
        known = zip(scale.components, self.pairs, strict=False)
        return {component.level: most for component, (_, most) in known if isinstance(component, Cross)}


def narrowed(model: cp_model.CpModel, goals: Sequence[Goal], pairs: Sequence[tuple[int, int]]) -> list[Goal] | None:
    """Hold the first goals between limits, and return them all; None where one cannot be."""
    found = list(goals)
    for i, (low, high) in enumerate(pairs):
        goal = goals[i]
        if goal.high < low or goal.low > high:
            return None
        model.add(goal.expression >= low)
        model.add(goal.expression <= high)
        found[i] = Goal(goal.expression, low, high)
    return found
