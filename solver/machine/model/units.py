"""Loose units on the nodes of each innermost group: any number of them on a node, the best way for each number in all.

What nodes in some states cost together for 0, 1, 2, ... units is a table, made once and remembered: requests for the
same units find it again where the nodes are as they were, and most ask for nothing but its costs. Where a table would
be too much work, each number is shared out for itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from ...cpsat.budget import Budget
from ...demand.demand import Bundle, HostDemand
from ...demand.group_amounts import Amounts
from ...node.packing import Choices, combine
from ...node.plan import NodeSolution
from ...node.solver import NodeSolver
from ...policy.terms import Touch
from ...state.domain_state import DomainState
from ...state.node_classes import bits, lowest
from ..selection import Field, Pick
from .cells import ROOT, GroupTree
from .sharing import COMBINED, NotDirectError, Part, Way, share_out
from .supply import capacity

AT_ONCE = 1_000_000
"""Costs that are combined at the most to share out all numbers of units among the nodes of a group at once."""

ALONE = 100_000
"""That where nodes stand in no group, and one number is all that is asked for."""

WAY_STEPS = 20
"""What a way to share out units costs at the least."""

STATE_STEPS = 5
"""What each state of nodes adds to that."""

LOOK_STEPS = 3
"""What a look into such a table costs."""


def _proven(solution: NodeSolution | None) -> NodeSolution:
    if solution is None or not solution.proven or solution.outside:
        raise NotDirectError
    return solution


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


@dataclass(frozen=True)
class Table:
    """What any number of units costs on the nodes of a group, and which nodes then give how many.

    Attributes
    ----------
    nodes
        Position and state of each that can be needed, the lowest first.
    costs
        Of 0, 1, 2, ... units, joint integers.
    choices
        How many units each node gives.
    """

    nodes: Sequence[tuple[int, DomainState]]
    costs: Sequence[int]
    choices: Choices


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
        self._tables: dict[int, Table | None] = {}
        self._whole = whole
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
        table = self._table(group)
        if table is not None:
            self._budget.spend(LOOK_STEPS)
            return Way(table.costs[number], later=partial(self._picks, table, number))
        inside = tuple(self._inside[group])
        self._budget.spend(WAY_STEPS + STATE_STEPS * len(inside))
        key = (self._host.bundle, number, inside)
        way = self._memory.get(key)
        if not isinstance(way, Way):
            parts = self._parts(inside, number)
            way = self._memory[key] = share_out(parts, number, self._node_touch, self._least_beside, self._budget)
        return way

    def _table(self, group: int) -> Table | None:
        """Return what any number of units costs on the nodes of a group; None where that is too much work."""
        if group not in self._tables:
            room = self.room(group)
            # Requests for about as many units share a table.
            rounded = min(self._rooms[group], 1 << (room - 1).bit_length())
            limit = ALONE if group == ROOT else AT_ONCE
            most = next((most for most in (rounded, room) if self._table_size(group, most) <= limit), None)
            self._tables[group] = None if most is None else self._table_up_to(group, most)
        return self._tables[group]

    def _table_size(self, group: int, most: int) -> int:
        return sum(min(self._mosts[state], most) * nodes.bit_count() for state, nodes in self._inside[group]) * most

    def _table_up_to(self, group: int, most: int) -> Table:
        inside = tuple(self._inside[group])
        self._budget.spend(WAY_STEPS + STATE_STEPS * len(inside) + self._table_size(group, most) // COMBINED)
        key = (self._host.bundle, self._whole, most, inside)
        table = self._memory.get(key)
        if not isinstance(table, Table):
            nodes = _needed(inside, most)
            costs = {
                state: [0, *(self._solution(state, n).cost for n in range(1, min(self._mosts[state], most) + 1))]
                for state, _ in inside
            }
            table = self._memory[key] = Table(nodes, *combine([costs[state] for _, state in nodes], most))
        return table

    def _picks(self, table: Table, number: int) -> Iterator[Pick]:
        for (position, state), units in zip(table.nodes, table.choices[number], strict=True):
            if units:
                yield Pick(1 << position, self._solution(state, units), None)

    def _parts(self, inside: Sequence[tuple[DomainState, int]], number: int) -> list[Part]:
        nodes = _needed(inside, number)
        return [Part(self._mosts[state], partial(self._on_node, place, state), state) for place, state in nodes]

    def _on_node(self, position: int, state: DomainState, units: int) -> Way:
        solution = self._solution(state, units)
        return Way(solution.cost, (Pick(1 << position, solution, None),))


def _needed(inside: Sequence[tuple[DomainState, int]], number: int) -> list[tuple[int, DomainState]]:
    """Return the nodes that can be needed for so many units: of those in one state only the lowest so many."""
    return sorted((position, state) for state, mask in inside for position in bits(lowest(mask, number)))
