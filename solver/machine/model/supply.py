"""What the nodes of each innermost group give to one host demand, and how best: nodes of their own; `units` are loose.

`chains` asks for the room and for the best way for each number; both are found once for each group and number. Of the
nodes of a group only so many of the cheapest are kept as can be needed (dominance).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from ...cpsat.budget import Budget
from ...demand.demand import HostDemand
from ...demand.group_amounts import Amounts
from ...node.packing import SlotShape
from ...node.plan import NodeSolution
from ...node.slot_parts import other_parts
from ...node.solver import NodeSolver
from ...state.domain_state import DomainState
from ...state.node_classes import lowest
from ..selection import Field, Pick
from .cells import ROOT, GroupTree
from .links import reaches_groups
from .sharing import NotDirectError, Way


class Supply(Protocol):
    """The nodes of a machine under one host demand; `NotDirectError` where the node's best is not known.

    Attributes
    ----------
    outside
        What each takes of the groups around it.
    """

    outside: Amounts

    def room(self, group: int) -> int:
        """Return for how many there is room on the nodes that stand in an innermost group, at most those asked for."""

    def way(self, group: int, number: int) -> Way:
        """Return the best way to put so many on these nodes."""

    def like(self, group: int) -> object:
        """Return what is equal for innermost groups on which the best ways cost the same, None if that is not known."""

    def each(self, group: int) -> int | None:
        """Return what each costs on these nodes, where all that can be needed cost the same; else None."""

    def least(self) -> int:
        """Return what one costs at least, wherever it stands."""

    def solutions(self) -> Sequence[NodeSolution]:
        """Return what single nodes can do for one of them."""


def capacity(state: DomainState, host: HostDemand, node_solver: NodeSolver, budget: Budget) -> int:
    """Return how many times a node of a state gives what is asked for: once at most, or so many units."""
    bundle, most = host.bundle, host.count if host.loose else 1
    if bundle.flat is not None:
        return min(most, SlotShape.of(bundle.flat).capacity(state) // bundle.flat.count)
    if not host.loose:
        return int(node_solver.is_feasible(state, bundle, budget))
    low, high = 0, min(most, state.room)
    while low < high:
        middle = (low + high + 1) // 2
        if node_solver.is_feasible(state, bundle.times(middle), budget):
            low = middle
        else:
            high = middle - 1
    return low


def _of_nodes(
    host: HostDemand, field: Field, tree: GroupTree, node_solver: NodeSolver, budget: Budget
) -> Iterator[tuple[int, NodeSolution]]:
    """Yield the nodes that give a bundle, state by state, with the best way, which may take of the groups above."""
    of_groups = reaches_groups(host.bundle, tree)
    for state, nodes in field.live():
        if of_groups or capacity(state, host, node_solver, budget):
            solution = node_solver.best(state, host.bundle, budget)
            if solution is None and of_groups:
                continue
            if solution is None or not solution.proven:
                raise NotDirectError
            if any(other_parts(state, host.bundle, solution, node_solver, budget)):
                raise NotDirectError
            yield nodes, solution


def _split(tree: GroupTree, nodes: int, outside: Amounts) -> Iterator[tuple[int, int]]:
    """Yield the innermost groups of some nodes that have around them all that each takes of groups."""
    for group, part in tree.split(nodes):
        if all(tree.layers(group, name) for name, _ in outside):
            yield group, part


class Rooms:
    """For how many there is room in each innermost group, and nothing more."""

    def __init__(
        self, host: HostDemand, field: Field, tree: GroupTree, node_solver: NodeSolver, budget: Budget
    ) -> None:
        self._rooms: dict[int, int] = {}
        self.outside: Amounts = ()
        if not host.loose and reaches_groups(host.bundle, tree):
            found = list(_of_nodes(host, field, tree, node_solver, budget))
            self.outside = _same_outside(solution for _, solution in found)
            given = [(1, nodes) for nodes, _ in found]
        else:
            given = [(capacity(state, host, node_solver, budget), nodes) for state, nodes in field.live()]
        for most, nodes in given:
            for group, part in _split(tree, nodes, self.outside) if most else ():
                self._rooms[group] = self._rooms.get(group, 0) + most * part.bit_count()

    def room(self, group: int) -> int:
        """Return for how many there is room."""
        return self._rooms.get(group, 0)


def _same_outside(solutions: Iterable[NodeSolution]) -> Amounts:
    """Return what nodes take of groups, which must be the same of all."""
    found = {solution.outside for solution in solutions}
    if len(found) > 1:
        raise NotDirectError
    return found.pop() if found else ()


class Nodes:
    """Nodes that each give a bundle, of each group only so many of the best as can be needed.

    Parameters
    ----------
    home
        The level of the group that the nodes stand for a vertex in; empty for the machine.
    """

    def __init__(
        self, host: HostDemand, field: Field, tree: GroupTree, node_solver: NodeSolver, budget: Budget, home: str
    ) -> None:
        self._tree = tree
        self._home = home
        by_cost: dict[int, list[tuple[int, NodeSolution]]] = {}
        for nodes, solution in _of_nodes(host, field, tree, node_solver, budget):
            by_cost.setdefault(solution.cost, []).append((nodes, solution))
        self.outside = _same_outside(solution for tied in by_cost.values() for _, solution in tied)
        self._solutions = [solution for tied in by_cost.values() for _, solution in tied]
        self._least = min(by_cost, default=0)
        self._rooms: dict[int, int] = {}
        self._ranked: dict[int, list[tuple[int, list[tuple[int, NodeSolution]]]]] = {}
        lacking = tree.innermost(field.eligible)
        for cost in sorted(by_cost):
            if not lacking:
                break
            found: dict[int, list[tuple[int, NodeSolution]]] = {}
            for nodes, solution in by_cost[cost]:
                for group, part in _split(tree, nodes, self.outside):
                    if group in lacking:
                        found.setdefault(group, []).append((part, solution))
            for group, tied in found.items():
                self._ranked.setdefault(group, []).append((cost, tied))
                self._rooms[group] = self._rooms.get(group, 0) + sum(part.bit_count() for part, _ in tied)
                if self._rooms[group] >= host.count:
                    lacking.discard(group)

    def room(self, group: int) -> int:
        """Return for how many there is room."""
        return self._rooms.get(group, 0)

    def like(self, _group: int) -> object:
        """Return nothing: the best way is found as soon as it is compared."""
        return None

    def each(self, group: int) -> int | None:
        """Return what each node costs."""
        ranked = self._ranked.get(group, ())
        return ranked[0][0] if len(ranked) == 1 else None

    def least(self) -> int:
        """Return what a node costs at least."""
        return self._least

    def solutions(self) -> Sequence[NodeSolution]:
        """Return what single nodes can do."""
        return self._solutions

    def way(self, group: int, number: int) -> Way:
        """Return the best nodes of a group, the lowest first between equal ones."""
        picks: list[Pick] = []
        home = self._tree.around(group, self._home) if self._home else ROOT
        total = 0
        left = number
        for cost, tied in self._ranked[group]:
            union = 0
            for nodes, _ in tied:
                union |= nodes
            chosen = lowest(union, left)
            picks += [Pick(nodes & chosen, solution, 0, home) for nodes, solution in tied if nodes & chosen]
            total += cost * chosen.bit_count()
            left -= chosen.bit_count()
            if not left:
                break
        return Way(total, tuple(picks))
