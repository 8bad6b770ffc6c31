"""What nodes of a state can do, vector by vector: the incumbent, and a lower bound on what a vector costs.

Both are asked of the node's solver and remembered for one decision. A vector is searched for only where the choice of
nodes turns on it.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...cpsat.budget import Budget, CutOff
from ...node.lower_bounds import lower_bound
from ...node.plan import NodeSolution
from ...node.solver import NodeSolver
from ...state.domain_state import DomainState
from .items import Items, Vector


class TooManyError(Exception):
    """There are more vectors than can be gone through."""


class VectorSolutions:
    """The solutions of one decision.

    Parameters
    ----------
    items
        What is asked for.
    budget
        What is at hand is charged to it.
    """

    def __init__(self, items: Items, node_solver: NodeSolver, budget: Budget) -> None:
        self._items = items
        self._budget = budget
        self._node_solver = node_solver
        self._known: dict[tuple[DomainState, Vector], NodeSolution | None] = {}
        self._tried: set[tuple[DomainState, Vector]] = set()
        self._unknown: set[tuple[DomainState, Vector]] = set()

    def vectors(self, state: DomainState, most: int) -> list[Vector]:
        """Return all vectors that nodes of a state can give, up to what is asked for.

        Raises
        ------
        TooManyError
            There are more than so many.
        """
        found: list[Vector] = []
        for vector in self._from(state, (), host=False):
            if any(vector):
                found.append(vector)
                if len(found) > most:
                    raise TooManyError
        return found

    def _from(self, state: DomainState, begun: Vector, *, host: bool) -> Iterator[Vector]:
        """Yield what goes on from the numbers of the first items; nothing where these alone do not fit."""
        items = self._items.items
        place = len(begun)
        if place == len(items):
            yield begun
            return
        item = items[place]
        if not item.demand.loose and host:
            yield from self._from(state, (*begun, 0), host=True)
            return
        rest = (0,) * (len(items) - place - 1)
        for n in range(self._items.most(state, place, item.demand.count) + 1):
            if n and not self._fits(state, (*begun, n, *rest)):
                break
            yield from self._from(state, (*begun, n), host=host or (n > 0 and not item.demand.loose))

    def _fits(self, state: DomainState, vector: Vector) -> bool:
        if self._items.counted:
            cores, gpus = self._items.takes(vector)
            return cores <= state.free_cores and gpus <= state.free_gpus
        return self.solution(state, vector) is not None or self.may_give(state, vector)

    def may_give(self, state: DomainState, vector: Vector) -> bool:
        """Tell whether it is not known of a vector without a solution whether a node can give it."""
        return (state, vector) in self._unknown

    def solution(self, state: DomainState, vector: Vector) -> NodeSolution | None:
        """Return how a node gives a vector, by what is at hand; None where it cannot, or where that is not known."""
        key = (state, vector)
        if key not in self._known:
            try:
                self._known[key] = self._node_solver.at_hand(state, self._items.bundle(vector), self._budget)
            except CutOff:
                self._unknown.add(key)
                self._known[key] = None
        return self._known[key]

    def least(self, state: DomainState, vector: Vector) -> int:
        """Return what no node in a state gives a vector for less than, without looking for a way."""
        return lower_bound(self._node_solver.scale, state, self._items.bundle(vector))

    def improve(self, state: DomainState, vector: Vector, budget: Budget) -> bool:
        """Search for the best way to give a vector; tell whether anything new is known."""
        key = (state, vector)
        before = self._known.get(key)
        if key in self._tried or (before is not None and before.proven):
            return False
        self._tried.add(key)
        try:
            solution = self._node_solver.best(state, self._items.bundle(vector), budget)
        except CutOff:
            return False
        self._unknown.discard(key)
        if before is None or solution is None:
            self._known[key] = solution
            return True
        joined = solution.joined(before)
        self._known[key] = joined
        return (joined.cost, joined.bound) != (before.cost, before.bound)
