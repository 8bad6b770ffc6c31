"""Loose units on nodes that have room for few more than are asked for: what each node leaves out is shared out.

Most counts that a job leaves open end here: as many as there is room for. Then every node gives all that it can, and
where a few are left out, which nodes do so is a choice of those few alone, however many units there are.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...cpsat.budget import Budget
from ...demand.demand import Bundle
from ...node.constructed_solution import construction_steps
from ...node.plan import NodeSolution
from ...node.solver import NodeSolver
from ...state.domain_state import DomainState
from ...state.node_classes import lowest
from ..selection import Decision, Pick
from .cheapest import Choice, cheapest
from .items import Items

FEW = 8
"""Units that are left out at the most."""


def choose_nearly_full(
    items: Items, classes: Sequence[tuple[DomainState, int]], node_solver: NodeSolver, budget: Budget
) -> Decision | None:
    """Choose how many units each node gives; None where more than a few are left out, or there is no room.

    Parameters
    ----------
    items
        One loose item that is counted.

    Raises
    ------
    CutOff
        When the budget was spent.
    """
    (item,), (wanted,) = items.items, items.target
    mosts = [items.most(state, 0, wanted) for state, _ in classes]
    out = sum(most * nodes.bit_count() for most, (_, nodes) in zip(mosts, classes, strict=True)) - wanted
    if not 0 <= out <= FEW:
        return None
    choices: list[list[NodeSolution | None]] = []
    given = [range(most, max(-1, most - out - 1), -1) for most in mosts]
    others = sum(map(len, given))
    for numbers, (state, _) in zip(given, classes, strict=True):
        others -= len(numbers)
        beside = budget.beyond(others * construction_steps(state, item.demand.bundle.times(max(numbers[0], 1))))
        choices.append([_best(node_solver, state, item.demand.bundle.times(n), beside) if n else None for n in numbers])
    costs = [[0 if some is None else some.cost for some in each] for each in choices]
    bounds = [[0 if some is None else some.bound for some in each] for each in choices]
    placed, least = _left_out(classes, costs, out), _left_out(classes, bounds, out)
    picks: list[Pick] = []
    cost = bound = 0
    for place, (each, (_, nodes)) in enumerate(zip(choices, classes, strict=True)):
        left = nodes
        for number, solution in enumerate(each):
            some = placed.count((place, number)) if number else nodes.bit_count() - sum(p == place for p, _ in placed)
            chosen = lowest(left, some)
            left ^= chosen
            cost += costs[place][number] * some
            if chosen and solution is not None:
                picks.append(Pick(chosen, solution, None))
        bound += bounds[place][0] * nodes.bit_count()
    bound += sum(bounds[place][number] - bounds[place][0] for place, number in least)
    return Decision(tuple(sorted(picks, key=_lowest_position)), cost, min(cost, bound))


def _best(node_solver: NodeSolver, state: DomainState, bundle: Bundle, budget: Budget) -> NodeSolution:
    solution = node_solver.best(state, bundle, budget)
    assert solution is not None
    return solution


def _left_out(
    classes: Sequence[tuple[DomainState, int]], costs: Sequence[Sequence[int]], out: int
) -> tuple[tuple[int, int], ...]:
    """Return which nodes leave out how many units, by class, at the least cost."""
    tables = [
        Choice(min(out, nodes.bit_count()), {(n,): each[n] - each[0] for n in range(1, len(each))})
        for (_, nodes), each in zip(classes, costs, strict=True)
    ]
    found = cheapest(tables, (out,))
    assert found is not None
    return tuple((place, n) for place, (n,) in found.given)


def _lowest_position(pick: Pick) -> int:
    return pick.nodes & -pick.nodes
