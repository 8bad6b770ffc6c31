"""Loose slots of several types dealt to the domains of all nodes at once, where these are few."""

from __future__ import annotations

from dataclasses import replace

from ..cpsat.budget import Budget
from ..node.dealt_solution import kinds_of, solution_of
from ..node.solver import NodeSolver
from ..node.together import best_together
from ..state.domain_state import DomainState
from ..state.node_classes import bits
from .packing import Items
from .selection import Decision, Field, Pick, lowest_position

MOST_NODES = 64
"""Machines with more nodes that are up are left to others."""


def deal_out(
    items: Items, field: Field, node_solver: NodeSolver, budget: Budget, known: Decision | None = None
) -> Decision | None:
    """Return the best placement of loose slots, or one that may be it; None where there is none at hand.

    Parameters
    ----------
    budget
        What it takes at the most.
    known
        A placement, which is returned with what is proven of it where none is found that is better.
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
    together = best_together(scale, states, kinds, budget, None if known is None else known.cost)
    if together is None:
        return None
    if not together.dealt:
        assert known is not None, "what is no better than what is known is known"
        assert together.bound is not None, "what is known is the best or may be beaten"
        return known._replace(bound=max(known.bound, together.bound))
    picks = []
    for (position, state), slots_there in zip(nodes, together.dealt, strict=True):
        if any(slots_there):
            picks.append(Pick(1 << position, solution_of(scale, state, slots, kinds, slots_there), None))
    cost = sum(pick.solution.cost for pick in picks)
    bound = cost if together.bound is None else min(cost, together.bound)
    return Decision(tuple(sorted(picks, key=lowest_position)), cost, bound)


def _position(node: tuple[int, DomainState]) -> int:
    return node[0]
