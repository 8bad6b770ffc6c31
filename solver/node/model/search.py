"""The search for the best that a node can do for a bundle, from what is known of it on."""

from __future__ import annotations

from ...cpsat.budget import Budget, CutOff
from ...cpsat.status import Status
from ...demand.demand import Bundle
from ...policy.scale import Scale
from ...state.domain_state import DomainState
from ..plan import NodeSolution
from .level_bounds import level_bounds
from .limits import Limits
from .model import solve_bundle
from .one_resource import solve_one_resource


def search(
    state: DomainState,
    bundle: Bundle,
    scale: Scale,
    known: NodeSolution | None,
    budget: Budget,
    *,
    shielded: bool | None = None,
) -> NodeSolution | None:
    """Return the best placement that is found; None where there is none.

    Parameters
    ----------
    known
        A placement of slots that take no more than shares; what is found is never worse.
    shielded
        When given, whether slots count as slots without GPUs, whatever they take.

    Raises
    ------
    CutOff
        When nothing is known, and nothing was found by then.
    """
    if known is None:
        status, solution = solve_bundle(state, bundle, scale, budget, shielded=shielded)
        if status is Status.CUT_OFF:
            raise CutOff
        return solution
    values = tuple(scale.values(known.cost).values())
    limits = Limits(tuple(level_bounds(state, bundle, scale, values, budget, shielded=shielded)), values)
    least = scale.joint(limits.least)
    if known.cost <= least:
        return NodeSolution(known.cost, known.cost, lambda: known.plan)
    found = solve_one_resource(state, bundle, scale, limits, budget, shielded=shielded)
    if found is None:
        _, found = solve_bundle(state, bundle, scale, budget, shielded=shielded, limits=limits, hint=known.plan)
    if found is not None and found.proven:
        return found
    bound = least if found is None else max(least, found.bound)
    if found is None or known.cost < found.cost:
        return NodeSolution(known.cost, min(bound, known.cost), lambda: known.plan, final=False)
    return NodeSolution(found.cost, min(bound, found.cost), lambda: found.plan, found.outside, final=found.final)
