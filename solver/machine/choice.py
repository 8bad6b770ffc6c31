"""The choice of nodes for any request with its counts chosen: directly where that is a proof, else by search.

A placement is at hand before the search wherever the request is of cores and GPUs, and it is used when the search
ends without a better one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from ...topology.machine import Machine
from ..cpsat.budget import Budget, CutOff
from ..demand.demand import Bundle, Demand, Want
from ..node.lower_bounds import lower_bound
from ..node.solver import NodeSolver
from ..policy.terms import GroupTouch
from .dealt_slots import deal_out
from .model.cells import ROOT, GroupTree
from .model.chains import choose_chain, choose_torn
from .model.sharing import NotDirectError
from .packing import Items, choose_packing, fits_packing, on_one_node
from .selection import Decision, Field, Pick
from .totals import exceeds

SHARE = 0.6
"""Of what is left of a budget, how much one way to choose may take where there is another one."""

SHARE_OF_FEW = 0.9
"""The same to deal slots to few nodes: what comes after that hardly ever finds more."""

FEW_NODES = 8
"""Nodes up to which loose slots of one type are dealt along domains first; on more there is mostly room enough."""


class Chooser:
    """Chooses nodes on one machine under one policy.

    Parameters
    ----------
    machine
        For its groups.
    """

    def __init__(self, machine: Machine, node_solver: NodeSolver) -> None:
        self._node_solver = node_solver
        self._tree = GroupTree(machine.groups, {})
        self._touches = {c.level: u for c, u in node_solver.scale.weighed() if isinstance(c, GroupTouch)}
        self._balance = node_solver.scale.balance
        self._counts_groups = bool(self._touches or self._balance)
        self.group_amounts = {name for group in machine.groups for name, _ in group.resources}

    def covers(self, machine: Machine, level: str) -> bool:
        """Tell whether every node stands in one group of the level, and in no other of it."""
        return self._tree.holds_all(level, machine.all) and not self._tree.nests_itself(level)

    def reaches_groups(self, bundle: Bundle) -> bool:
        """Tell whether a bundle may take amounts that groups list."""
        names = self.group_amounts
        return bool(names) and any(_asks_for(want, name) for want in bundle.wants for name in names)

    def fits(self, demand: Demand, field: Field, group_free: Mapping[tuple[int, str], int], budget: Budget) -> bool:
        """Tell whether there is any placement.

        Raises
        ------
        CutOff
            When the budget was spent before that was known.
        """
        if exceeds(demand, field, self.group_amounts):
            return False
        items = self.items_of(demand)
        fits = None if items is None else fits_packing(items, field, budget)
        if fits is not None:
            return fits
        return self._search(demand, field, group_free, budget, best=False) is not None

    def choose(
        self, demand: Demand, field: Field, group_free: Mapping[tuple[int, str], int], budget: Budget
    ) -> Decision | None:
        """Choose groups and nodes; None where there is no placement.

        Raises
        ------
        CutOff
            When the budget was spent before anything was known.
        """
        if exceeds(demand, field, self.group_amounts):
            return None
        items = self.items_of(demand)
        if items is None or not items.counted:
            return self._not_counted(demand, items, field, group_free, budget)
        direct = self._on_the_only_node(items, field, budget) or self._directly(demand, items, field, budget)
        if direct is not None and direct.cost == direct.bound:
            return direct
        found = self._packed(demand, items, field, group_free, budget)
        return found if direct is None else direct if found is None else better_of(direct, found)

    def _packed(
        self, demand: Demand, items: Items, field: Field, group_free: Mapping[tuple[int, str], int], budget: Budget
    ) -> Decision | None:
        """Choose by what each node may give, then by search."""
        packing = choose_packing(items, field, self._node_solver, budget, self.least(field))
        at_hand = None if packing.decision is None else self._with_groups(packing.decision, self._least_groups(field))
        if at_hand is None and packing.proven:
            return None
        if at_hand is not None and (at_hand.cost == at_hand.bound or (packing.exact and not self._counts_groups)):
            return at_hand
        try:
            found = self._search(demand, field, group_free, budget, best=True)
        except CutOff:
            if at_hand is None:
                raise
            return at_hand
        if at_hand is None or found is None:
            return found
        return better_of(found, at_hand)

    def _on_the_only_node(self, items: Items, field: Field, budget: Budget) -> Decision | None:
        """Return the placement of everything on the one node that there is; None where there are several.

        No other vector than all that is asked for is of use there, so that no budget is spent on any.
        """
        live = list(field.live())
        if len(live) != 1 or live[0][1].bit_count() != 1:
            return None
        ((state, node),) = live
        if sum(item.demand.count for item in items.items if not item.demand.loose) > 1:
            return None
        try:
            solution = self._node_solver.best(state, items.bundle(items.target), budget)
        except CutOff:
            return None
        if solution is None:
            return None
        alone = Decision((Pick(node, solution, items.host(items.target)),), solution.cost, solution.bound)
        placed = self._with_groups(alone)
        # Whatever is placed touches the groups of this node.
        return placed._replace(bound=alone.bound + placed.cost - alone.cost)

    def _directly(self, demand: Demand, items: Items, field: Field, budget: Budget) -> Decision | None:
        """Return a placement where tables or runs give one, or demands follow each other; None elsewhere."""
        if len(items.items) > 1 or has_few_nodes(field):
            dealt = self.dealt(demand, field, budget.part(SHARE_OF_FEW if has_few_nodes(field) else SHARE))
            if dealt is not None:
                return dealt
        try:
            return choose_chain(demand, field, self._tree, self._node_solver, budget.part(SHARE), best=True)
        except (NotDirectError, CutOff):
            return None

    def dealt(self, demand: Demand, field: Field, budget: Budget, known: Decision | None = None) -> Decision | None:
        """Return a placement of loose slots where tables or runs give one, mostly the best; else what is known."""
        items = self.items_of(demand)
        if items is None or self._counts_groups:
            return known
        found = deal_out(items, field, self._node_solver, budget, known)
        return known if found is None else found if known is None else better_of(found, known)

    def least(self, field: Field) -> int:
        """Return what no placement of anything on these nodes goes below."""
        scale = self._node_solver.scale
        return sum(nodes.bit_count() * lower_bound(scale, state, Bundle(())) for state, nodes in field.live())

    def items_of(self, demand: Demand) -> Items | None:
        """Return what a request asks for as items; None where groups may give any of it, or are asked for."""
        items = Items.of(demand)
        if items is None or any(self.reaches_groups(item.demand.bundle) for item in items.items):
            return None
        return items

    def _least_groups(self, field: Field) -> int:
        """Return what any placement costs at least in groups touched: one of each level that all nodes stand in."""
        return sum(unit for level, unit in self._touches.items() if self._tree.holds_all(level, field.nodes()))

    def _with_groups(self, decision: Decision, least: int = 0) -> Decision:
        """Return a decision with what it costs that its nodes touch groups.

        Parameters
        ----------
        least
            What any placement costs at least in groups.
        """
        if not self._counts_groups:
            return decision
        inside: dict[str, Counter[int]] = {level: Counter() for level in {**self._touches, **self._balance}}
        for pick in decision.picks:
            for innermost, part in self._tree.split(pick.nodes):
                group = innermost
                while group != ROOT:
                    level = self._tree.groups[group].level
                    if level in inside:
                        inside[level][group] += part.bit_count()
                    group = self._tree.groups[group].parent
        cost = sum(unit * len(inside[level]) for level, unit in self._touches.items())
        for level, unit in self._balance.items():
            numbers = inside[level].values()
            cost += unit * (max(numbers, default=0) - min(numbers, default=0))
        return decision._replace(cost=decision.cost + cost, bound=decision.bound + least, modelled=True)

    def _not_counted(
        self,
        demand: Demand,
        items: Items | None,
        field: Field,
        group_free: Mapping[tuple[int, str], int],
        budget: Budget,
    ) -> Decision | None:
        """Search, with what is at hand where the search is cut off."""
        try:
            found = self._search(demand, field, group_free, budget, best=True)
        except CutOff:
            if items is None:
                return self._torn(demand, field, group_free, budget)
            alone = on_one_node(items, field, self._node_solver, self.least(field))
            if alone is None:
                raise
            return self._with_groups(alone)
        if items is not None or found is None or found.cost == found.bound:
            return found
        try:
            torn = self._torn(demand, field, group_free, budget)
        except CutOff:
            return found
        return found if torn is None else better_of(found, torn)

    def _torn(
        self, demand: Demand, field: Field, group_free: Mapping[tuple[int, str], int], budget: Budget
    ) -> Decision | None:
        """Return what is at hand for slots that may cross borders of groups, where the search was cut off."""
        try:
            return choose_torn(demand, field, self._tree.with_free(group_free), self._node_solver, budget)
        except NotDirectError:
            raise CutOff from None

    def _search(
        self,
        demand: Demand,
        field: Field,
        group_free: Mapping[tuple[int, str], int],
        budget: Budget,
        *,
        best: bool,
    ) -> Decision | None:
        from .model.model import choose  # here, since most pools never need it

        tree = self._tree.with_free(group_free)
        self._node_solver.inexact = False
        try:
            return choose_chain(demand, field, tree, self._node_solver, budget, best=best)
        except NotDirectError:
            decision = choose(demand, field, tree, self._node_solver, budget, best=best)
        if decision is not None and self._node_solver.inexact:
            # The model took what single nodes were found to do for the best that they can.
            return decision._replace(bound=min(decision.bound, self.least(field)))
        return decision


def has_few_nodes(field: Field) -> bool:
    """Tell whether there are few nodes to choose from."""
    return sum(nodes.bit_count() for _, nodes in field.live()) <= FEW_NODES


def better_of(one: Decision, other: Decision) -> Decision:
    """Return the better of two decisions, with what both say of the best."""
    better = one if one.cost < other.cost else other
    return better._replace(bound=min(better.cost, max(one.bound, other.bound)))


def _asks_for(want: Want, name: str) -> bool:
    return want.type == name or any(_asks_for(below, name) for below in want.wants)
