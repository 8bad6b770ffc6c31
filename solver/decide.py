"""The decision: the largest counts that fit, then the best placement with them.

A placement with a count holds one with any smaller count, so whether a count fits is monotone: the largest
admissible one that fits is found by halving, vertex after vertex in pre-order, those to come at their smallest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ..topology.machine import Machine
from .demand import Demand, HostDemand, Want
from .domain_state import DomainState
from .lexicographic import Budget
from .machine_model.cells import GroupTree
from .offers import Offers
from .packing import SlotShape
from .rankings import Rankings
from .resolve import Problem
from .selection import SHARED_OUT, Decision, Field, Selector

MOST_ON_A_NODE = 1 << 18
"""No node has more cores."""


@dataclass(frozen=True)
class Situation:
    """All that a decision depends on.

    Attributes
    ----------
    field
        The nodes that may be chosen.
    group_free
        What is free of the groups' own amounts.
    """

    field: Field
    group_free: Mapping[tuple[int, str], int]


class Decider:
    """Decides requests on one machine under one policy; keeps nothing of any pool.

    Parameters
    ----------
    machine
        For its groups.
    rankings
        What is remembered of states.
    """

    def __init__(self, machine: Machine, rankings: Rankings) -> None:
        self._machine = machine
        self._rankings = rankings
        self._offers: Offers = rankings.offers
        self._compares_groups = bool(machine.groups) and any(
            level for level in machine.group_levels if not _covers(machine, level)
        )
        self._group_amounts = {name for group in machine.groups for name, _ in group.resources}
        self._grouped = bool(machine.groups)

    def decide(self, problem: Problem, situation: Situation, budget: Budget) -> tuple[Demand, Decision] | None:
        """Return the demand with the largest counts that fit, and its best placement; None when there is none.

        Raises
        ------
        CutOff
            When the time ran out before that was known.
        """
        sizes = self.sizes(problem, situation, budget)
        if sizes is None:
            return None
        demand = problem.demand(sizes)
        decision = self._place(demand, situation, budget)
        return None if decision is None else (demand, decision)

    def sizes(self, problem: Problem, situation: Situation, budget: Budget) -> tuple[int, ...] | None:
        """Return the largest counts that fit; None when the smallest do not."""
        sizes = list(problem.least)
        if not sizes:
            return ()
        if not self.fits(problem.demand(tuple(sizes)), situation, budget):
            return None
        for i, choice in enumerate(problem.choices):
            low, high = sizes[i], choice.most
            while (most := choice.vertex.count.largest(high)) is not None and most > low:
                middle = choice.vertex.count.largest((low + most + 1) // 2)
                if middle is None or middle <= low:
                    middle = most
                trial = (*sizes[:i], middle, *sizes[i + 1 :])
                if self.fits(problem.demand(trial), situation, budget):
                    low = sizes[i] = middle
                else:
                    high = middle - 1
        return tuple(sizes)

    def fits(self, demand: Demand, situation: Situation, budget: Budget) -> bool:
        """Tell whether there is any placement."""
        single = demand.single
        if single is not None and not self._reaches_groups(single):
            return self._room(single, situation.field, budget) >= single.count
        return self._choose(demand, situation, budget, best=False) is not None

    def room(self, demand: Demand, situation: Situation, budget: Budget) -> int | None:
        """Return how many nodes or units of a single host demand there is room for; None when that is not known."""
        single = demand.single
        if single is None or self._reaches_groups(single):
            return None
        return self._room(replace(single, count=self._machine.size * MOST_ON_A_NODE), situation.field, budget)

    def _room(self, single: HostDemand, field: Field, budget: Budget) -> int:
        """Return how many nodes give a bundle, or how many loose units there is room for; at most what is asked."""
        room = 0
        for state, nodes in field.live():
            room += nodes.bit_count() * self._most(single, state, budget)
            if room >= single.count:
                return single.count
        return room

    def _most(self, single: HostDemand, state: DomainState, budget: Budget) -> int:
        """Return how many times a node of this state gives a bundle."""
        if not single.loose:
            return int(self._gives(state, single, 1, budget))
        low, high = 0, min(single.count, state.room)
        flat = single.bundle.flat
        if flat is not None:
            return min(high, SlotShape.of(flat).capacity(state))
        while low < high:
            middle = (low + high + 1) // 2
            if self._gives(state, single, middle, budget):
                low = middle
            else:
                high = middle - 1
        return low

    def _gives(self, state: DomainState, single: HostDemand, units: int, budget: Budget) -> bool:
        flat = single.bundle.flat
        if flat is not None:
            return SlotShape.of(flat).capacity(state) >= units * flat.count
        bundle = single.bundle.times(units) if single.loose else single.bundle
        offer = self._offers.offer(state, bundle, budget)
        return offer is not None and not offer.outside

    def _place(self, demand: Demand, situation: Situation, budget: Budget) -> Decision | None:
        single = demand.single
        if single is not None and not self._reaches_groups(single) and not single.bundle.piece:
            selector = Selector(self._rankings, situation.field, budget)
            count = single.count
            plain = not self._grouped or not self._compares_groups
            if not single.loose and (count == 1 or not self._grouped) and plain:
                return selector.alike(single.bundle, count)
            if single.loose and plain:
                if self._room(single, situation.field, budget) < count:
                    return None
                together = selector.together(single.bundle, count)
                if together is not None:
                    return together
                if count <= SHARED_OUT and not self._grouped:
                    return selector.loose(single.bundle, count)
        return self._choose(demand, situation, budget, best=True)

    def _choose(self, demand: Demand, situation: Situation, budget: Budget, *, best: bool) -> Decision | None:
        from .machine_model import choose

        tree = GroupTree(self._machine.groups, dict(situation.group_free))
        return choose(demand, situation.field, tree, self._offers, budget, best=best)

    def _reaches_groups(self, single: HostDemand) -> bool:
        """Tell whether a bundle may take amounts that groups list."""
        return any(_asks_for(want, name) for want in single.bundle.wants for name in self._group_amounts)


def _asks_for(want: Want, name: str) -> bool:
    return want.type == name or any(_asks_for(below, name) for below in want.wants)


def _covers(machine: Machine, level: str) -> bool:
    """Tell whether every node stands in a group of the level."""
    nodes = 0
    for group in machine.groups:
        if group.level == level:
            nodes |= group.members
    return nodes == machine.all
