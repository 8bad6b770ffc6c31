"""The decision on a request: the largest counts that fit (`sizes`), then the best placement with them.

A demand of one kind of node, or of loose units, goes to `selection`, where nodes do not bear on each other and the
best are the first of a ranking. Equal nodes on a machine with groups go to `fewest_groups`, which proves its answer or
says nothing. All else goes to the machine's model. Whether there is any placement is asked first where that is cheaper
than the best one: by counting the room on each state, once a class and not once a node.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import NamedTuple

from ...topology.machine import Machine
from ..cpsat.budget import Budget, CutOff
from ..demand.demand import Demand, HostDemand, Kind, Want
from ..demand.problem import Problem
from ..node.capacity import is_countable, room_for
from ..node.packing import SlotShape
from ..node.rankings import Rankings
from ..node.solver import NodeSolver
from ..state.domain_state import DomainState
from .choice import Chooser, better_of, has_few_nodes
from .fewest_groups import FewestGroups
from .loose_units import share_out
from .selection import SHARED_OUT, Decision, Field, Selector
from .sizes import Sizes
from .untorn import Untorn

MOST_ON_A_NODE = 1 << 18
"""No node has more cores."""

SHARE_FOR_SIZES = 0.7
"""Of the work, how much the search for the largest counts may take: with what it found a job is placed yet."""

SHARE_FOR_ONE = 0.3
"""Of what is left, how much it may take to find out whether all slots are best on one node."""

SHARE_FOR_ONE_OF_FEW = 0.05
"""The same where there are few nodes, to which slots are dealt together."""

SHARE_FOR_ALIKE = 0.7
"""Of what is left then, how much the best on one of them may take where slots have GPUs."""

SHARE_FOR_DEALING = 0.8
"""Of what is left, how much it may take to deal slots to nodes together."""

SHARE_FOR_UNITS_OF_FEW = 0.3
"""The same to share them out node by node before that, which mostly takes little, and proves it."""

SHARE_FOR_UNITS = 0.6
"""Of what is left, how much it may take to share few units out node by node: the rest is to deal them along domains."""


class Situation(NamedTuple):
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
        self._node_solver: NodeSolver = rankings.node_solver
        self._grouped = bool(self._node_solver.scale.group_names or self._node_solver.scale.balance)
        self._chooser = Chooser(machine, self._node_solver)
        covered = (self._chooser.covers(machine, level) for level in machine.group_levels)
        self._compares_groups = self._grouped and not all(covered)

    @cached_property
    def _fewest_groups(self) -> FewestGroups | None:
        scale = self._node_solver.scale
        known = bool(scale.group_names) and not scale.balance and FewestGroups.are_in(self._machine)
        return FewestGroups(self._machine) if known else None

    def decide(self, problem: Problem, situation: Situation, budget: Budget) -> tuple[Demand, Decision] | None:
        """Return the demand with the largest counts that fit, and its best placement; None when there is none.

        Raises
        ------
        CutOff
            When the work was used up before that was known.
        """
        if not problem.choices:
            demand = problem.demand(())
            decision = self._place(demand, situation, budget)
            return None if decision is None else (demand, decision)
        search = Sizes(problem, self._fitting(situation), budget.part(SHARE_FOR_SIZES))
        sizes = search.find()
        if sizes is None:
            return None
        demand = problem.demand(sizes)
        decision = self._place(demand, situation, budget)
        if decision is not None and search.most_sizes:
            decision = decision._replace(most_sizes=search.most_sizes)
        return None if decision is None else (demand, decision)

    def _fitting(self, situation: Situation) -> Callable[[Demand, Budget], bool]:
        return lambda demand, budget: self.fits(demand, situation, budget)

    def fits(self, demand: Demand, situation: Situation, budget: Budget) -> bool:
        """Tell whether there is any placement."""
        single = demand.single
        if single is not None and not self._chooser.reaches_groups(single.bundle):
            if single.loose and _too_many(single, situation.field):
                return False
            return self._room(single, situation.field, budget) >= single.count
        return self._chooser.fits(demand, situation.field, situation.group_free, budget)

    def room(self, demand: Demand, situation: Situation, budget: Budget) -> int | None:
        """Return how many nodes or units of a single host demand there is room for; None when that is not known."""
        single = demand.single
        if single is None or self._chooser.reaches_groups(single.bundle):
            return None
        return self._room(replace(single, count=self._machine.size * MOST_ON_A_NODE), situation.field, budget)

    def given(self, host: HostDemand, state: DomainState, budget: Budget) -> int | None:
        """Return how many times a node of this state gives what a host demand asks for, at most as often as it does.

        None where groups above the nodes may give a part of it, so that a node by itself does not say.
        """
        if self._chooser.reaches_groups(host.bundle):
            return None
        return self._most(host, state, budget)

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
            return min(high, SlotShape.of(flat).capacity(state) // flat.count)
        unit, *others = single.bundle.wants
        counted = room_for(unit, state) if not others and unit.count == 1 and is_countable(unit) else None
        if counted is not None:
            return min(single.count, counted)
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
        return self._node_solver.is_feasible(state, bundle, budget)

    def _place(self, demand: Demand, situation: Situation, budget: Budget) -> Decision | None:
        single, field = demand.single, situation.field
        if single is not None and not self._chooser.reaches_groups(single.bundle) and not single.bundle.slot_part:
            plain = not self._grouped or not self._compares_groups
            if single.loose and single.bundle.flat is not None:
                if _too_many(single, field):
                    return None
                if plain and _is_one_node(field):
                    single = replace(single, bundle=single.bundle.times(single.count), count=1)
            if single.count > 1 and not single.loose and _too_few(single, field):
                return None
            if plain and (single.count == 1 or not (single.loose or self._grouped)):
                untorn = Untorn(self._rankings, field, budget).alike(single.bundle, single.count)
                return untorn or Selector(self._rankings, field, budget).alike(single.bundle, single.count)
            found = self._at_a_glance(single, field, budget) if plain else None
            if found is not None:
                return found
            if self._room(single, field, budget) < single.count:
                return None
            if plain and single.loose and single.count <= SHARED_OUT and not self._grouped:
                return self._few_units(demand, single, field, budget)
        elif single is None and not self._compares_groups:
            found = self._in_one_group(demand, field, budget) or self._all_on_one_node(demand, field, budget)
            if found is not None:
                return found
        return self._chooser.choose(demand, field, situation.group_free, budget)

    def _in_one_group(self, demand: Demand, field: Field, budget: Budget) -> Decision | None:
        """Return the best placement of nodes that are asked for in one group, as the best nodes are; None elsewhere.

        Where so many of the nodes that like the bundle best stand in one innermost group, they stand in one of every
        level, and nothing is better with the groups named or not.
        """
        host, groups = _in_one(demand), self._fewest_groups
        if host is None or groups is None or self._chooser.reaches_groups(host.bundle):
            return None
        found = Selector(self._rankings, field, budget).in_fewest_groups(host.bundle, host.count, groups)
        if found is None:
            return None
        touched = sum(self._node_solver.scale.group_units.values())
        return found if found.cost == host.count * found.picks[0].solution.cost + touched else None

    def _all_on_one_node(self, demand: Demand, field: Field, budget: Budget) -> Decision | None:
        """Return the best placement of loose slots of several types where that is on one node; None elsewhere."""
        # One node touches one group of each level, which is the fewest; how even their numbers are is another matter.
        balanced = bool(self._node_solver.scale.balance)
        items = None if balanced or _is_one_node(field) else self._chooser.items_of(demand)
        if items is None or not items.counted or not all(item.demand.loose for item in items.items):
            return None
        units = [(item.demand.bundle, item.demand.count) for item in items.items]
        together = items.bundle(items.target)
        few = has_few_nodes(field) and not self._grouped
        try:
            part = budget.part(SHARE_FOR_ONE_OF_FEW if few else SHARE_FOR_ONE)
            found = Selector(self._rankings, field, part).on_one_node(units, together)
        except CutOff:
            return None
        if found is None or found.cost == found.bound:
            return found
        if not any(some.gpus for some in together.slots):
            return None  # dealt along all nodes, slots of cores alone may prove more
        alike = Selector(self._rankings, field, budget.part(SHARE_FOR_ALIKE) if few else budget).alike(together, 1)
        if not few or (alike is not None and alike.cost == alike.bound):
            return alike
        return self._chooser.dealt(demand, field, budget, alike)

    def _few_units(self, demand: Demand, single: HostDemand, field: Field, budget: Budget) -> Decision | None:
        """Return the best placement of few loose units: shared out node by node, or dealt along domains."""
        if single.bundle.flat is None:
            return share_out(Selector(self._rankings, field, budget), single.bundle, single.count)
        few = has_few_nodes(field)
        found = self._shared_out(single, field, budget.part(SHARE_FOR_UNITS_OF_FEW if few else SHARE_FOR_UNITS))
        if found is not None and found.cost == found.bound:
            return found
        if not few and found is not None and single.bundle.flat.gpus > 1:
            return found  # how cores stand to several GPUs is dealt to many nodes in more ways than there is work for
        dealt = self._chooser.dealt(demand, field, budget.part(SHARE_FOR_DEALING) if few else budget, found)
        if dealt is not None and (not few or dealt.cost == dealt.bound):
            return dealt
        if found is not None and not budget.left:
            return found if dealt is None else better_of(found, dealt)
        self._rankings.forget_unfinished()
        if dealt is None:
            return share_out(Selector(self._rankings, field, budget), single.bundle, single.count)
        found = self._shared_out(single, field, budget)
        return dealt if found is None else better_of(found, dealt)

    def _shared_out(self, single: HostDemand, field: Field, budget: Budget) -> Decision | None:
        """Return few loose units shared out node by node; None also where that takes too much."""
        try:
            return share_out(Selector(self._rankings, field, budget), single.bundle, single.count)
        except CutOff:
            return None

    def _at_a_glance(self, single: HostDemand, field: Field, budget: Budget) -> Decision | None:
        """Return the best placement where few nodes, or what is best for each, show that it is; None elsewhere."""
        selector = Selector(self._rankings, field, budget)
        if not single.loose:
            groups = self._fewest_groups
            return None if groups is None else selector.in_fewest_groups(single.bundle, single.count, groups)
        if not self._grouped:
            untorn = Untorn(self._rankings, field, budget).loose(single.bundle, single.count)
            if untorn is not None:
                return untorn
        on_one = selector.on_one_node([(single.bundle, single.count)], single.bundle.times(single.count))
        return on_one if on_one is not None and on_one.cost == on_one.bound else None


def _in_one(demand: Demand) -> HostDemand | None:
    """Return the nodes of a request that asks for nothing but nodes in one group; None for others."""
    group = demand.root
    while not group.hosts:
        if len(group.groups) != 1 or group.amounts or group.slot_amounts:
            return None
        group = group.groups[0]
        if group.count != 1 or group.whole or group.ids is not None:
            return None
    host = group.hosts[0]
    alone = len(group.hosts) == 1 and not (group.groups or group.amounts or group.slot_amounts)
    return host if alone and not (host.loose or host.bundle.slot_part or host.bundle.ids is not None) else None


def _is_one_node(field: Field) -> bool:
    """Tell whether there is one node to choose from, or none."""
    live = field.live()
    _, nodes = next(live, (None, 0))
    return nodes & (nodes - 1) == 0 and next(live, None) is None


def _too_many(single: HostDemand, field: Field) -> bool:
    """Tell whether there are fewer cores or GPUs than so many loose units take."""
    wants = single.bundle.wants
    cores, gpus = (_total(wants, kind) for kind in (Kind.CORE, Kind.GPU))
    shape = SlotShape(cores, gpus, shielded=False)
    if not (shape.cores or shape.gpus):
        return False
    room = 0
    for state, nodes in field.live():
        room += nodes.bit_count() * shape.capacity(state)
        if room >= single.count:
            return False
    return True


def _too_few(single: HostDemand, field: Field) -> bool:
    """Tell whether fewer nodes have room for equal slots than are asked for: then none has to be solved."""
    flat = single.bundle.flat
    if flat is None:
        return False
    shape, left = SlotShape.of(flat), single.count
    for state, nodes in field.live():
        if shape.capacity(state) >= flat.count:
            left -= nodes.bit_count()
            if left <= 0:
                return False
    return True


def _total(wants: Sequence[Want], kind: Kind) -> int:
    """Return how many of a kind wants ask for, all told; of what they ask for themselves nothing."""
    return sum(want.count * want.total(kind) for want in wants)
