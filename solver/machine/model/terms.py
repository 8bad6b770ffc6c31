"""The policy's terms over all nodes, as linear expressions over how many nodes of a cell follow which pattern.

A pattern's own terms are constants, found by the node's solver. What depends on several nodes has variables: groups
touched, and domains touched by slots of several nodes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...cpsat.lexicographic import Expression, Goal
from ...demand.demand import GroupDemand
from ...policy.scale import Scale
from ...policy.terms import Cross, GroupBalance, GroupCross, GroupTouch, PartialWhole
from .cells import Cell, GroupTree
from .count import Count
from .crossings import crossed, reached
from .patterns import Placed
from .slots import SlotVertex, slot_vertices

if TYPE_CHECKING:
    from ortools.sat.python import cp_model

    from .dealing import Dealing


@dataclass(frozen=True)
class Terms:
    """What the terms are sums of.

    Attributes
    ----------
    model
        Of which the variables are.
    scale
        The policy.
    tree
        The machine's groups.
    demands, hosts
        Of the request, by number.
    hosted
        For each group demand the groups that may be its, each with a literal.
    cells, counts
        Equal nodes, and how many of them do what.
    most
        No placement has more nodes.
    dealing
        Which slots of several nodes stand where, if that is told.
    """

    model: cp_model.CpModel
    scale: Scale
    tree: GroupTree
    demands: Sequence[tuple[GroupDemand, int]]
    hosts: Sequence[Placed]
    hosted: Sequence[Mapping[int, Expression]]
    cells: Sequence[Cell]
    counts: Sequence[Count]
    most: int
    dealing: Dealing | None = None

    def goals(self) -> list[Goal]:
        """Return a goal for each of the policy's components."""
        values = [self.scale.values(count.pattern.solution.cost) for count in self.counts]
        goals = []
        crosses = [component.name for component in self.scale.components if isinstance(component, Cross)]
        for component in self.scale.components:
            if isinstance(component, GroupTouch):
                goals.append(self._group_goal(component.level))
                continue
            if isinstance(component, GroupCross):
                over = 0 if self.dealing is None else crossed(self.dealing, component.level)
                goals.append(Goal(over, 0, self.most))
                continue
            if isinstance(component, GroupBalance):
                goals.append(self._balance_goal(component.level))
                continue
            weights = [value[component.name] for value in values]
            if isinstance(component, PartialWhole):
                goals.append(self._partial_goal(weights))
                continue
            place = crosses.index(component.name) if isinstance(component, Cross) else None
            goals.append(self._sum_goal(weights, place))
        return goals

    def _partial_goal(self, weights: Sequence[int]) -> Goal:
        """Count what is taken whole on nodes, and groups, but not nodes that only their group takes whole."""
        own = [weight - self._is_implied(count) for weight, count in zip(weights, self.counts, strict=True)]
        nodes = self._sum_goal(own)
        groups = [
            literal
            for (demand, _), hosted in zip(self.demands, self.hosted, strict=True)
            if demand.whole
            for group, literal in hosted.items()
            if any(not cell.state.whole for cell in self.cells if self.tree.inside(cell.group, group))
        ]
        return Goal(nodes.expression + sum(groups), nodes.low, nodes.high + len(groups))

    def _is_implied(self, count: Count) -> bool:
        host = count.pattern.host
        return host is not None and self.hosts[host].implied and not count.cell.state.whole

    def _sum_goal(self, weights: Sequence[int], cross: int | None = None) -> Goal:
        """Return the sum of what nodes count; of what slots cross at a level, given its place, less one for each."""
        terms = [(w, count.nodes) for w, count in zip(weights, self.counts, strict=True) if w]
        expression: Expression = sum(weight * nodes for weight, nodes in terms)
        low = self.most * min((weight for weight, _ in terms if weight < 0), default=0)
        high = self.most * max((weight for weight, _ in terms if weight > 0), default=0)
        if cross is not None:
            less = None if self.dealing is None else reached(self.dealing, cross)
            less = self._slots_of_parts(weights) if less is None else less
            if less is not None:
                expression, low = expression - less, low - self.most
        return Goal(expression, low, high)

    def order(self) -> Goal:
        """Return what ranks placements that tie in every term: the sum of the places of their cells, lowest first."""
        place = {id(cell): number for number, cell in enumerate(self.cells)}
        terms = [place[id(count.cell)] * count.nodes for count in self.counts]
        return Goal(sum(terms), 0, self.most * len(self.cells))

    def _slots_of_parts(self, weights: Sequence[int]) -> Expression | None:
        """Return how many slots that stand on several nodes touch any domain of a level: one is no crossing."""
        slots = []
        for _, slot in slot_vertices(self.demands, self.hosts):
            for group, chosen in self.hosted[slot.number].items():
                touching = self._touching(slot, group, weights)
                if touching:
                    some = self.model.new_int_var(0, self.most, "")
                    self.model.add(some <= sum(touching))
                    self.model.add(some <= slot.each * chosen)
                    slots.append(some)
        return sum(slots) if slots else None

    def _touching(self, slot: SlotVertex, group: int, weights: Sequence[int]) -> list[Expression]:
        """Return what of a group is dealt to its slots and touches the level: nodes, and groups with such nodes."""
        found: list[Expression] = []
        inside: dict[tuple[int, int], list[Expression]] = defaultdict(list)
        below = {placed.number: v.number for v in slot.groups for inner in v.walk() for placed, _ in inner.hosts}
        direct = {placed.number for placed, _ in slot.hosts}
        for weight, count in zip(weights, self.counts, strict=True):
            host = count.pattern.host
            if host is not None and weight and self.tree.inside(count.cell.group, group):
                if host in direct:
                    found.append(count.nodes)
                elif host in below:
                    number = below[host]
                    around = self.tree.around(count.cell.group, self.demands[number][0].level)
                    inside[number, around].append(count.nodes)
        for (number, around), nodes in inside.items():
            some = self.model.new_int_var(0, self.most, "")
            self.model.add(some <= sum(nodes))
            self.model.add(some <= self.hosted[number][around])
            found.append(some)
        return found

    def _group_goal(self, level: str) -> Goal:
        """Return the goal of few groups of a level that hold a node of the job."""
        literals = []
        for nodes in self._inside(level):
            literal = self.model.new_bool_var("")
            self.model.add(sum(nodes) == 0).only_enforce_if(~literal)
            literals.append(literal)
        return Goal(sum(literals), 0, len(literals))

    def _balance_goal(self, level: str) -> Goal:
        """Return the goal of equal numbers of nodes in the groups of a level that hold any."""
        most, least = (self.model.new_int_var(0, self.most, "") for _ in range(2))
        self.model.add(least <= most)
        for nodes in self._inside(level):
            literal = self.model.new_bool_var("")
            self.model.add(sum(nodes) == 0).only_enforce_if(~literal)
            self.model.add(sum(nodes) >= 1).only_enforce_if(literal)
            self.model.add(sum(nodes) >= least).only_enforce_if(literal)
            self.model.add(sum(nodes) <= most)
        return Goal(most - least, 0, self.most)

    def _inside(self, level: str) -> Iterator[list[cp_model.IntVar]]:
        """Yield for each group of a level how many of its nodes do what."""
        for group in self.tree.groups:
            if group.level == level:
                nodes = [count.nodes for count in self.counts if self.tree.inside(count.cell.group, group.index)]
                if nodes:
                    yield nodes
