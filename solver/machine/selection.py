"""The choice of nodes where no group is asked for and nothing ties nodes together.

Costs of nodes add up, and adding keeps the order of costs. So nodes that all give the same bundle are best taken from
the top of its ranking (an exchange argument: any other node can be replaced by a better one that is not used). Loose
units, which may stand anywhere and several on a node, are shared out by `loose_units`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ...grammar.bits import lowest_bit
from ..cpsat.budget import Budget
from ..demand.demand import Bundle
from ..node.plan import NodeSolution
from ..node.rankings import Rankings, Tied
from ..state.domain_state import DomainState
from ..state.node_classes import Classes, lowest
from .fewest_groups import FewestGroups

SHARED_OUT = 16
"""Loose units up to which they are shared out node by node; more go to the machine's model."""


class Pick(NamedTuple):
    """Nodes that all give the same.

    Attributes
    ----------
    nodes
        Bitmask of positions.
    solution
        What each of them gives.
    host
        The number of the host demand that they stand for; None for loose units.
    group
        The group in which they stand for it; -1 for none.
    """

    nodes: int
    solution: NodeSolution
    host: int | None = 0
    group: int = -1


class Decision(NamedTuple):
    """A placement, by nodes and plans.

    Attributes
    ----------
    picks
        In the order of their lowest positions.
    cost, bound
        Joint integers; equal when the placement is proven optimal.
    group_held
        Groups' own amounts that stand for vertices of their own: (group index, resource, amount).
    modelled
        Whether the cost counts the groups that are touched.
    most_sizes
        What no placement exceeds, compared in order, where it was cut off before the counts were the largest for sure.
    numbers
        For positions that hold a part of a slot of several nodes, the slot's number; None where that is open.
    """

    picks: tuple[Pick, ...]
    cost: int
    bound: int
    group_held: tuple[tuple[int, str, int], ...] = ()
    modelled: bool = False
    most_sizes: tuple[int, ...] = ()
    numbers: Mapping[int, int] | None = None


@dataclass(frozen=True)
class Field:
    """The nodes that may be chosen now.

    Attributes
    ----------
    classes
        Nodes that are up, by state.
    eligible
        Bitmask of the positions that the constraint matches.
    everyone
        Whether these are all: nothing has to be masked out then.
    """

    classes: Classes
    eligible: int
    everyone: bool = field(default=False, init=False, compare=False)

    @classmethod
    def of_all(cls, classes: Classes, everyone: int) -> Field:
        """Return the field in which all nodes that are up may be chosen."""
        made = cls(classes, everyone)
        object.__setattr__(made, "everyone", True)
        return made

    def live(self) -> Iterator[tuple[DomainState, int]]:
        """Yield the states that have such nodes, with the bitmask of these."""
        if self.everyone:
            yield from self.classes.items()
            return
        for state, nodes in self.classes.items():
            chosen = nodes & self.eligible
            if chosen:
                yield state, chosen

    def nodes(self) -> int:
        """Return the bitmask of all such nodes."""
        nodes = 0
        for _, some in self.live():
            nodes |= some
        return nodes


