"""Loose slots of several types dealt to the domains of all nodes at once, where these are few, or as a flow of runs."""

from __future__ import annotations

from dataclasses import replace

from ..cpsat.budget import Budget
from ..node.dealing import deal
from ..node.dealt_solution import kinds_of, solution_of
from ..node.solver import NodeSolver
from ..state.domain_state import DomainState
from ..state.node_classes import bits
from .packing import Items
from .selection import Decision, Field, Pick, lowest_position

MOST_NODES = 64
"""Machines with more nodes that are up are left to others."""

MOST_TOGETHER = 8
"""Where more innermost domains stand together there are too many ways to deal slots to them one by one."""

SHARE, SHARE_OF_WIDE = 0.6, 0.1
"""The parts of the budget that dealing may take, where few domains stand together and where more do: the flow of runs
has the rest."""


def deal_out(items: Items, field: Field, node_solver: NodeSolver, budget: Budget) -> Decision | None:
    """Return the best placement of loose slots, or one that may be it; None where there is none at hand.

    Parameters
    ----------
    budget
        What it takes at the most.
    """
    scale = node_solver.scale
    slots = [some for item in items.items for some in item.demand.bundle.slots if item.demand.loose]
    if not (node_solver.compares_whole and scale.affinity_leads) or len(slots) != len(items.items):
        return None
    if any(some.count != 1 for some in slots) or sum(nodes.bit_count() for _, nodes in field.live()) > MOST_NODES:
        return None
    asked = kinds_of(slots)
    if asked is None:
        return None
    kinds = [replace(kind, count=count) for kind, count in zip(asked, items.target, strict=True)]
    nodes = sorted(((p, state) for state, mask in field.live() for p in bits(mask)), key=_position)
    states = [state for _, state in nodes]
    is_wide = any(len(domain.children) > MOST_TOGETHER for state in states for domain in state.flat)
    dealt = deal(scale, states, kinds, budget.part(SHARE_OF_WIDE if is_wide else SHARE))
    bound = None
    if dealt is None:
        if not budget.left:
            return None
        from ..node.model.forest import best_on_nodes  # here, since it loads CP-SAT: most pools never need it

        runs = best_on_nodes(scale, states, kinds, budget)
        if runs is None:
            return None
        dealt, bound = runs.dealt, runs.bound
    picks = []
    for (position, state), slots_there in zip(nodes, dealt, strict=True):
        if any(slots_there):
            picks.append(Pick(1 << position, solution_of(scale, state, slots, kinds, slots_there), None))
    cost = sum(pick.solution.cost for pick in picks)
    return Decision(tuple(sorted(picks, key=lowest_position)), cost, cost if bound is None else min(cost, bound))


def _position(node: tuple[int, DomainState]) -> int:
    return node[0]
