"""Loose units, which may stand anywhere and several on a node, shared out among nodes.

It is dynamic programming over the few nodes that any best placement could use. What the best node costs for each number
of units gives a lower bound for any number of them, and a placement on these nodes an upper one. A node that costs more
for some units than the upper bound leaves, beside the least that the others cost, is in no best placement.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..demand.demand import Bundle
from ..node.plan import NodeSolution
from ..node.rankings import Tied
from ..state.node_classes import bits
from .selection import Decision, Pick, Selector, lowest_of, lowest_position

Ways = dict[int, list[tuple[int, NodeSolution]]]
"""Of nodes, by position, how many units each may give, and how."""

_Shared = tuple[int, tuple[tuple[int, NodeSolution], ...]]
"""What a placement costs, and what its nodes give, by position."""


def share_out(selector: Selector, unit: Bundle, count: int) -> Decision | None:
    """Share out so many units, any number of them on a node; None where there is no room."""
    found = _best(_candidates(selector, unit, count), count)
    if found is None:
        return None
    picks = tuple(Pick(1 << position, solution) for position, solution in found[1])
    bound = found[0]
    if any(selector.inexact(unit.times(units)) for units in range(1, count + 1)):
        each = [selector.lower_bound(unit.times(units)) for units in range(1, count + 1)]
        bound = min(bound, _least(each)[count] or 0)
    return Decision(tuple(sorted(picks, key=lowest_position)), found[0], bound)


def _best(ways: Ways, count: int) -> _Shared | None:
    """Return the best placement on some nodes; between equal ones that of the lowest."""
    best: list[_Shared | None] = [(0, ())] + [None] * count
    for position, solutions in sorted(ways.items()):
        for total in range(count, 0, -1):
            for units, solution in solutions:
                before = best[total - units] if units <= total else None
                now = best[total]
                if before is not None and (now is None or before[0] + solution.cost < now[0]):
                    best[total] = (before[0] + solution.cost, (*before[1], (position, solution)))
    return best[count]


def _least(each: Sequence[int | None]) -> list[int | None]:
    """Return what 0, 1, 2, ... units cost at least, given what 1, 2, ... of them cost at least on any node."""
    return _shares(each)[0]


def _shares(each: Sequence[int | None]) -> tuple[list[int | None], list[int]]:
    """Return what 0, 1, 2, ... units cost at least, and of each number how many one of the nodes gives then."""
    least: list[int | None] = [0]
    given = [0]
    for total in range(1, len(each) + 1):
        cost, first = None, 0
        for units, alone in enumerate(each[:total], 1):
            rest = least[total - units]
            if alone is not None and rest is not None and (cost is None or alone + rest < cost):
                cost, first = alone + rest, units
        least.append(cost)
        given.append(first)
    return least, given


def _candidates(selector: Selector, unit: Bundle, count: int) -> Ways:
    """Return the nodes that a best placement could use.

    Beside a node that gives `n` units there are at most `count - n` others. So one that is not among the best
    `count - n + 1` for `n` units can give its place to one of those that is not used, at no cost.
    """
    ways: Ways = {}
    each = selector.least_of_units(unit, count)
    for units, most in enumerate(_useful(selector, unit, each), 1):
        least = each[units - 1]
        if most is None or (least is not None and least <= most):
            wanted = count - units + 1
            for tied in selector.best_first(unit.times(units), most):
                wanted -= _enter(ways, tied, units, wanted)
                if not wanted:
                    break
    return ways


_NOTHING = -1 << 1 << 14
"""A cost below any."""


def _useful(selector: Selector, unit: Bundle, each: list[int | None]) -> list[int | None]:
    """Return up to what cost a node that gives 1, 2, ... units may be in a best placement; None for any.

    The upper bound is the best placement on the nodes that are best for some number of units; where these are not
    enough, on others too, first on those that give the most. Only such numbers are asked for that the cheapest way to
    share units out takes, as far as it is known what each of them costs; the others where that is no placement.

    Parameters
    ----------
    each
        What 1, 2, ... units cost at least on any node, and None where none gives them. What is found out better is
        entered.
    """
    ways: Ways = {}
    count = len(each)
    asked: set[int] = set()
    found: _Shared | None = None
    while True:
        least, given = _shares(each)
        units = min((units for units in _parts(given, count) if units not in asked), default=0)
        if not units:
            found = _best(ways, count)
            if len(asked) == count or (found is not None and found[0] == least[count]):
                break
            units = next(units for units in range(1, count + 1) if units not in asked)
        asked.add(units)
        bundle = unit.times(units)
        tied = next(selector.best_first(bundle), None)
        if selector.inexact(bundle):
            return [None] * count
        each[units - 1] = None if tied is None else tied[0][1].cost
        if tied is not None:
            _enter(ways, tied, units, count - units + 1)
    for units in range(count, 0, -1):
        if found is not None or each[units - 1] is None:
            continue
        wanted = count - units + 1
        for tied in selector.best_first(unit.times(units)):
            wanted -= _enter(ways, tied, units, wanted)
            if wanted <= 0:
                break
        found = _best(ways, count)
    if found is None:
        return [None] * count
    return [_NOTHING if rest is None else found[0] - rest for rest in least[count - 1 :: -1]]


def _parts(given: Sequence[int], count: int) -> Iterator[int]:
    """Yield how many units each node gives; nothing where so many cannot be shared out."""
    while given[count]:
        yield given[count]
        count -= given[count]


def _enter(ways: Ways, tied: Tied, units: int, wanted: int) -> int:
    """Enter the lowest so many nodes that give so many units at one cost; return how many these are."""
    kept, there = lowest_of(tied, wanted)
    for mask, solution in kept:
        for position in bits(mask):
            ways.setdefault(position, []).append((units, solution))
    return there