class Selector:
    """Chooses nodes for a request that names no groups.

    Parameters
    ----------
    rankings
        Of the pool's states.
    field
        The nodes to choose from.
    budget
        For states that have not been solved before.
    """

    def __init__(self, rankings: Rankings, field: Field, budget: Budget) -> None:
        self._rankings = rankings
        self._field = field
        self._budget = budget

    def best_first(self, bundle: Bundle, most: int | None = None) -> Iterator[Tied]:
        """Yield the nodes that can give a bundle, up to some cost, best first, those of equal cost together."""
        field = self._field
        eligible = None if field.everyone else field.eligible
        return self._rankings.best_first(bundle, field.classes, eligible, self._budget, most)

    def inexact(self, bundle: Bundle) -> bool:
        """Tell whether there was no time to find out what some node can do for a bundle."""
        return self._rankings.inexact(bundle)

    def alike(self, bundle: Bundle, count: int) -> Decision | None:
        """Choose so many nodes that each give the bundle; what is left of the budget goes into what is not proven."""
        found = self._first(bundle, count)
        if found is None or found.bound == found.cost:
            return found
        improved = self._rankings.improve(bundle, self._field.classes, self._budget)
        return self._first(bundle, count) if improved else found

    def _first(self, bundle: Bundle, count: int, most: int | None = None) -> Decision | None:
        """Choose the first so many nodes of the ranking, up to some cost of each."""
        picks: list[Pick] = []
        cost = 0
        left = count
        for tied in self.best_first(bundle, most):
            chosen, there = lowest_of(tied, left)
            each = tied[0][1].cost
            cost += each * there
            left -= there
            picks += [Pick(nodes, solution) for nodes, solution in chosen]
            if not left:
                break
        if left:
            return None
        if len(picks) > 1:
            picks.sort(key=lowest_position)
        bound = cost
        if self.inexact(bundle):
            bound = min(cost, self.least_of(bundle, count))
        return Decision(tuple(picks), cost, bound)

    def lower_bound(self, bundle: Bundle) -> int | None:
        """Return what a bundle costs at least on any node; None where none can give it."""
        return self._rankings.lower_bound(bundle, self._field.classes, self._budget)

    def least_of(self, bundle: Bundle, count: int) -> int:
        """Return what so many nodes that each give the bundle cost at least: those that may cost the least."""
        field = self._field
        total = 0
        for bound, nodes in sorted(
            (bound, (field.classes[state] & field.eligible).bit_count())
            for bound, state in self._rankings.bounds(bundle, field.classes, self._budget)
        ):
            total += bound * min(count, nodes)
            count -= min(count, nodes)
        return total

    def in_fewest_groups(self, bundle: Bundle, count: int, fewest_groups: FewestGroups) -> Decision | None:
        """Choose so many nodes of those that like the bundle best, in the fewest groups; None when that is not proven.

        They must be enough, and no groups fewer with the help of others that are compared after the groups only.
        """
        tied = next(self.best_first(bundle), [])
        nodes = 0
        for part, _ in tied:
            nodes |= part
        if self.inexact(bundle) or nodes.bit_count() < count:
            return None
        found = fewest_groups.fewest(nodes, count)
        if found is None:
            return None
        chosen, touched = found
        scale = self._rankings.node_solver.scale
        if max(touched.values()) > 1:
            if scale.before_groups is None:
                return None
            field = self._field
            others = self._rankings.may_tie(bundle, field.classes, scale.before_groups, self._budget) & field.eligible
            with_others = found if others == nodes else fewest_groups.fewest(others | nodes, count)
            if with_others is None or with_others[1] != touched:
                return None
        picks = [Pick(part & chosen, solution) for part, solution in tied if part & chosen]
        cost = tied[0][1].cost * count + sum(scale.group_units[level] * number for level, number in touched.items())
        return Decision(tuple(sorted(picks, key=lowest_position)), cost, cost, modelled=True)

    def on_one_node(self, units: Sequence[tuple[Bundle, int]], together: Bundle) -> Decision | None:
        """Choose one node for all of some loose units, so many of each, if no choice of more nodes can be better.

        Each unit alone costs at least what the best one costs on any node; where all of them on one node cost no
        more than that, in all that is compared up to the number of nodes, more nodes are worse. Which node, and how
        it gives them, may be open: the bound says so.
        """
        scale = self._rankings.node_solver.scale
        if scale.lead is None:
            return None
        least = 1
        for unit, count in units:
            led = self._least_led(unit, scale.lead)
            if led is None:
                return None
            least += (led - 1) * count
        best = self._first(together, 1, scale.least_led(least + 1) - 1)
        return best if best is not None and scale.lead(best.cost) == least else None

    def _least_led(self, unit: Bundle, lead: Callable[[int], int]) -> int | None:
        """Return what the best node for a unit comes to in what leads a joint integer; None where it is not known."""
        field = self._field
        eligible = None if field.everyone else field.eligible
        led = self._rankings.least_led(unit, field.classes, eligible, lead, self._budget)
        return None if self.inexact(unit) else led

    def least_of_units(self, unit: Bundle, count: int) -> list[int | None]:
        """Return what 1, 2, ... units cost at least on any node; None where none gives so many.

        These are bounds that take little search. Units of one node cost in all that is compared up to the number of
        nodes at least what the best one costs for each of them, less the nodes that are one.
        """
        scale, classes = self._rankings.node_solver.scale, self._field.classes
        least = [self._rankings.least(unit.times(units), classes, self._budget) for units in range(1, count + 1)]
        if scale.lead is None or least[0] is None:
            return least
        led = self._least_led(unit, scale.lead)
        if led is None:
            return [least[0]] * count if self.inexact(unit) else [None] * count
        for units, bound in enumerate(least, 1):
            if bound is not None:
                more = led * units - (units - 1) - scale.lead(bound)
                least[units - 1] = bound + max(0, more) * scale.node_unit
        return least


def lowest_position(pick: Pick) -> int:
    """Return the lowest position of a pick's nodes, counted from 1."""
    return lowest_bit(pick.nodes).bit_length()


def lowest_of(tied: Tied, count: int) -> tuple[Tied, int]:
    """Return the lowest so many nodes of states that tie, or all, and how many these are."""
    if len(tied) == 1:
        nodes, solution = tied[0]
        chosen = lowest(nodes, count)
        return [(chosen, solution)], 1 if count == 1 else chosen.bit_count()
    union = 0
    for nodes, _ in tied:
        union |= nodes
    chosen = lowest(union, count)
    kept = [(part, solution) for nodes, solution in tied if (part := nodes & chosen)]
    return kept, 1 if count == 1 else chosen.bit_count()
