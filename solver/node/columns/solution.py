"""A node's solution as columns find and prove it."""

from __future__ import annotations

from ...cpsat.budget import Budget
from ...demand.demand import Bundle
from ...policy.scale import Scale
from ...state.domain_state import DomainState
from ..dealing import merged_kinds, parted
from ..dealt_solution import kinds_of, solution_of
from ..lower_bounds import lower_bounds
from ..plan import NodeSolution
from .best import best_by_columns


def by_columns(
    state: DomainState,
    bundle: Bundle,
    scale: Scale,
    known: NodeSolution,
    budget: Budget,
    *,
    shielded: bool | None = None,
) -> NodeSolution:
    """Return a solution that is no worse than one that is known, with a bound that is no lower.

    Parameters
    ----------
    shielded
        When given, whether slots count as slots without GPUs, whatever they take.
    """
    kinds = kinds_of(bundle.slots, shielded)
    if not kinds:
        return known
    merged = merged_kinds(kinds)
    found = best_by_columns(scale, [state], merged, lower_bounds(scale, state, bundle), known.cost, budget)
    if found is None:
        return known
    if not found.dealt:
        bound = max(known.bound, found.bound)
        return NodeSolution(known.cost, bound, lambda: known.plan, known.outside, final=bound == known.cost)
    (dealt,) = parted(found.dealt, merged, kinds)
    solution = solution_of(scale, state, bundle.slots, kinds, dealt)
    bound = max(known.bound, found.bound)
    return NodeSolution(solution.cost, bound, lambda: solution.plan, known.outside, final=bound == solution.cost)
