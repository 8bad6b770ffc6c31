"""What the nodes of each innermost group give to one host demand, and how best: nodes of their own, or loose units.

`chains` asks for the room and for the best way for each number; both are found once for each group and number. Of the
nodes of a group only so many of the cheapest are kept as can be needed (dominance).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Protocol

from ...cpsat.budget import Budget
from ...demand.demand import Bundle, HostDemand
from ...demand.group_amounts import Amounts
from ...node.packing import SlotShape
from ...node.plan import NodeSolution
from ...node.slot_parts import other_parts
from ...node.solver import NodeSolver
from ...policy.terms import Touch
from ...state.domain_state import DomainState
from ...state.node_classes import bits, lowest
from ..selection import Field, Pick
from .cells import ROOT, GroupTree
from .links import reaches_groups
from .sharing import NotDirectError, Part, SharedOut, Way, share_out

AT_ONCE = 100_000
"""Steps up to which units are shared out among the nodes of a group for all numbers at once."""

WAY_STEPS = 20
"""What a way to share out units costs at the least."""

STATE_STEPS = 5
"""What each state of nodes adds to that."""


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


def _proven(solution: NodeSolution | None) -> NodeSolution:
    if solution is None or not solution.proven or solution.outside:
        raise NotDirectError
    return solution


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


def _mosts(
    states: Iterable[DomainState], host: HostDemand, node_solver: NodeSolver, budget: Budget, *, whole: bool
) -> dict[DomainState, int]:
    """Return how many units nodes of the states give; untorn ones, if asked, and then none unless all are known."""
    mosts: dict[DomainState, int] = {}
    for state in states:
        most: int | None = capacity(state, host, node_solver, budget)
        if most and whole:
            most = node_solver.untorn(state, host.bundle, most)
            if most is None:
                return {}
        if most:
            mosts[state] = most
    return mosts


class Units:
    """Loose units, any number of them on a node, which take nothing of groups.

    Parameters
    ----------
    whole
        Whether a node is to give only as many as it can without tearing one. Where there is room for all of them then,
        nothing is better that tears any.
    """

    def __init__(
        self,
        host: HostDemand,
        field: Field,
        tree: GroupTree,
        node_solver: NodeSolver,
        budget: Budget,
        *,
        whole: bool = False,
    ) -> None:
        self.outside: Amounts = ()
        self._host = host
        self._memory = tree.memory
        self._node_solver = node_solver
        self._budget = budget
        self._bundles: dict[int, Bundle] = {}
        self._node_touch = sum(
            unit for c, unit in node_solver.scale.weighed() if isinstance(c, Touch) and c.name == "spread.node"
        )
        self._solutions: dict[tuple[DomainState, int], NodeSolution] = {}
        live = list(field.live())
        self._mosts = _mosts((state for state, _ in live), host, node_solver, budget, whole=whole)
        self._inside: dict[int, list[tuple[DomainState, int]]] = {}
        self._rooms: dict[int, int] = {}
        self._ways: dict[int, SharedOut] = {}
        for state, nodes in live:
            most = self._mosts.get(state)
            if most:
                for group, part in tree.split(nodes):
                    self._inside.setdefault(group, []).append((state, part))
                    self._rooms[group] = self._rooms.get(group, 0) + most * part.bit_count()
        costs = [(n, self._solution(state, n).cost) for state, most in self._mosts.items() for n in range(1, most + 1)]
        self._least = min((cost // n for n, cost in costs), default=0)
        self._least_beside = min(((cost - self._node_touch) // n for n, cost in costs), default=0)

    def _solution(self, state: DomainState, units: int) -> NodeSolution:
        key = (state, units)
        solution = self._solutions.get(key)
        if solution is None:
            bundle = self._bundles.get(units)
            if bundle is None:
                bundle = self._bundles[units] = self._host.bundle.times(units)
            solution = self._solutions[key] = _proven(self._node_solver.best(state, bundle, self._budget))
        return solution

    def room(self, group: int) -> int:
        """Return for how many there is room."""
        return min(self._host.count, self._rooms.get(group, 0))

    def like(self, group: int) -> object:
        """Return how many nodes of which state there are, as far as that can matter."""
        inside = self._inside[group]
        return tuple((state, min(nodes.bit_count(), self._host.count)) for state, nodes in inside)

    def each(self, _group: int) -> int | None:
        """Return nothing: units on one node and on another cost what they cost together."""
        return None

    def least(self) -> int:
        """Return what a unit costs at least."""
        return self._least

    def solutions(self) -> Sequence[NodeSolution]:
        """Return what single nodes can do for one unit."""
        return [self._solution(state, 1) for state in self._mosts]

    def way(self, group: int, number: int) -> Way:
        """Share out units among the nodes of a group."""
        inside = tuple(self._inside[group])
        self._budget.spend(WAY_STEPS + STATE_STEPS * len(inside))
        key = (self._host.bundle, number, inside)
        way = self._memory.get(key)
        if way is None:
            way = self._memory[key] = self._way(group, number, inside)
        return way

    def _way(self, group: int, number: int, inside: Sequence[tuple[DomainState, int]]) -> Way:
        room = self.room(group)
        if sum(min(self._mosts[state], room) * nodes.bit_count() for state, nodes in inside) * room <= AT_ONCE:
            ways = self._ways.get(group)
            if ways is None:
                ways = self._ways[group] = SharedOut(self._parts(inside, room), room)
            return ways.way(number)
        return share_out(self._parts(inside, number), number, self._node_touch, self._least_beside)

    def _parts(self, inside: Sequence[tuple[DomainState, int]], number: int) -> list[Part]:
        """Return the nodes that can be needed: of those in one state only the lowest so many."""
        nodes = sorted((position, state) for state, mask in inside for position in bits(lowest(mask, number)))
        return [Part(self._mosts[state], partial(self._on_node, place, state), state) for place, state in nodes]

    def _on_node(self, position: int, state: DomainState, units: int) -> Way:
        solution = self._solution(state, units)
        return Way(solution.cost, (Pick(1 << position, solution, None),))
