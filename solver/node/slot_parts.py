"""What a node can be to a slot that has other nodes too: its best part, and others that may serve the slot better.

A slot's affinity counts the domains of a level that it touches, less one, so of each level the first domain crosses
nothing. The part that is best by itself, as it touches no domain of a level, need not be the best for the slot: one
that touches some may be as good there, and better after. So for each such level one more solution is offered to the
machine's model, at the cost of one more solve of the node.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..cpsat.budget import Budget
from ..demand.demand import Bundle
from ..policy.terms import Cross
from ..state.domain_state import DomainState
from .plan import NodeSolution
from .solver import NodeSolver


def other_parts(
    state: DomainState, bundle: Bundle, best: NodeSolution, node_solver: NodeSolver, budget: Budget
) -> Iterator[NodeSolution]:
    """Yield, for each level of which the best part touches nothing, the best that touches something."""
    if not bundle.slot_part or bundle.whole:
        return
    touched = node_solver.scale.values(best.cost)
    for component in node_solver.scale.components:
        if isinstance(component, Cross) and not touched[component.name]:
            solution = node_solver.best(state, bundle.but(touching=component.level), budget)
            if solution is not None:
                yield solution
