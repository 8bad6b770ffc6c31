"""The best nodes for a request that names no group, whatever it asks of each.

Something that is at hand for each node makes a sum that is a placement; what each costs at least makes a sum that no
placement beats. Where the two are not equal, a vector that the second is made of is searched for what it really costs,
until they are, or the budget is spent: nothing else can be in the way of a proof.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ...cpsat.budget import STEPS as BUDGET_STEPS
from ...cpsat.budget import Budget, CutOff
from ...node.solver import NodeSolver
from ...state.domain_state import DomainState
from ...state.node_classes import lowest
from ..selection import Decision, Field, Pick
from .cheapest import Cheapest, Choice, cheapest, steps_of
from .items import Items, Vector
from .nearly_full import choose_nearly_full
from .room import Bin, Packed, Room, find_room
from .vector_solutions import TooManyError, VectorSolutions

STEPS = 300_000
"""Steps up to which all vectors of all nodes are gone through."""

VECTOR_STEPS = 300
"""What it takes at the least to have something at hand for a vector of a state, which charges what it takes."""

VECTORS = 400
"""Vectors of one state up to which that is done."""

SHARE = 0.5
"""Of what is left of a budget, how much one search of a node may take: no node keeps the others from being searched."""

SHARE_OF_ROOM = 0.25
"""Of what is left of a budget, how much it may take to try all ways to pack, before only the most promising are."""

Class = tuple[DomainState, int]
"""A state and the bitmask of its nodes."""


@dataclass(frozen=True)
class Packing:
    """What is known of a request.

    Attributes
    ----------
    decision
        A placement; None where none is known.
    proven
        Whether there is none then.
    exact
        Whether no model of the same costs would find another.
    """

    decision: Decision | None
    proven: bool = True
    exact: bool = True


def fits_packing(items: Items, field: Field, budget: Budget) -> bool | None:
    """Tell whether there is a placement, by cores and GPUs alone; None where that is not known."""
    if not items.counted:
        return None
    room = _room(items, _classes(field), budget)
    return None if room.packed is None and not room.proven else room.packed is not None


def choose_packing(items: Items, field: Field, node_solver: NodeSolver, budget: Budget, lower: int) -> Packing:
    """Choose nodes.

    Parameters
    ----------
    lower
        What no placement of anything on these nodes goes below.
    """
    classes = _classes(field)
    solutions = VectorSolutions(items, node_solver, budget)
    if items.counted:
        room = _room(items, classes, budget)
        if room.packed is None and room.proven:
            return Packing(None)
        if len(items.items) == 1 and items.items[0].demand.loose:
            full = choose_nearly_full(items, classes, node_solver, budget)
            if full is not None:
                return Packing(full)
        try:
            return _best(items, classes, solutions, budget)
        except TooManyError:
            if room.packed is None:
                return Packing(None, proven=False, exact=False)
            return Packing(_among_used(items, classes, room.packed, solutions, budget, lower), exact=False)
    try:
        return _best(items, classes, solutions, budget)
    except TooManyError:
        return Packing(None, proven=False, exact=False)


def on_one_node(items: Items, field: Field, node_solver: NodeSolver, lower: int) -> Decision | None:
    """Return the cheapest placement of everything on one node that takes no search; None where none is known.

    Parameters
    ----------
    lower
        What no placement of anything on these nodes goes below.
    """
    hosts = sum(item.demand.count for item in items.items if not item.demand.loose)
    if hosts > 1:
        return None
    bundle, budget = items.bundle(items.target), Budget(0)
    best: Decision | None = None
    for state, nodes in _classes(field):
        try:
            solution = node_solver.at_hand(state, bundle, budget)
        except CutOff:
            continue
        if solution is not None and not solution.outside and (best is None or solution.cost < best.cost):
            pick = Pick(lowest(nodes, 1), solution, items.host(items.target))
            best = Decision((pick,), solution.cost, min(solution.cost, lower))
    return best


def _among_used(
    items: Items, classes: Sequence[Class], packed: Packed, solutions: VectorSolutions, budget: Budget, lower: int
) -> Decision:
    """Return a placement on the nodes that some way to pack uses: the best there, if that takes few steps."""
    used = Counter(place for place, _ in packed)
    there = [(classes[place][0], lowest(classes[place][1], number)) for place, number in sorted(used.items())]
    try:
        found = _best(items, there, solutions, budget.part(SHARE)).decision
    except TooManyError:
        found = None
    if found is not None:
        return found._replace(bound=min(found.cost, lower))
    return _decision(items, classes, solutions, packed, lower)


def _classes(field: Field) -> list[Class]:
    return sorted(field.live(), key=lambda found: found[1] & -found[1])


def _room(items: Items, classes: Sequence[Class], budget: Budget) -> Room:
    bins = [Bin(state.free_cores, state.free_gpus, nodes.bit_count()) for state, nodes in classes]
    return find_room(items, bins, items.target, budget.part(SHARE_OF_ROOM))


def _best(items: Items, classes: Sequence[Class], solutions: VectorSolutions, budget: Budget) -> Packing:
    """Go through all vectors of all nodes that can be needed.

    Raises
    ------
    TooManyError
        That takes too long.
    """
    most = sum(items.target)
    every = []
    steps = work = 0
    for state, nodes in classes:
        vectors = solutions.vectors(state, VECTORS)
        number = min(most, nodes.bit_count())
        every.append((state, number, vectors))
        steps += steps_of([(number, len(vectors))], items.target)
        work += VECTOR_STEPS * len(vectors)
        if steps > STEPS or work + steps > SHARE * budget.left * BUDGET_STEPS:
            raise TooManyError
    floor = (1 - SHARE) * budget.left
    while True:
        budget.charge(steps)
        costs, bounds = _tables(every, solutions, budget, floor)
        floor = 0
        placed, least = cheapest(costs, items.target), cheapest(bounds, items.target)
        if least is None:
            return Packing(None)
        done = placed is not None and placed.cost <= least.cost
        if done or not _improve(least, every, solutions, budget):
            if placed is None:
                return Packing(None, proven=False)
            return Packing(_decision(items, classes, solutions, placed.given, least.cost))


def _tables(
    every: Sequence[tuple[DomainState, int, list[Vector]]], solutions: VectorSolutions, budget: Budget, floor: float
) -> tuple[list[Choice], list[Choice]]:
    """Return what vectors cost by what is at hand, and what they cost at least.

    Raises
    ------
    TooManyError
        That leaves less than a floor of the budget.
    """
    costs, bounds = [], []
    for state, number, vectors in every:
        cost: dict[Vector, int] = {}
        bound: dict[Vector, int] = {}
        for vector in vectors:
            solution = solutions.solution(state, vector)
            if budget.left < floor:
                raise TooManyError
            if solution is not None:
                cost[vector], bound[vector] = solution.cost, solution.bound
            elif solutions.may_give(state, vector):
                bound[vector] = solutions.least(state, vector)
        costs.append(Choice(number, cost))
        bounds.append(Choice(number, bound))
    return costs, bounds


def _improve(
    least: Cheapest, every: Sequence[tuple[DomainState, int, list[Vector]]], solutions: VectorSolutions, budget: Budget
) -> bool:
    """Search for one of the vectors that may cost less than what is at hand; tell whether anything new is known."""
    for place, vector in dict.fromkeys(least.given):
        if not budget.left:
            return False
        if solutions.improve(every[place][0], vector, budget.part(SHARE)):
            return True
    return False


def _decision(
    items: Items, classes: Sequence[Class], solutions: VectorSolutions, given: Sequence[tuple[int, Vector]], bound: int
) -> Decision:
    """Return the placement in which the nodes of some classes give vectors, the lowest of each class."""
    left = [nodes for _, nodes in classes]
    picks: list[Pick] = []
    cost = 0
    for (place, vector), number in Counter(given).items():
        solution = solutions.solution(classes[place][0], vector)
        if solution is None:
            raise CutOff
        cost += number * solution.cost
        nodes = lowest(left[place], number)
        left[place] ^= nodes
        picks.append(Pick(nodes, solution, items.host(vector)))
    return Decision(tuple(sorted(picks, key=_lowest_position)), cost, min(cost, bound))


def _lowest_position(pick: Pick) -> int:
    return pick.nodes & -pick.nodes
