"""Sharing out things among more parts than dynamic programming has the time for: a good way, and how good it is.

Each part costs so much for each number of things. The lower convex hulls of these are filled in the order of what one
more thing costs, which is best but for the last part that is filled (the knapsack's greedy for its relaxation): there
the rest is put into the part that takes it best. What no way is cheaper than: that relaxation; or as few parts as hold
all, and as many of the cheapest things, wherever they are. It costs a way for each part and number, and a sort.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cmp_to_key
from itertools import pairwise
from typing import NamedTuple


class Filled(NamedTuple):
    """How many things each part gets, and what no way to share them out is cheaper than."""

    numbers: list[int]
    bound: int


class _Step(NamedTuple):
    """So many more things in a part, along the hull of its costs."""

    cost: int
    things: int
    part: int


def fill(tables: Sequence[Sequence[int]], number: int, touch: int, least: int) -> Filled:
    """Share out a number of things.

    Parameters
    ----------
    tables
        Of each part, what 0, 1, 2, ... things cost, up to its room; together there is room for all.
    touch
        What each part that gets something costs at least, beside its things.
    least
        What one thing costs at least.
    """
    steps = _all_steps(tables)
    numbers = [0] * len(tables)
    left = number
    for step in steps:
        if step.things > left:
            break
        numbers[step.part] += step.things
        left -= step.things
    while left:
        # The part that takes most of the rest, or all of it, at the least cost for each.
        best: tuple[int, int, int] | None = None
        for part, table in enumerate(tables):
            here = numbers[part]
            some = min(left, len(table) - 1 - here)
            if some > 0:
                cost = table[here + some] - table[here]
                if best is None or (some, best[0]) > (best[1], cost) or (some == best[1] and cost < best[0]):
                    best = cost, some, part
        assert best is not None, "there is room for all"
        numbers[best[2]] += best[1]
        left -= best[1]
    rooms = sorted((len(table) - 1 for table in tables), reverse=True)
    fewest = held = 0
    while held < number:
        held += rooms[fewest]
        fewest += 1
    apart = fewest * touch + max(number * least, _cheapest(tables, number, touch))
    return Filled(numbers, max(apart, _along(steps, number)))


def relaxed(tables: Sequence[Sequence[int]], number: int) -> int:
    """Return what no way to share out a number of things is cheaper than, by the hulls of what they cost.

    Parameters
    ----------
    tables
        Of each part, what 0, 1, 2, ... things cost, up to its room; together there is room for all.
    """
    return _along(_all_steps(tables), number)


def _all_steps(tables: Sequence[Sequence[int]]) -> list[_Step]:
    """Return the segments of all hulls, the cheapest things first."""
    steps = [step for part, table in enumerate(tables) for step in _steps(part, table)]
    steps.sort(key=cmp_to_key(_dearer))
    return steps


def _along(steps: Sequence[_Step], number: int) -> int:
    """Return what so many things cost along the hulls, of which the last step may be taken in part."""
    cost = 0
    for step in steps:
        if step.things >= number:
            return cost - (-step.cost * number // step.things)
        cost += step.cost
        number -= step.things
    raise AssertionError("there is room for all")


def _dearer(one: _Step, other: _Step) -> int:
    """Compare what one thing costs, exactly."""
    return one.cost * other.things - other.cost * one.things


def _steps(part: int, table: Sequence[int]) -> list[_Step]:
    """Return the segments of the lower convex hull of a part's costs."""
    hull: list[tuple[int, int]] = []
    for point in enumerate(table):
        while len(hull) > 1:
            (x0, y0), (x1, y1), (x2, y2) = hull[-2], hull[-1], point
            if (y1 - y0) * (x2 - x1) < (y2 - y1) * (x1 - x0):
                break
            hull.pop()
        hull.append(point)
    return [_Step(y1 - y0, x1 - x0, part) for (x0, y0), (x1, y1) in pairwise(hull)]


def _cheapest(tables: Sequence[Sequence[int]], number: int, touch: int) -> int:
    """Return what so many of the cheapest things cost, each by itself; 0 where they do not stand by themselves."""
    more: list[int] = []
    for table in tables:
        here = [after - before for before, after in pairwise(table)]
        if here:
            here[0] -= touch
        if any(other < one for one, other in pairwise(here)):
            return 0
        more += here
    return sum(sorted(more)[:number])
