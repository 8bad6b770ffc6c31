"""Slots of cores alone, or of GPUs alone: bounds level by level (`level_bounds`), then runs (`runs`)."""

from __future__ import annotations

from ...cpsat.budget import Budget
from ...demand.demand import Bundle
from ...policy.scale import Scale
from ...state.domain_state import DomainState
from ..lower_bounds import lower_bounds
from ..plan import NodePlan, NodeSolution, Share, SlotPlan
from ..pricing import Shares, price
from ..run_tree import run_tree
from .level_bounds import level_bounds
from .runs import Asked, best_runs, runs_at


def solve_one_resource(
    state: DomainState,
    bundle: Bundle,
    scale: Scale,
    known: NodeSolution,
    budget: Budget,
    *,
    shielded: bool | None = None,
) -> NodeSolution | None:
    """Find the best placement of slots that all take one and the same resource; None where this is no such case.

    Parameters
    ----------
    known
        A placement, which is returned where nothing better is found.
    shielded
        When given, whether slots count as slots without GPUs.
    """
    slots = bundle.slots
    names = {name for some in slots for name, _ in some.needs}
    tree = run_tree(state, *names) if len(names) == 1 and names <= {"core", "gpu"} else None
    if tree is None:
        return None
    is_cores = names == {"core"}
    shielded = is_cores and shielded is not False
    asked = Asked(tuple(some.needs[0][1] for some in slots), tuple(some.count for some in slots), shielded)
    values = tuple(scale.values(known.cost).values())
    bounds = level_bounds(tree, asked, scale, values, lower_bounds(scale, state, bundle), budget)
    least = scale.joint(bounds)
    if known.cost == least:
        return NodeSolution(known.cost, known.cost, lambda: known.plan)
    # The bounds themselves are mostly what can be had, and finding that takes less than proving that it is the best.
    runs = runs_at(tree, asked, scale, budget, bounds) or best_runs(tree, asked, scale, budget, (bounds, values))
    if runs is None:
        return NodeSolution(known.cost, least, lambda: known.plan, final=False)
    by_type = runs.slots if is_cores else tuple(tuple(_as_gpus(shares) for shares in some) for some in runs.slots)
    plan = NodePlan(
        tuple(SlotPlan(some.label, shares) for some, dealt in zip(slots, by_type, strict=True) for shares in dealt)
    )
    cost = price(scale, state, ((slot.shares, shielded) for slot in plan.slots))
    bound = cost if runs.final else max(scale.joint(runs.bounds), least)
    return NodeSolution(cost, bound, lambda: plan, final=runs.final)


def _as_gpus(shares: Shares) -> Shares:
    return tuple(Share(share.place, 0, share.cores) for share in shares)
