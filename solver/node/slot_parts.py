"""What a node can be to a slot that has other nodes too.

Of each level the first domain that a slot touches crosses nothing. So the part that is best by itself, as it touches
no domain of a level, need not be the best for the slot: one that touches some may be as good there, and better after.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..cpsat.lexicographic import Budget
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
            solution = node_solver.best(state, bundle.that_touches(component.level), budget)
            if solution is not None:
                yield solution
